"""DeLong's variance of the AUROC, its interval, and the test of two models on the same rows.

Sources: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845, for the estimate; Sun and Xu, IEEE Signal
Processing Letters 21 (2014) 1389-1393, for computing it from midranks in O(n log n).

With m bound and n unbound rows, a bound row's *component* is the share of unbound rows that it outscores, an unbound
row's the share of bound rows that outscore it, ties counting half. Both means are the AUROC; their variances over m
and n add up to its variance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import copysign, erfc, inf, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.metrics import auroc, checked_classes, checked_scores

__all__ = ["DelongTest", "auroc_interval", "delong_covariance", "delong_test", "delong_tests"]

_Components = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of the bound (m,) and of the unbound rows (n,)."""


class DelongTest(NamedTuple):
    """Whether two models differ on the same rows.

    Attributes:
        difference: AUROC of the first model less that of the second.
        z: the difference in standard errors.
        p: two-sided, from the normal distribution.
        ci: interval of the difference, within -1 to 1.
    """

    difference: float
    z: float
    p: float
    ci: tuple[float, float]


def auroc_interval(labels: ArrayLike, scores: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """The AUROC and its interval (auroc, low, high).

    The interval is the classic one, AUROC ± z·SE cut to 0..1, so that it equals what other programs call
    DeLong's. Two cases have no variance to go by:

    - Perfect separation (AUROC 1, or 0). The rows still say something: pairing each bound row with an unbound row
      of its own gives k = min(bound, unbound) independent trials that all came out the same way, so the open end
      is the exact binomial (Clopper-Pearson) bound, ((1 - level) / 2)^(1/k) from 0. That is cautious: 500 rows of
      each class give 0.9927, 10 give 0.69.
    - The same score for every row: 0.5 to 0.5. Such a model ranks nothing, whatever the rows.

    Args:
        labels: (rows,) 0 or 1, at least two of each.
        scores: (rows,) finite, higher for bound.
        level: coverage, above 0 and below 1.

    Raises:
        InputError: one of these does not hold.
    """
    truth = _checked_labels(labels)
    quantile = _quantile(level)
    value = auroc(truth, scores)
    if value in {0.0, 1.0}:
        pairs = min(int(truth.sum()), int((~truth).sum()))
        bound = ((1 - level) / 2) ** (1 / pairs)
        return (value, bound, 1.0) if value else (value, 0.0, 1 - bound)
    half = quantile * sqrt(_variance(*_components(truth, scores)))
    return value, max(0.0, value - half), min(1.0, value + half)


def delong_test(labels: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike, level: float = 0.95) -> DelongTest:
    """Compare the AUROCs of two models on the same rows.

    Models that rank all pairs alike have difference 0, z 0 and p 1. Where models differ by the same amount on
    every row (one separates the classes perfectly, the other scores all rows the same) the difference has no
    variance: z is infinite and p is 0.

    Args:
        labels: (rows,) 0 or 1, at least two of each.
        scores_a: (rows,) finite, of the first model.
        scores_b: (rows,) finite, of the second; the two need not be on one scale.
        level: coverage of the interval.

    Raises:
        InputError: as `auroc_interval`.
    """
    (found,) = delong_tests(labels, [scores_a, scores_b], [(0, 1)], level)
    return found


def delong_tests(
    labels: ArrayLike, scores: Sequence[ArrayLike], pairs: Iterable[tuple[int, int]], level: float = 0.95
) -> list[DelongTest]:
    """`delong_test` of several pairs of models on the same rows; every model is ranked once.

    Args:
        labels: (rows,) 0 or 1, at least two of each.
        scores: (rows,) finite, of each model.
        pairs: places in `scores` of the first and the second model.
        level: coverage of the intervals.

    Raises:
        InputError: as `auroc_interval`.
    """
    truth = _checked_labels(labels)
    quantile = _quantile(level)
    components = [_components(truth, given) for given in scores]
    areas = [auroc(truth, given) for given in scores]
    return [_tested(areas[a] - areas[b], components[a], components[b], quantile) for a, b in pairs]


def delong_covariance(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """Covariance (models, models) of the models' AUROCs on the same rows.

    Args:
        labels: (rows,) 0 or 1, at least two of each.
        scores: (models, rows) finite.

    Raises:
        InputError: as `auroc_interval`.
    """
    truth = _checked_labels(labels)
    models = np.asarray(scores)
    if models.ndim != 2 or not len(models):
        raise InputError(f"scores must be a table of models by rows, not of shape {models.shape}")
    pairs = [_components(truth, row) for row in models]
    covariance = np.zeros((len(models), len(models)))
    for parts in zip(*pairs, strict=True):
        table = np.stack(parts)
        table -= table.mean(axis=1, keepdims=True)
        rows = table.shape[1]
        covariance += table @ table.T / ((rows - 1) * rows)
    return covariance


def _tested(difference: float, first: _Components, second: _Components, quantile: float) -> DelongTest:
    # The variance of differences, rather than a difference of variances: zero stays exactly zero.
    error = sqrt(_variance(first[0] - second[0], first[1] - second[1]))
    z = difference / error if error else (copysign(inf, difference) if difference else 0.0)
    ci = max(-1.0, difference - quantile * error), min(1.0, difference + quantile * error)
    return DelongTest(difference, z, erfc(abs(z) / sqrt(2)), ci)


def _checked_labels(labels: ArrayLike) -> NDArray[np.bool_]:
    truth = checked_classes(labels)
    bound = int(truth.sum())
    if min(bound, len(truth) - bound) < 2:
        raise InputError(
            f"a variance needs two rows of each class; here {bound} are bound and {len(truth) - bound} are not",
            hint="evaluate on more rows",
        )
    return truth


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise InputError(f"a level of coverage lies between 0 and 1; this is {level:g}")
    return NormalDist().inv_cdf((1 + level) / 2)


def _components(truth: NDArray[np.bool_], scores: ArrayLike) -> _Components:
    """Components of the bound (m,) and of the unbound rows (n,): a rank among all less the rank in the own class."""
    given = checked_scores(scores, len(truth))
    among_all = _midranks(given)
    bound, unbound = (among_all[rows] - _midranks(given[rows]) for rows in (truth, ~truth))
    return bound / len(unbound), 1 - unbound / len(bound)


def _midranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: NDArray[np.float64] = (last - (count - 1) / 2)[place]
    return ranks


def _variance(bound: NDArray[np.float64], unbound: NDArray[np.float64]) -> float:
    return float(bound.var(ddof=1) / len(bound) + unbound.var(ddof=1) / len(unbound))
