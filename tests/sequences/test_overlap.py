from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import UsageError
from tfbs_hub.sequences.alphabet import decode, encode, reverse_complement
from tfbs_hub.sequences.overlap import KmerIndex


def kmers(text: str, k: int) -> set[str]:
    return {text[start : start + k] for start in range(len(text) - k + 1) if "N" not in text[start : start + k]}


rows = st.lists(st.text("ACGTN", min_size=12, max_size=12), min_size=1, max_size=4)


@given(rows, rows, st.integers(1, 13))
def test_sharing_is_what_sets_of_words_say(known: list[str], asked: list[str], k: int) -> None:
    index = KmerIndex(np.stack([encode(text) for text in known]), k)
    words = {word for text in known for word in kmers(text, k) | kmers(decode(reverse_complement(encode(text))), k)}
    expected = [bool(kmers(text, k) & words) for text in asked]
    assert index.shares(np.stack([encode(text) for text in asked])).tolist() == expected


@pytest.mark.parametrize("k", [1, 7, 31, 32])
def test_either_strand_counts_at_any_place(random_codes, k: int) -> None:
    codes = random_codes(30, 101)
    other = random_codes(30, 80, seed=1)
    other[:, 40 : 40 + k] = codes[:, 11 : 11 + k]
    assert KmerIndex(codes, k).shares(other).all()
    assert KmerIndex(codes, k).shares(reverse_complement(other)).all()


def test_one_base_less_is_not_enough_and_unknown_bases_never_match(random_codes) -> None:
    codes = random_codes(50, 101)
    near = random_codes(50, 101, seed=1)
    near[:, 20:51] = codes[:, 20:51]
    near[:, 51] = (codes[:, 51] + 1) % 4
    near[:, 19] = (codes[:, 19] + 1) % 4
    index = KmerIndex(codes)
    assert not index.shares(near).any()
    hidden = codes.copy()
    hidden[:, ::20] = 4
    assert not index.shares(hidden).any()
    assert not KmerIndex(hidden).shares(codes).any()
    assert len(KmerIndex(hidden)) == 0


def test_the_first_base_counts_at_full_length(random_codes) -> None:
    codes = random_codes(20, 32)
    changed = codes.copy()
    changed[:, 0] ^= 2
    assert KmerIndex(codes).shares(codes).all()
    assert not KmerIndex(codes).shares(changed).any()


def test_sequences_shorter_than_k_share_nothing(random_codes) -> None:
    assert not KmerIndex(random_codes(5, 31)).shares(random_codes(5, 31)).any()
    assert KmerIndex(random_codes(5, 40)).shares(np.empty((0, 40), np.uint8)).shape == (0,)


@pytest.mark.parametrize("k", [0, 33])
def test_k_has_limits(random_codes, k: int) -> None:
    with pytest.raises(UsageError, match="1 to 32"):
        KmerIndex(random_codes(1, 50), k)


def test_twenty_thousand_sequences_take_well_under_a_second(random_codes) -> None:
    codes, other = random_codes(20_000, 101), random_codes(20_000, 101, seed=1)
    other[::100] = codes[::100]
    start = time.process_time()
    shared = KmerIndex(codes).shares(other)
    assert time.process_time() - start < 2
    assert np.flatnonzero(shared).tolist() == list(range(0, 20_000, 100))
