"""Two models on the same rows: DeLong's test and the paired bootstrap, for all pairs, corrected for their number.

Sources: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70, for the correction; Davison and Hinkley, Bootstrap
Methods and their Application (1997), section 4.4, for counting the sample itself among the resamples, so that no p
is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.evaluation.delong import delong_tests
from tfbs_hub.evaluation.results import DeLongRow, PairedRow

__all__ = ["MAX_PAIRS", "delong_rows", "holm", "paired_rows"]

Floats = NDArray[np.float64]

MAX_PAIRS: Final = 20
"""Models beyond which each is compared with the first only, unless all pairs are asked for."""


def holm(p: ArrayLike) -> Floats:
    """Correct p values (tests,) by Holm's step-down method, in the order they came.

    The chance that any test of a true null falls below a level then is at most that level, whatever the tests'
    dependence.
    """
    given = np.asarray(p, np.float64)
    order = np.argsort(given, kind="stable")
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)))
    return adjusted


def delong_rows(labels: ArrayLike, scores: Mapping[str, Floats], *, all_pairs: bool = False) -> tuple[DeLongRow, ...]:
    """DeLong's test of every pair of models, in their order; none for a single model.

    Args:
        labels: (rows,) 0 or 1, at least two of each.
        scores: (rows,) finite, by model.
        all_pairs: also where there are more than `MAX_PAIRS` models.

    Raises:
        InputError: labels or scores that are not as above.
    """
    names = list(scores)
    pairs = _pairs(len(names), all_pairs)
    if not pairs:
        return ()
    tests = delong_tests(labels, list(scores.values()), pairs)
    adjusted = holm([test.p for test in tests])
    return tuple(
        DeLongRow(names[a], names[b], test.difference, test.ci, test.z, test.p, float(corrected))
        for (a, b), test, corrected in zip(pairs, tests, adjusted, strict=True)
    )


def paired_rows(
    points: Mapping[str, float], resampled: Mapping[str, Floats], *, all_pairs: bool = False
) -> tuple[PairedRow, ...]:
    """The bootstrap's comparison of every pair of models, in their order; none for a single model.

    The difference is that of the AUROCs on the rows themselves; the interval holds the middle 95 % of the resamples'
    differences. p is twice the share of resamples in which the difference is not on the side of the majority, the
    sample itself counted as one of them: 2 (1 + min(#{d <= 0}, #{d >= 0})) / (trials + 1), at most 1.

    Args:
        points: AUROC on the rows themselves, by model.
        resampled: (trials,) AUROCs, by model; trial by trial on the same rows.
        all_pairs: also where there are more than `MAX_PAIRS` models.

    Raises:
        InputError: the two do not speak of the same models, or the trials differ in number.
    """
    names = list(points)
    if list(resampled) != names or len({len(values) for values in resampled.values()}) > 1:
        raise InputError("a paired comparison needs the same models, in one order, and as many trials of each")
    pairs = _pairs(len(names), all_pairs)
    if not pairs:
        return ()
    table = np.stack([resampled[name] for name in names])
    gaps = [table[a] - table[b] for a, b in pairs]
    chances = [_two_sided(gap) for gap in gaps]
    return tuple(
        PairedRow(names[a], names[b], points[names[a]] - points[names[b]], _middle(gap), chance, float(corrected))
        for (a, b), gap, chance, corrected in zip(pairs, gaps, chances, holm(chances), strict=True)
    )


def _pairs(models: int, all_pairs: bool) -> Sequence[tuple[int, int]]:
    if models <= MAX_PAIRS or all_pairs:
        return list(combinations(range(models), 2))
    return [(0, other) for other in range(1, models)]


def _middle(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _two_sided(gaps: Floats) -> float:
    fewer = min(int((gaps <= 0).sum()), int((gaps >= 0).sum()))
    return min(1.0, 2 * (1 + fewer) / (len(gaps) + 1))
