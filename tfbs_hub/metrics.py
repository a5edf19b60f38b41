"""Figures of merit: arrays in, numbers out.

Ranking: `auroc`, `auprc`, `roc_points`. Probabilities: `brier`, `ece`, and `calibration_floor`, which says how
large an ECE chance alone would make. All are computed from counts per distinct score, so ties are exact and the
order of the rows never matters. scikit-learn is not imported: that alone would take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.errors import InputError

__all__ = [
    "auprc",
    "auroc",
    "brier",
    "calibration_floor",
    "checked_classes",
    "checked_labels",
    "checked_scores",
    "ece",
    "roc_points",
]


def auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a bound row outscores an unbound one, ties counting half.

    Args:
        labels: (n,) 0 or 1.
        scores: (n,) finite, higher for bound.

    Raises:
        InputError: as `checked_classes` and `checked_scores`.
    """
    counts = _Counts.of(labels, scores)
    below = np.cumsum(counts.negatives) - counts.negatives
    # Twice the Mann-Whitney count is a whole number, so the only rounding is that of the division.
    twice = int(np.sum(counts.positives * (2 * below + counts.negatives)))
    return twice / (2 * int(counts.positives.sum()) * int(counts.negatives.sum()))


def auprc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Average precision, the sum over thresholds of (recall gained) x precision, without interpolation.

    Args and errors: as `auroc`.
    """
    counts = _Counts.of(labels, scores)
    gained = counts.positives[::-1]
    found = np.cumsum(gained)
    called = np.cumsum((counts.positives + counts.negatives)[::-1])
    return float(np.sum(gained * (found / called)) / found[-1])


def roc_points(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates, each (distinct scores + 1,), from (0, 0) to (1, 1).

    Args and errors: as `auroc`.
    """
    counts = _Counts.of(labels, scores)
    false, true = (np.concatenate([[0], np.cumsum(part[::-1])]) for part in (counts.negatives, counts.positives))
    return false / false[-1], true / true[-1]


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared difference between label and probability; rows of one class will do.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of being bound, 0 to 1.

    Raises:
        InputError: no rows, unequal lengths, labels other than 0 and 1, probabilities outside 0 to 1.
    """
    truth = checked_labels(labels)
    chances = _checked_probabilities(probabilities, len(truth))
    return float(np.mean((truth - chances) ** 2))


def ece(labels: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error over equal-mass bins: the weighted mean of |fraction bound - mean probability|.

    Rows are sorted by probability and cut into `bins` parts whose sizes differ by at most one. Rows of equal
    probability share their labels evenly, so that where a cut falls among them, and the order in which the
    rows came, does not matter. Rows of one class will do.

    Args:
        labels: (n,) 0 or 1.
        probabilities: (n,) of being bound, 0 to 1.
        bins: number of bins; no more than rows are used.

    Raises:
        InputError: as `brier`, or fewer than 1 bin.
    """
    truth = checked_labels(labels)
    chances = _checked_probabilities(probabilities, len(truth))
    order = np.argsort(chances, kind="stable")
    return _Bins.of(chances[order], bins).error(truth[order])


def calibration_floor(probabilities: ArrayLike, bins: int = 10, *, draws: int = 200, seed: int = 0) -> float:
    """The ECE that a perfectly calibrated model would show on as many rows: what chance alone makes of it.

    Mean of `ece` over `draws` sets of labels, each label 1 with the row's own probability.

    Args:
        probabilities: (n,) of being bound, 0 to 1.
        bins: as for the `ece` that this stands beside.
        draws: sets of labels; 200 give the mean to about 2 %.
        seed: of the labels.

    Raises:
        InputError: no rows, probabilities outside 0 to 1, fewer than 1 bin or draw.
    """
    if draws < 1:
        raise InputError(f"a mean needs at least 1 draw, not {draws}")
    chances = np.sort(_checked_probabilities(probabilities, None))
    cut = _Bins.of(chances, bins)
    rng = np.random.default_rng(seed)
    return float(np.mean([cut.error(rng.random(len(chances)) < chances) for _ in range(draws)]))


def checked_labels(labels: ArrayLike) -> NDArray[np.bool_]:
    """`labels` as booleans (n,).

    Raises:
        InputError: no rows, more than one dimension, or anything but 0 and 1.
    """
    given = np.asarray(labels)
    if given.ndim != 1 or given.dtype.kind not in "biuf":
        raise InputError(f"labels must be one row of numbers, not {given.dtype} {given.shape}")
    if not given.size:
        raise InputError("there are no rows to compare")
    truth: NDArray[np.bool_] = given == 1
    odd = np.flatnonzero(~truth & (given != 0))
    if odd.size:
        raise InputError(f"labels must be 0 or 1, not {given[odd[0]]}", where=f"row {odd[0] + 1}")
    return truth


def checked_classes(labels: ArrayLike) -> NDArray[np.bool_]:
    """`labels` as booleans (n,) with both classes among them.

    Raises:
        InputError: as `checked_labels`, or only one class.
    """
    truth = checked_labels(labels)
    bound = int(truth.sum())
    if bound in {0, len(truth)}:
        raise InputError(
            f"ranking needs bound and unbound rows; here {bound} are bound and {len(truth) - bound} are not",
            hint="evaluate on a file that holds both",
        )
    return truth


def checked_scores(scores: ArrayLike, rows: int | None) -> NDArray[Any]:
    """`scores` as an array (n,) of real numbers, in the precision they came in.

    Raises:
        InputError: not one row of numbers, not `rows` of them, or not all finite.
    """
    given = np.asarray(scores)
    if given.ndim != 1 or given.dtype.kind not in "biuf":
        raise InputError(f"scores must be one row of numbers, not {given.dtype} {given.shape}")
    if rows is not None and len(given) != rows:
        raise InputError(f"{rows} labels need as many scores, not {len(given)}")
    if not given.size:
        raise InputError("there are no rows to compare")
    odd = np.flatnonzero(~np.isfinite(given))
    if odd.size:
        raise InputError(f"scores must be finite, not {given[odd[0]]}", where=f"row {odd[0] + 1}")
    return given


def _checked_probabilities(probabilities: ArrayLike, rows: int | None) -> NDArray[np.float64]:
    chances = checked_scores(probabilities, rows).astype(np.float64)
    odd = np.flatnonzero((chances < 0) | (chances > 1))
    if odd.size:
        raise InputError(
            f"a probability lies between 0 and 1; this is {chances[odd[0]]:g}",
            where=f"row {odd[0] + 1}",
            hint="give probabilities, not logits",
        )
    return chances


def _starts(ordered: NDArray[Any]) -> NDArray[np.int64]:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


@dataclass(frozen=True)
class _Counts:
    """Bound and unbound rows at each distinct score, lowest score first."""

    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike) -> _Counts:
        truth = checked_classes(labels)
        given = checked_scores(scores, len(truth))
        order = np.argsort(given)
        starts = _starts(given[order])
        positives = np.add.reduceat(truth[order].astype(np.int64), starts)
        return cls(positives, np.diff(starts, append=len(truth)) - positives)


@dataclass(frozen=True)
class _Bins:
    """Equal-mass bins over sorted probabilities."""

    runs: NDArray[np.int64]
    lengths: NDArray[np.int64]
    edges: NDArray[np.int64]
    expected: NDArray[np.float64]

    @classmethod
    def of(cls, ordered: NDArray[np.float64], bins: int) -> _Bins:
        if bins < 1:
            raise InputError(f"calibration needs at least 1 bin, not {bins}")
        rows, parts = len(ordered), min(bins, len(ordered))
        # As numpy.array_split: the first rows % parts bins hold one row more.
        edges = np.arange(parts) * (rows // parts) + np.minimum(np.arange(parts), rows % parts)
        runs = _starts(ordered)
        return cls(runs, np.diff(runs, append=rows), edges, np.add.reduceat(ordered, edges))

    def error(self, ordered_labels: NDArray[np.bool_]) -> float:
        """The calibration error if these are the labels, in the order of the probabilities."""
        bound = np.add.reduceat(ordered_labels.astype(np.float64), self.runs)
        shared = np.repeat(bound / self.lengths, self.lengths)
        return float(np.abs(np.add.reduceat(shared, self.edges) - self.expected).sum() / len(ordered_labels))
