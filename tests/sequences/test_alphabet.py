from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import TABLE, decode, encode, reverse_complement, translate

any_codes = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=2, min_side=1), elements=st.integers(0, 4))


def test_letters_in_either_case_have_the_promised_codes() -> None:
    assert encode("ACGTNacgtn").tolist() == [0, 1, 2, 3, 4] * 2
    assert encode(b"").tolist() == []


def test_iupac_letters_become_unknown_and_are_counted() -> None:
    codes, ambiguous = translate(b"RYSWKMBDHVryswkmbdhvNACGT")
    assert codes[:20].tolist() == [4] * 20
    assert ambiguous == 20


@pytest.mark.parametrize("letter", ["U", "u", "E", "-", " ", "*", "1", "é"])
def test_other_letters_are_named_with_their_position(letter: str) -> None:
    with pytest.raises(InputError, match="position 4") as caught:
        encode(f"ACG{letter}A")
    assert "DNA letter" in caught.value.what


def test_the_table_knows_every_byte() -> None:
    assert len(TABLE) == 256
    assert sum(code < 255 for code in TABLE) == 2 * (5 + 10)


@given(st.text("ACGTN"))
def test_decoding_undoes_encoding(text: str) -> None:
    assert decode(encode(text)) == text


@given(any_codes)
def test_reverse_complement_is_its_own_inverse(codes: np.ndarray) -> None:
    assert np.array_equal(reverse_complement(reverse_complement(codes)), codes)


def test_reverse_complement_pairs_bases_and_leaves_the_argument_alone() -> None:
    codes = encode("AACGTN")
    assert decode(reverse_complement(codes)) == "NACGTT"
    assert decode(codes) == "AACGTN"
    assert [decode(row) for row in reverse_complement(np.stack([codes, codes[::-1]]))] == ["NACGTT", "TTGCAN"]
