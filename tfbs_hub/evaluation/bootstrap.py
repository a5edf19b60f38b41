"""The paired bootstrap: what a figure of merit would have been on other rows of the same kind.

A resample draws as many rows as there are, with replacement, and without regard to their class. It is held as how
often each row was drawn, so that drawing is done once for all models, and sorting once for all resamples: a figure
of merit then is a matter of cumulative sums. Each is the number that `tfbs_hub.metrics` gives on the rows written
out, ties included.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.evaluation.orders import Calibration, Counts, Ranking
from tfbs_hub.metrics import checked_classes
from tfbs_hub.seeding import derive

__all__ = [
    "Resampled",
    "bootstrap_auprc",
    "bootstrap_auroc",
    "bootstrap_brier",
    "bootstrap_ece",
    "bootstrap_measures",
    "resample_counts",
    "resample_seeds",
]

Floats = NDArray[np.float64]
# Trials worked on at once: sums that stay in the processor's cache, within rows x trials that bound the memory
# (1,000,000 rows take some 100 MB).
_MOST_TRIALS = 64
_CACHED = 1 << 16
_LARGEST = 1 << 20


class Resampled(NamedTuple):
    """One model's figures of merit, each float64 (trials,)."""

    auroc: Floats
    auprc: Floats
    brier: Floats
    ece: Floats


def resample_seeds(seed: int, trials: int) -> NDArray[np.uint64]:
    """The seed of each resample, uint64 (trials,); more trials with the same seed begin with the same ones."""
    return np.array([derive(seed, "bootstrap", trial) for trial in range(trials)], np.uint64)


def resample_counts(labels: ArrayLike, seeds: NDArray[np.uint64]) -> NDArray[np.int32]:
    """How often each resample holds each row, (trials, rows); each trial sums to rows.

    A resample that lacks one of the classes has no AUROC; it is drawn again from the same random stream.

    Args:
        labels: (rows,) 0 or 1, both present.
        seeds: (trials,), of `resample_seeds`; a trial depends on its own seed alone.

    Raises:
        InputError: labels that are not as above.
    """
    truth = checked_classes(labels)
    drawn = np.empty((len(seeds), len(truth)), np.int32)
    for trial, seed in enumerate(seeds):
        drawn[trial] = _draw(truth, np.random.Generator(np.random.PCG64(int(seed))))
    # Laid out as the sums want it: one copy here rather than strides in each of them.
    return np.ascontiguousarray(drawn.T).T


def bootstrap_auroc(labels: ArrayLike, scores: ArrayLike, counts: Counts) -> Floats:
    """The AUROC of each resample, (trials,).

    Args:
        labels: (rows,) 0 or 1.
        scores: (rows,) finite, higher for bound.
        counts: (trials, rows), of `resample_counts`.

    Raises:
        InputError: one of these does not fit, or a resample lacks a class.
    """
    ranking = Ranking.of(labels, scores)
    return _over_trials(ranking.auroc, ranking.checked(counts))


def bootstrap_auprc(labels: ArrayLike, scores: ArrayLike, counts: Counts) -> Floats:
    """The average precision of each resample, (trials,); arguments and errors as in `bootstrap_auroc`."""
    ranking = Ranking.of(labels, scores)
    return _over_trials(ranking.auprc, ranking.checked(counts))


def bootstrap_brier(labels: ArrayLike, probabilities: ArrayLike, counts: Counts) -> Floats:
    """The Brier score of each resample, (trials,); `probabilities` lie between 0 and 1, the rest as above."""
    calibration = Calibration.of(labels, probabilities)
    return _over_trials(calibration.brier, calibration.checked(counts))


def bootstrap_ece(labels: ArrayLike, probabilities: ArrayLike, counts: Counts, bins: int = 10) -> Floats:
    """The calibration error of each resample over bins of equal mass in that resample, (trials,).

    Arguments and errors as in `bootstrap_brier`; `bins` as in `metrics.ece`.
    """
    calibration = Calibration.of(labels, probabilities, bins)
    return _over_trials(calibration.ece, calibration.checked(counts))


def bootstrap_measures(
    labels: ArrayLike,
    scores: Mapping[str, ArrayLike],
    probabilities: Mapping[str, ArrayLike],
    seeds: NDArray[np.uint64],
) -> dict[str, Resampled]:
    """Every figure of merit of every model on the same resamples, in memory that does not grow with them.

    Args:
        labels: (rows,) 0 or 1, both present.
        scores: (rows,) finite, by model.
        probabilities: (rows,), 0 to 1, by model.
        seeds: (trials,), of `resample_seeds`.

    Raises:
        InputError: as `bootstrap_auroc` and `bootstrap_brier`.
    """
    truth = checked_classes(labels)
    names = list(scores)
    at_once = max(1, _LARGEST // len(truth))
    results: dict[str, Resampled] = {}
    for first in range(0, len(names), at_once):
        batch = names[first : first + at_once]
        measures = [(Ranking.of(truth, scores[name]), Calibration.of(truth, probabilities[name], 10)) for name in batch]
        table = np.empty((len(batch), len(Resampled._fields), len(seeds)))
        for trials in _chunks(len(seeds), len(truth)):
            counts = resample_counts(truth, seeds[trials]).T
            for place, (ranking, calibration) in enumerate(measures):
                table[place, :, trials] = (
                    ranking.auroc(counts),
                    ranking.auprc(counts),
                    calibration.brier(counts),
                    calibration.ece(counts),
                )
        results |= {name: Resampled(*rows) for name, rows in zip(batch, table, strict=True)}
    return results


def _draw(truth: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    rows = len(truth)
    while True:
        counts = np.bincount(rng.integers(0, rows, rows), minlength=rows)
        if 0 < int(counts[truth].sum()) < rows:
            return counts


def _chunks(trials: int, rows: int) -> list[slice]:
    step = max(1, min(_MOST_TRIALS, max(8, _CACHED // rows), _LARGEST // rows))
    return [slice(start, min(start + step, trials)) for start in range(0, trials, step)]


def _over_trials(measure: Callable[[Counts], Floats], counts: Counts) -> Floats:
    """`measure` of all resamples, some trials at a time."""
    found = np.empty(counts.shape[1])
    for trials in _chunks(counts.shape[1], len(counts)):
        found[trials] = measure(np.ascontiguousarray(counts[:, trials]))
    return found
