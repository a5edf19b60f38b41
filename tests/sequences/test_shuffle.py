from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import decode, encode
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pairs(text: str) -> Counter[str]:
    return Counter(map("".join, pairwise(text)))


def all_shuffles(text: str) -> set[str]:
    """Every sequence with the same dinucleotides and first base, by exhaustive search."""

    @cache
    def ways(at: str, left: tuple[tuple[str, int], ...]) -> frozenset[str]:
        counts = dict(left)
        if not counts:
            return frozenset({at})
        found = set()
        for pair in counts:
            if pair[0] == at:
                rest = {key: n - (key == pair) for key, n in counts.items()}
                found |= {at + tail for tail in ways(pair[1], tuple((k, n) for k, n in rest.items() if n))}
        return frozenset(found)

    return set(ways(text[0], tuple(sorted(pairs(text).items()))))


@pytest.mark.parametrize(
    "text",
    ["ACGTACGGTCAT", "AACCGGTTAGCA", "GATTACAGATTA", "AAAAACAAAATAAGA", "ACNNGANTNACNG", "NANCNGNTNA", "CACACAGAGAC"],
)
def test_every_shuffle_is_reached_equally_often(text: str) -> None:
    valid = all_shuffles(text)
    assert len(valid) > 5
    draws = max(20_000, 100 * len(valid))
    shuffled = dinucleotide_shuffle(np.tile(encode(text), (draws, 1)), rng(1))
    seen = Counter(decode(row) for row in shuffled)
    assert set(seen) == valid
    assert chisquare(list(seen.values())).pvalue > 1e-4


class Coarse:
    """A generator of few different sort keys, so that many are equal."""

    def __init__(self) -> None:
        self._rng = rng(2)
        self.random = self._rng.random

    def integers(self, *arguments, **options) -> np.ndarray:
        return self._rng.integers(*arguments, **options) & np.uint64(0x00000038_00000038)


def test_equal_sort_keys_do_not_spoil_the_odds() -> None:
    text = "ACGTACGGTCAT"
    seen = Counter(decode(row) for row in dinucleotide_shuffle(np.tile(encode(text), (20_000, 1)), Coarse()))
    assert set(seen) == all_shuffles(text)
    assert chisquare(list(seen.values())).pvalue > 1e-4


@pytest.mark.parametrize("length", [1024, 1025, 1026, 3000])
def test_long_sequences(random_codes, length: int) -> None:
    codes = random_codes(20, length, letters=5)
    shuffled = dinucleotide_shuffle(codes, rng())
    for before, after in zip(codes, shuffled, strict=True):
        assert pairs(decode(before)) == pairs(decode(after))
    assert (codes != shuffled).mean() > 0.5


@given(st.lists(st.text("ACGTN", min_size=1, max_size=60), min_size=1, max_size=5), st.integers(0, 2**32))
def test_dinucleotides_and_ends_stay(texts: list[str], seed: int) -> None:
    for text in texts:
        (row,) = dinucleotide_shuffle(encode(text)[None], rng(seed))
        assert pairs(decode(row)) == pairs(text)
        assert (decode(row)[0], decode(row)[-1]) == (text[0], text[-1])


def test_many_rows_of_one_block_and_more(random_codes) -> None:
    codes = random_codes(4000, 101, letters=4)
    codes[::7, 3:9] = 4
    shuffled = dinucleotide_shuffle(codes, rng())
    for before, after in zip(codes[::97], shuffled[::97], strict=True):
        assert pairs(decode(before)) == pairs(decode(after))
    numbers = [codes[:, :-1] * 5 + codes[:, 1:], shuffled[:, :-1] * 5 + shuffled[:, 1:]]
    assert np.array_equal(*(np.sort(each, axis=1) for each in numbers))
    assert (codes != shuffled).mean() > 0.5


@pytest.mark.parametrize("text", ["A", "AC", "NN", "ACG", "AAAAAAA"])
def test_where_nothing_can_change_nothing_does(text: str) -> None:
    assert decode(dinucleotide_shuffle(encode(text)[None], rng())[0]) == text


def test_no_rows_and_no_bases() -> None:
    assert dinucleotide_shuffle(np.empty((0, 101), np.uint8), rng()).shape == (0, 101)
    assert dinucleotide_shuffle(np.empty((3, 0), np.uint8), rng()).shape == (3, 0)


def test_the_generator_decides_and_the_argument_is_left_alone(random_codes) -> None:
    codes = random_codes(300, 50, letters=5)
    before = codes.copy()
    assert np.array_equal(dinucleotide_shuffle(codes, rng(5)), dinucleotide_shuffle(codes, rng(5)))
    assert not np.array_equal(dinucleotide_shuffle(codes, rng(5)), dinucleotide_shuffle(codes, rng(6)))
    assert np.array_equal(codes, before)


def test_rare_exits_are_found_without_trying_for_ever() -> None:
    text = "A" * 400 + "C" * 400 + "G" * 400 + "T"
    assert pairs(decode(dinucleotide_shuffle(encode(text)[None], rng())[0])) == pairs(text)


def test_a_code_that_is_no_base_is_refused() -> None:
    with pytest.raises(InputError, match="code 5"):
        dinucleotide_shuffle(np.full((1, 10), 5, np.uint8), rng())


def test_encode_negatives_were_made_this_way(encode_folder) -> None:
    from tfbs_hub.sequences.readers import load

    data = load(next((encode_folder / "test").glob("GATA3*_B.seq.gz")))
    names = {name: row for row, name in enumerate(data.ids)}
    for name in [name for name in data.ids if name.endswith("_peak")][:50]:
        peak, shuf = (decode(data.codes[names[name.replace("_peak", end)]]) for end in ("_peak", "_shuf"))
        assert pairs(peak) == pairs(shuf)
        assert (peak[0], peak[-1]) == (shuf[0], shuf[-1])
