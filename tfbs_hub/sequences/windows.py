"""Sequences cut or padded to a window.

The centre of a sequence of length L is base L // 2 (from 0), and that of a window is window // 2; the two always
coincide. So fitting to a wide window and then to a narrow one is the same as fitting to the narrow one at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.sequences.alphabet import UNKNOWN, Codes
from tfbs_hub.sequences.batch import SequenceBatch
from tfbs_hub.sequences.spans import gather, offsets_of

__all__ = ["Tiles", "fit_window", "fit_windows", "tile"]


@dataclass(frozen=True, eq=False)
class Tiles:
    """Windows that slide over sequences.

    Attributes:
        codes: uint8 (m, window).
        sequence: int64 (m,), which sequence of the batch each window is of.
        start: int64 (m,), its first base in that sequence (0-based; negative where padding comes before it).
    """

    codes: Codes
    sequence: NDArray[np.int64]
    start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)


def fit_window(codes: Codes, window: int) -> Codes:
    """Centred crop of sequences that are longer than the window, padding with unknown bases for shorter ones.

    Args:
        codes: uint8 (n, length).
        window: length of the result in base pairs, at least 1.

    Returns:
        uint8 (n, window); a view of `codes` where nothing is padded.

    Raises:
        UsageError: a window below 1.
    """
    _check_window(window)
    rows, length = codes.shape
    start = length // 2 - window // 2
    if start >= 0 and start + window <= length:
        return codes[:, start : start + window]
    fitted = np.full((rows, window), UNKNOWN, np.uint8)
    low, high = max(start, 0), min(start + window, length)
    fitted[:, low - start : high - start] = codes[:, low:high]
    return fitted


def fit_windows(batch: SequenceBatch, window: int) -> Codes:
    """Every sequence of a batch, centred in a window; uint8 (n, window).

    Raises:
        InputError: a sequence longer than the window, by name, with the option that slides the window over it.
        UsageError: a window below 1.
    """
    _check_window(window)
    lengths = batch.lengths
    too_long = lengths > window
    if too_long.any():
        row = int(np.argmax(too_long))
        raise InputError(
            f"{batch.ids[row]} has {lengths[row]} bp, which is longer than the window of {window} bp",
            where=batch.where(row),
            hint="slide the window over long sequences with --tile STEP",
        )
    if len(batch) and (lengths == lengths[0]).all():
        return fit_window(batch.bases.reshape(len(batch), -1), window)
    return _centred(batch.bases, batch.offsets[:-1], lengths, window)


def tile(batch: SequenceBatch, window: int, step: int, *, rows: int = 4096) -> Iterator[Tiles]:
    """Slide a window over every sequence of a batch, in the order of the sequences.

    A window starts every `step` bases; the last one lies flush with the end, so that every base is covered. A sequence
    that is not longer than the window gives one window, centred in padding.

    Args:
        batch: sequences of any length.
        window: length of a window in base pairs.
        step: distance between windows, from 1 to `window`.
        rows: windows in one piece of the result; memory does not grow with the length of a sequence.

    Yields:
        At most `rows` windows at a time.

    Raises:
        UsageError: a window below 1, or a step that leaves bases out.
    """
    _check_window(window)
    if not 1 <= step <= window:
        raise UsageError(
            f"a step of {step} bp does not fit a window of {window} bp", hint=f"give --tile a step from 1 to {window}"
        )
    return _tiles(batch, window, step, rows)


def _tiles(batch: SequenceBatch, window: int, step: int, rows: int) -> Iterator[Tiles]:
    excess = np.maximum(batch.lengths - window, 0)
    ends = np.cumsum(1 + (excess + step - 1) // step)
    total = int(ends[-1]) if len(ends) else 0
    for low in range(0, total, rows):
        number = np.arange(low, min(low + rows, total))
        sequence = np.searchsorted(ends, number, side="right")
        before = np.where(sequence > 0, ends[sequence - 1], 0)
        start = np.minimum((number - before) * step, excess[sequence])
        short = batch.lengths[sequence] <= window
        start[short] = batch.lengths[sequence[short]] // 2 - window // 2
        codes = np.empty((len(number), window), np.uint8)
        if not short.all():
            views = sliding_window_view(batch.bases, window)
            codes[~short] = views[batch.offsets[sequence[~short]] + start[~short]]
        if short.any():
            codes[short] = _centred(batch.bases, batch.offsets[sequence[short]], batch.lengths[sequence[short]], window)
        yield Tiles(codes, sequence, start)


def _centred(bases: Codes, starts: NDArray[np.int64], lengths: NDArray[np.int64], window: int) -> Codes:
    """Sequences `bases[start:start + length]`, none longer than the window, each in the middle of one."""
    fitted = np.full(len(starts) * window, UNKNOWN, np.uint8)
    first = np.arange(len(starts)) * window + window // 2 - lengths // 2
    offsets = offsets_of(lengths)
    fitted[np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], lengths)] = gather(bases, starts, lengths)
    return fitted.reshape(len(starts), window)


def _check_window(window: int) -> None:
    if window < 1:
        raise UsageError(f"a window must have at least 1 bp, not {window}")
