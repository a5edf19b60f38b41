from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.attribution.tracks import Explanation, joined, locus_of
from tfbs_hub.errors import InputError
from tfbs_hub.sequences.batch import from_strings


def explanation(sequences, ids=None, **changes):
    """Contributions 1, 2, 3, … over all bases; hypothetical ones are ten times as large, plus the row."""
    batch = from_strings(sequences, ids)
    bases = len(batch.bases)
    values = {
        "model": "moe",
        "method": "gradient",
        "ids": tuple(batch.ids),
        "offsets": batch.offsets,
        "codes": batch.bases,
        "flat_actual": np.arange(1, bases + 1, dtype=np.float32),
        "flat_hypothetical": (10 * np.arange(1, bases + 1)[:, None] + np.arange(4)).astype(np.float32),
        "flat_logit": np.arange(bases, dtype=np.float32),
        "window": 8,
    }
    return Explanation(**{**values, **changes})


def test_equal_lengths_are_arrays_and_unequal_ones_are_padded_with_zeros():
    whole = explanation(["ACG", "TTT"])
    assert whole.actual.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert whole.hypothetical.shape == (2, 4, 3) and whole.hypothetical[1, 2].tolist() == [42, 52, 62]
    ragged = explanation(["A", "CGT"])
    assert ragged.actual.tolist() == [[1, 0, 0], [2, 3, 4]]
    assert ragged.hypothetical[0, :, 0].tolist() == [10, 11, 12, 13] and not ragged.hypothetical[0, :, 1:].any()


@given(st.lists(st.text("ACGTN", min_size=1, max_size=7), min_size=1, max_size=6), st.data())
def test_parts_joined_are_the_whole(sequences, data):
    whole = explanation(sequences)
    cut = data.draw(st.integers(1, len(sequences)))
    base = int(whole.offsets[cut])
    flat = ("flat_actual", "flat_hypothetical", "flat_logit")
    parts = [
        explanation(some, whole.ids[rows], **{name: getattr(whole, name)[bases] for name in flat})
        for some, rows, bases in (
            (sequences[:cut], slice(cut), slice(base)),
            (sequences[cut:], slice(cut, None), slice(base, None)),
        )
        if some
    ]
    again = joined(parts)
    assert again.ids == whole.ids and np.array_equal(again.offsets, whole.offsets)
    for name in ("codes", "flat_actual", "flat_hypothetical", "flat_logit"):
        assert np.array_equal(getattr(again, name), getattr(whole, name))
    assert [again.sequence(index) for index in range(len(again))] == sequences


def test_a_track_is_one_sequence_with_its_strongest_logit():
    track = explanation(["AC", "GTN"], ["x", "chr2:-1-2"]).track(1)
    assert (track.name, track.label, track.logit, len(track)) == ("chr2:-1-2", "moe · gradient", 4.0, 3)
    assert track.hypothetical.shape == (4, 3) and track.locus == ("chr2", -1)
    assert explanation(["AC", "GTN"]).logit.tolist() == [1, 4]


@pytest.mark.parametrize(
    ("name", "length", "locus"),
    [
        ("chr1:10-12", 2, ("chr1", 10)),
        ("HLA-A*01:01:0-2", 2, ("HLA-A*01:01", 0)),
        ("my::peak::chr1:10-12", 2, ("chr1", 10)),
        ("chr1:10-12", 3, None),  # 1-based and inclusive
        ("chr1:10-12 peak", 2, None),
        ("peak", 4, None),
        ("chr1:1-99999999999999999999", 5, None),
    ],
)
def test_a_name_says_a_place_only_if_it_is_as_long_as_the_sequence(name, length, locus):
    assert locus_of(name, length) == locus


def test_nothing_to_join_is_an_error():
    with pytest.raises(InputError, match="no sequence to explain"):
        joined([])
