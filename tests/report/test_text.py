from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.report.text import aliases, count, decimal, interval, p_value, plain, shortened, signed


def test_control_and_direction_characters_are_replaced():
    assert plain("a\x1b[31m\u202eb\nc") == "a\ufffd[31m\ufffdb\ufffdc"
    assert plain("STAT3 (HeLa-S3) é 転写") == "STAT3 (HeLa-S3) é 転写"


@given(st.text(), st.integers(3, 40))
def test_a_shortened_text_fits_and_keeps_both_ends(text, room):
    short = shortened(text, room)
    assert len(short) <= room
    whole = plain(text)
    assert short == whole if len(whole) <= room else whole.startswith(short.split("…")[0])
    assert short[-1:] == whole[-1:]


def test_encode_names_go_by_the_parts_that_tell_them_apart():
    arid, gata, other = (
        "ARID3A_HepG2_ARID3A_(NB100-279)_Stanford_B",
        "GATA3_SH-SY5Y_GATA3_(SC-269)_USC_B",
        "GATA3_MCF-7_GATA3_(SC-268)_USC_B",
    )
    assert aliases([arid, gata]) == {arid: "ARID3A", gata: "GATA3"}
    assert aliases([arid, gata, other]) == {arid: "ARID3A", gata: "GATA3_SH-SY5Y", other: "GATA3_MCF-7"}
    assert aliases(["mine", gata, "GATA3"]) == {"mine": "mine", gata: "GATA3_SH-SY5Y", "GATA3": "GATA3"}


def test_a_name_that_begins_another_keeps_all_its_parts():
    short, long = "peaks_of_my_favourite_factor", "peaks_of_my_favourite_factor_again"
    assert aliases([short, long]) == {short: short, long: long}
    assert aliases(["x" * 40, "_" * 40]) == {"x" * 40: "x" * 40, "_" * 40: "_" * 40}


@given(st.lists(st.text("ab_", min_size=1, max_size=30), unique=True))
def test_aliases_never_meet(names):
    found = aliases(names, room=6)
    assert len(set(found.values())) == len(names)
    assert all(name.startswith(alias) and alias for name, alias in found.items())


@pytest.mark.parametrize(
    ("p", "shown"),
    [(1.0, "1.000"), (0.0499, "0.050"), (0.001, "0.001"), (0.00099, "1e-03"), (3.2e-98, "3e-98"), (0.0, "< 1e-300")],
)
def test_a_p_keeps_its_order_of_magnitude(p, shown):
    assert p_value(p) == shown


def test_numbers():
    assert (decimal(0.94849), decimal(412.66, 1), decimal(inf), decimal(nan), p_value(nan)) == (
        "0.948",
        "412.7",
        "inf",
        "-",
        "-",
    )
    assert (signed(0.02), signed(-0.02), signed(-inf, 2), signed(nan)) == ("+0.020", "-0.020", "-inf", "-")
    assert interval((0.9, 1.0)) == "0.900-1.000"
    assert (count(1, "model"), count(1234, "model")) == ("1 model", "1,234 models")
