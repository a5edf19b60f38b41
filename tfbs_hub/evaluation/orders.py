"""Rows in the order of a model's scores, and figures of merit of many resamples of them at once; for `bootstrap`.

Resamples are counts (rows, trials): how often each of them holds each row. All trials of a row lie side by side, so
that a sum over rows runs through memory in its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.metrics import checked_classes, checked_scores

__all__ = ["Calibration", "Counts", "Ranking"]

Floats = NDArray[np.float64]
Counts = NDArray[Any]
"""Whole numbers."""


@dataclass(frozen=True)
class Ranking:
    """The order of the scores.

    Attributes:
        bound, unbound: the rows of each class, lowest score first.
        below, upto: for each bound row, how many unbound rows score less, and not more.
        first: for each bound row, the first bound row with the same score.
    """

    bound: NDArray[np.intp]
    unbound: NDArray[np.intp]
    below: NDArray[np.intp]
    upto: NDArray[np.intp]
    first: NDArray[np.intp]

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike) -> Ranking:
        """The order of `scores` (rows,); raises `InputError`, as `metrics.auroc`."""
        truth = checked_classes(labels)
        given = checked_scores(scores, len(truth))
        bound, unbound = (rows[np.argsort(given[rows])] for rows in (np.flatnonzero(truth), np.flatnonzero(~truth)))
        high, low = given[bound], given[unbound]
        below, upto = (np.searchsorted(low, high, side) for side in ("left", "right"))
        return cls(bound, unbound, below, upto, np.searchsorted(high, high))

    def checked(self, counts: Counts) -> Counts:
        """Resamples (trials, rows) as (rows, trials); raises `InputError` if they do not fit."""
        return _checked_counts(counts, len(self.bound) + len(self.unbound))

    def auroc(self, counts: Counts) -> Floats:
        """AUROC of each resample (rows, trials); raises `InputError` for one that lacks a class."""
        bound, unbound = counts[self.bound].astype(np.int64), _cumulated(counts[self.unbound])
        total = bound.sum(axis=0)
        _check_classes(total, unbound[-1])
        outscored = unbound[self.below]
        outscored += unbound[self.upto]
        # Twice the Mann-Whitney count is a whole number, so the only rounding is that of the division.
        areas: Floats = np.einsum("ij,ij->j", bound, outscored) / (2 * total * unbound[-1])
        return areas

    def auprc(self, counts: Counts) -> Floats:
        """Average precision of each; errors as of `auroc`."""
        bound, unbound = counts[self.bound], _cumulated(counts[self.unbound])
        found = _cumulated(bound)
        _check_classes(found[-1], unbound[-1])
        true = found[-1] - found[self.first]
        called = true + unbound[-1] - unbound[self.below]
        # A row that was not drawn may have nothing called at its score; it counts 0 times, whatever its precision.
        np.maximum(called, 1, out=called)
        areas: Floats = np.einsum("ij,ij->j", bound, true / called) / found[-1]
        return areas


@dataclass(frozen=True)
class Calibration:
    """The order of the probabilities.

    Attributes:
        order: rows, lowest probability first.
        ends: where each run of equal probabilities ends.
        excess: label less probability, in that order.
        edges: where bins end within a resample; its first and last row are no edges.
        loss: squared difference, in the rows' own order.
    """

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    excess: Floats
    edges: NDArray[np.intp]
    loss: Floats

    @classmethod
    def of(cls, labels: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> Calibration:
        """The order of `probabilities` (rows,); raises `InputError` as `metrics.ece`, and for rows of one class."""
        truth = checked_classes(labels)
        chances = checked_scores(probabilities, len(truth)).astype(np.float64)
        if chances.min() < 0 or chances.max() > 1:
            raise InputError("a probability lies between 0 and 1", hint="give probabilities, not logits")
        if bins < 1:
            raise InputError(f"calibration needs at least 1 bin, not {bins}")
        order = np.argsort(chances, kind="stable")
        ends = np.flatnonzero(np.diff(chances[order], append=np.inf)) + 1
        sizes = [len(part) for part in np.array_split(order, min(bins, len(order)))]
        excess = truth - chances
        return cls(order, ends, excess[order], np.cumsum(sizes)[:-1], excess**2)

    def checked(self, counts: Counts) -> Counts:
        """Resamples (trials, rows) as (rows, trials); raises `InputError` if they do not fit."""
        by_row = _checked_counts(counts, len(self.order))
        if (by_row.sum(axis=0) != len(by_row)).any():
            raise InputError(f"a resample of {len(by_row)} rows has as many rows", hint="draw with resample_counts")
        return by_row

    def brier(self, counts: Counts) -> Floats:
        """Brier score of each resample (rows, trials)."""
        # Not a matrix product: how a library sums one depends on its threads, and with them the last bit.
        means: Floats = np.einsum("i,ij->j", self.loss, counts) / len(self.loss)
        return means

    def ece(self, counts: Counts) -> Floats:
        """Calibration error of each."""
        ordered = counts[self.order]
        rows, excess = _cumulated(ordered), _cumulated(ordered * self.excess[:, None], np.float64)
        if len(self.ends) < len(ordered):
            knots = np.concatenate([[0], self.ends])
            rows, excess = rows[knots], excess[knots]
        # Rows of equal probability share their labels evenly, so between two knots the excess is a straight line.
        edges = self.edges[:, None]
        before = _last_not_above(rows, edges)
        (from_row, to_row), (from_excess, to_excess) = (
            (np.take_along_axis(sums, before, 0), np.take_along_axis(sums, before + 1, 0)) for sums in (rows, excess)
        )
        at_edges = from_excess + (to_excess - from_excess) * ((edges - from_row) / (to_row - from_row))
        gaps = np.diff(np.concatenate([excess[:1], at_edges, excess[-1:]]), axis=0)
        errors: Floats = np.abs(gaps).sum(axis=0) / len(self.order)
        return errors


def _checked_counts(counts: Counts, rows: int) -> Counts:
    """`counts` (trials, rows) as (rows, trials)."""
    given = np.asarray(counts)
    if given.ndim != 2 or given.shape[1] != rows or given.dtype.kind not in "iu":
        raise InputError(f"counts must be whole numbers (trials, {rows}), not {given.dtype} {given.shape}")
    return given.T


def _check_classes(bound: NDArray[np.int64], unbound: NDArray[np.int64]) -> None:
    """Raise `InputError` if one of the resamples, of so many rows, lacks a class."""
    if not bound.all() or not unbound.all():
        raise InputError("a resample lacks one of the classes", hint="draw with resample_counts")


def _cumulated(values: NDArray[Any], kind: type[np.generic] = np.int64) -> NDArray[Any]:
    """Sums over the rows before each, (rows + 1, trials): the first is 0, the last is the total."""
    sums = np.zeros((len(values) + 1, values.shape[1]), kind)
    sums[1:] = values
    # In place this takes half the time that numpy.cumsum takes.
    return np.add.accumulate(sums, axis=0, out=sums)


def _last_not_above(sums: NDArray[np.int64], edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """The last place in each column of `sums` (places, trials) whose value is at most the edge: (edges, trials).

    All are searched at once, by halving; the first value of a column is not above an edge, the last one is.
    """
    low = np.zeros((len(edges), sums.shape[1]), np.intp)
    high = np.full_like(low, len(sums) - 1)
    for _ in range((len(sums) - 1).bit_length()):
        middle = (low + high) // 2
        fits = np.take_along_axis(sums, middle, 0) <= edges
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low
