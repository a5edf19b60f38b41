"""One-way analysis of variance over the models' bootstrap AUROCs, and Tukey's comparison of all pairs.

Resamples of one test set are not independent replicates, and p shrinks with their number: these figures are for
comparison with published ones and stand beside DeLong's test and the paired bootstrap (`pairs`), never alone.

Sources: F, p and Tukey's intervals from scipy; eta² and omega² as in Olejnik and Algina, Psychological Methods 8
(2003) 434-447.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import combinations
from math import inf
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.evaluation.results import Anova, TukeyRow

__all__ = ["MAX_TUKEY", "one_way", "tukey"]

MAX_TUKEY: Final = 12
"""Models beyond which all pairs are compared only if asked: 12 take a second, 40 take six."""


def one_way(values: ArrayLike) -> Anova:
    """Whether the models' means differ by more than their values scatter.

    eta² is the share of all variance that lies between models; omega² is the same less what chance alone would put
    there, and is below 0 where the models differ less than by chance.

    Values that do not scatter at all leave F without a denominator: F is then infinite and p is 0 where means differ
    (eta² and omega² are 1), and F is 0 and p is 1 where they do not (both are 0).

    Args:
        values: (models, trials) finite, at least two of each.

    Raises:
        InputError: values that are not as above.
    """
    from scipy.stats import f_oneway  # noqa: PLC0415 - its import takes a second

    table = _checked(values)
    models, trials = table.shape
    freedom = models - 1, models * (trials - 1)
    if _constant(table):
        differ = bool(np.ptp(table[:, 0]))
        share = float(differ)
        return Anova(inf if differ else 0.0, 0.0 if differ else 1.0, share, share, *freedom)
    means = table.mean(axis=1)
    between = trials * float(((means - table.mean()) ** 2).sum())
    within = float(((table - means[:, None]) ** 2).sum())
    error = within / freedom[1]
    found = f_oneway(*table)
    return Anova(
        F=float(found.statistic),
        p=float(found.pvalue),
        eta2=between / (between + within),
        omega2=(between - freedom[0] * error) / (between + within + error),
        df_between=freedom[0],
        df_within=freedom[1],
    )


def tukey(names: Sequence[str], values: ArrayLike) -> tuple[TukeyRow, ...]:
    """Every pair of models, mean of the first less mean of the second; the 95 % intervals hold for all pairs at once.

    Values that do not scatter at all have intervals without width; p is 0 where means differ and 1 where they do not.

    Args:
        names: one a model.
        values: (models, trials), as for `one_way`.

    Raises:
        InputError: as `one_way`.
    """
    from scipy.integrate import IntegrationWarning  # noqa: PLC0415 - imports of a second
    from scipy.stats import tukey_hsd  # noqa: PLC0415

    table = _checked(values)
    pairs = list(combinations(range(len(table)), 2))
    if _constant(table):
        gaps = [float(table[a, 0] - table[b, 0]) for a, b in pairs]
        return tuple(
            TukeyRow(names[a], names[b], gap, (gap, gap), float(gap == 0))
            for (a, b), gap in zip(pairs, gaps, strict=True)
        )
    with warnings.catch_warnings():
        # Said of integrals whose p is 1 to six digits: means that are all but equal, and very many trials.
        warnings.simplefilter("ignore", IntegrationWarning)
        found = tukey_hsd(*table)
        interval = found.confidence_interval(0.95)
    return tuple(
        TukeyRow(
            a=names[a],
            b=names[b],
            difference=float(found.statistic[a, b]),
            ci95=(float(interval.low[a, b]), float(interval.high[a, b])),
            p=min(1.0, max(0.0, float(found.pvalue[a, b]))),
        )
        for a, b in pairs
    )


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        raise InputError(f"an analysis of variance needs two models and two trials, not {table.shape}")
    if not np.isfinite(table).all():
        raise InputError("an analysis of variance needs finite values")
    return table


def _constant(table: NDArray[np.float64]) -> bool:
    """Whether no model's values scatter; a variance would say so only up to rounding."""
    return not np.ptp(table, axis=1).any()
