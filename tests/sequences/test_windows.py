from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.sequences.windows import fit_window, fit_windows, tile

dna = st.text("ACGT", min_size=1, max_size=40)


def codes_of(text: str) -> np.ndarray:
    return from_strings([text]).bases[None]


@given(dna, st.integers(1, 50), st.integers(1, 50))
def test_fitting_twice_is_fitting_once(text: str, one: int, other: int) -> None:
    wide, narrow = max(one, other), min(one, other)
    codes = codes_of(text)
    assert np.array_equal(fit_window(fit_window(codes, wide), narrow), fit_window(codes, narrow))


@given(dna, st.integers(1, 60))
def test_the_centres_coincide(text: str, window: int) -> None:
    fitted = decode(fit_window(codes_of(text), window)[0])
    assert len(fitted) == window
    assert fitted[window // 2] == text[len(text) // 2]


@pytest.mark.parametrize(
    ("text", "window", "expected"),
    [("ACGTA", 3, "CGT"), ("ACGTAC", 3, "GTA"), ("ACG", 6, "NNACGN"), ("AC", 5, "NACNN"), ("ACGT", 3, "CGT")],
)
def test_examples(text: str, window: int, expected: str) -> None:
    assert decode(fit_window(codes_of(text), window)[0]) == expected


@given(st.lists(dna, min_size=1, max_size=8))
def test_ragged_batches_are_fitted_like_single_sequences(texts: list[str]) -> None:
    fitted = fit_windows(from_strings(texts), 41)
    assert np.array_equal(fitted, np.concatenate([fit_window(codes_of(text), 41) for text in texts]))


def test_a_sequence_longer_than_the_window_is_named_with_the_way_on() -> None:
    batch = from_strings(["ACGT", "ACGTACGT"], ["short", "long"])
    with pytest.raises(InputError, match="long has 8 bp") as caught:
        fit_windows(batch, 5)
    assert "--tile STEP" in str(caught.value)


@given(st.lists(dna, min_size=1, max_size=6), st.integers(1, 12), st.data())
def test_tiles_cover_every_base_and_show_what_lies_there(texts: list[str], window: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, window))
    seen = [set() for _ in texts]
    last = [-1] * len(texts)
    for tiles in tile(from_strings(texts), window, step, rows=data.draw(st.integers(1, 9))):
        for codes, sequence, start in zip(tiles.codes, tiles.sequence, tiles.start, strict=True):
            text = texts[sequence]
            shown = "".join(text[i] if 0 <= i < len(text) else "N" for i in range(start, start + window))
            assert decode(codes) == shown
            assert len(text) > window or start == len(text) // 2 - window // 2
            seen[sequence].update(range(max(start, 0), min(start + window, len(text))))
            last[sequence] = start
    assert [len(bases) for bases in seen] == [len(text) for text in texts]
    assert all(start == len(text) - window for start, text in zip(last, texts, strict=True) if len(text) > window)


def test_tiles_start_every_step_and_the_last_is_flush() -> None:
    (tiles,) = tile(from_strings(["ACGTACGTAC", "ACG"]), 4, 4)
    assert tiles.start.tolist() == [0, 4, 6, -1]
    assert tiles.sequence.tolist() == [0, 0, 0, 1]
    assert len(tiles) == 4


@pytest.mark.parametrize("step", [0, 5, -1])
def test_a_step_that_leaves_bases_out_is_refused_at_once(step: int) -> None:
    with pytest.raises(UsageError, match="step"):
        tile(from_strings(["ACGTAC"]), 4, step)


@pytest.mark.parametrize("window", [0, -3])
def test_a_window_needs_a_base(window: int) -> None:
    with pytest.raises(UsageError):
        fit_window(codes_of("ACGT"), window)
