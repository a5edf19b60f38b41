from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import UsageError
from tfbs_hub.names import check_digest, check_name, data_name, short


@pytest.mark.parametrize(
    "name", ["STAT3", "STAT3_HeLa-S3", "c-Myc", "NKX2.5", "H3K4me3+x", "7SK", "a" * 64, "console", "lpt10", "MOE2"]
)
def test_names_that_can_be(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/b", "a\\b", "a b", "a\n", "a\0b", ".hidden", "-x", "_x", "+x", "a.", "a" * 65),
        *("con", "CON", "nul.txt", "Com1", "lpt9.tar.gz", "Ä", "\u0661\u0662", "moe", "MoE", "mean", "Mean"),
    ],
)
def test_names_that_cannot_be(name):
    with pytest.raises(UsageError):
        check_name(name)


@given(st.text())
def test_a_name_is_one_safe_part_of_a_path(text):
    try:
        name = check_name(text)
    except UsageError:
        return
    assert name.isascii()
    assert not set(name) & set('/\\:*?"<>| \0\n\r\t')
    assert name not in {".", ".."}
    assert not name.endswith(".")


def test_digests():
    digest = "0123456789abcdef" * 4
    assert check_digest(digest) == digest
    assert short(digest) == "0123456789ab"
    for wrong in ("", digest[:-1], digest + "0", digest.upper(), digest[:-1] + "g", digest + "\n", digest[:-1] + "é"):
        with pytest.raises(UsageError):
            check_digest(wrong)


@pytest.mark.parametrize(
    ("path", "name"), [("a/ETS_test.fa", "ETS_test"), ("x.y.seq.gz", "x.y"), ("peaks", "peaks"), ("-", "-")]
)
def test_a_data_set_is_called_after_its_file(path, name):
    assert data_name(path) == name
