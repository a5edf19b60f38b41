"""Seqlets: the short stretches that made a model say "bound", and how strong one must be to count.

tangermeme finds them (recursive seqlets: every stretch inside one is unlikely under the values around it). It finds
some in any sequence, for it only compares bases with each other, so what it finds is judged against sequences without
a site: random backgrounds that the same model, asked with the same method, holds for unbound.

A sequence's evidence is the mean attribution per base of its strongest seqlet, in units of such backgrounds, plus a
part of its logit: the gradient of a network flattens where it is sure of itself, so that two good sites can each look
weaker than one poor site does. A seqlet counts if its evidence is above the threshold, and beside one that does, so do
those worth at least a fifth of it: a sequence without a site is given any of them only as often as the quantile says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.progress import Event, Report, silent, tracked
from tfbs_hub.seeding import generator
from tfbs_hub.sources.jaspar import background

__all__ = ["Calibration", "Seqlet", "calibrate", "call_seqlets"]

Array = NDArray[np.float32]
Codes = NDArray[np.uint8]

QUANTILE: Final = 0.98
"""Share of unbound backgrounds that get no seqlet."""
BACKGROUNDS: Final = 400
_REFERENCE: Final = 32
"""Backgrounds whose attributions tangermeme compares a sequence with."""
_TOGETHER: Final = 16
"""Backgrounds that are searched together, for they are as good a comparison as the reference."""
_P_VALUE: Final = 0.02
_SHORTEST, _LONGEST = 4, 25
_BINS: Final = 300
"""Of the distribution of contributions; tangermeme's 1,000 take ten times as long and find the same."""
_WORTH: Final = 0.2
"""Least attribution, in that of a seqlet which counts, of one that counts beside it: beside a good site, a second one
moves the logit much less."""
_LOGIT_WEIGHT: Final = 0.15
"""Evidence of one unit of the logit, in units of the 95th percentile of the backgrounds' strongest seqlets."""


@dataclass(frozen=True)
class Seqlet:
    """A stretch that speaks for binding.

    Attributes:
        sequence: which sequence of the explanation it is in.
        start, end: in that sequence, 0-based and half-open.
        attribution: sum of the contributions of its bases.
        p_value: tangermeme's, of a stretch of this length against backgrounds; it ranks, and is no error rate.
    """

    sequence: int
    start: int
    end: int
    attribution: float
    p_value: float

    @property
    def strength(self) -> float:
        """Mean contribution of its bases."""
        return self.attribution / (self.end - self.start)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What sequences without a site look like to one model and method.

    Attributes:
        reference: float32 (k,), attributions of unbound backgrounds, one after another.
        scale: 95th percentile of the strength of their strongest seqlets.
        threshold: evidence that only 2 % of them exceed.
    """

    reference: Array
    scale: float
    threshold: float

    def evidence(self, seqlet: Seqlet, logit: float) -> float:
        """Of a seqlet in a window of this logit."""
        return seqlet.strength / self.scale + _LOGIT_WEIGHT * logit


def calibrate(
    explain: Callable[[Codes], tuple[Array, Array]], window: int, report: Report = silent, task: str = "calibrating"
) -> Calibration:
    """Explain random backgrounds (always the same ones), and keep what those without a site look like.

    Args:
        explain: codes uint8 (n, window) to actual attributions (n, window) and logits (n,).
        window: in base pairs.
    """
    # Explaining them can take most of the time.
    report(Event(task, 0, BACKGROUNDS))
    codes = background(BACKGROUNDS, window, generator(0, "seqlets", window))
    actual, logit = explain(codes)
    # Backgrounds hold sites by chance. Those that the model calls bound are no example of having none; of a model
    # that calls nearly everything bound, the lower half is.
    order = np.argsort(logit, kind="stable")
    unbound = order[: max(int((logit < 0).sum()), BACKGROUNDS // 2)]
    unbound.sort()
    reference = np.ascontiguousarray(actual[unbound[:_REFERENCE]]).ravel()
    rest = unbound[_REFERENCE:]
    groups = [rest[low : low + _TOGETHER] for low in range(0, len(rest), _TOGETHER)]
    strongest = [
        max(found, key=lambda seqlet: seqlet.strength, default=None)
        for group in tracked(groups, task, report, len(groups))
        for found in _found([actual[row] for row in group], reference)
    ]
    strengths = [0.0 if seqlet is None else seqlet.strength for seqlet in strongest]
    # A model of which fewer than one background in twenty shows a seqlet still needs a unit.
    scale = float(np.quantile(strengths, 0.95)) or float(np.abs(actual).max()) or 1.0
    bare = Calibration(reference, scale, np.inf)
    evidence = [
        -np.inf if seqlet is None else bare.evidence(seqlet, float(logit[row]))
        for row, seqlet in zip(rest, strongest, strict=True)
    ]
    return Calibration(reference, scale, float(np.quantile(evidence, QUANTILE, method="higher")))


def call_seqlets(explanation: Explanation, calibration: Calibration, report: Report = silent) -> list[Seqlet]:
    """The seqlets of every sequence, those with the largest attribution first.

    What is found in a sequence depends on no other sequence. In a sequence that is longer than the model's window,
    "beside" is meant within a window's distance.
    """
    called: list[Seqlet] = []
    for index in tracked(range(len(explanation)), "finding seqlets", report, len(explanation)):
        span = slice(int(explanation.offsets[index]), int(explanation.offsets[index + 1]))
        logit = explanation.flat_logit[span]
        (found,) = _found([explanation.flat_actual[span]], calibration.reference, index)
        found.sort(key=lambda seqlet: (-seqlet.attribution, seqlet.start))
        called += _counting(found, logit, calibration, explanation.window)
    return called


def _counting(found: Sequence[Seqlet], logit: Array, calibration: Calibration, window: int) -> list[Seqlet]:
    """Those with evidence enough, and those near one of them that are worth a part of it."""

    def enough(seqlet: Seqlet) -> bool:
        highest = float(logit[seqlet.start : seqlet.end].max())
        return calibration.evidence(seqlet, highest) > calibration.threshold

    sure = [seqlet for seqlet in found if enough(seqlet)]

    def beside(seqlet: Seqlet) -> bool:
        return any(
            seqlet.attribution >= _WORTH * other.attribution
            and max(seqlet.end, other.end) - min(seqlet.start, other.start) <= window
            for other in sure
        )

    return [seqlet for seqlet in found if beside(seqlet)]


def _found(rows: Sequence[Array], reference: Array, first: int = 0) -> list[list[Seqlet]]:
    """Seqlets for binding that tangermeme finds in each of some sequences, compared with all of them and the reference.

    Args:
        rows: contributions of each sequence, float32 (length,).
        first: number of the first sequence.
    """
    from tangermeme.seqlet import recursive_seqlets  # noqa: PLC0415 - brings pandas, numba and scikit-learn

    _keep_compiled()
    # Between sequences no stretch shall gather anything; a seqlet that reaches into the gap is cut.
    gap = np.zeros(_LONGEST, np.float32)
    values = np.concatenate([part for row in rows for part in (row, gap)] + [reference]).astype(np.float32)[None]
    table = recursive_seqlets(
        values, threshold=_P_VALUE, min_seqlet_len=_SHORTEST, max_seqlet_len=_LONGEST, n_bins=_BINS
    )
    begins = np.cumsum([0, *(len(row) + _LONGEST for row in rows)])
    found: list[list[Seqlet]] = [[] for _ in rows]
    for start, end, p_value in zip(table["start"], table["end"], table["p-value"], strict=True):
        place = int(np.searchsorted(begins, start, side="right")) - 1
        if place >= len(rows):
            continue
        low, high = int(start - begins[place]), min(int(end - begins[place]), len(rows[place]))
        attribution = float(rows[place][low:high].sum())
        if high - low >= _SHORTEST and attribution > 0:
            found[place].append(Seqlet(first + place, low, high, attribution, float(p_value)))
    return found


@cache
def _keep_compiled() -> None:
    """Let numba keep what it compiles of tangermeme's functions: seconds in every process otherwise."""
    import tangermeme.seqlet  # noqa: PLC0415
    from numba.core.dispatcher import Dispatcher  # noqa: PLC0415

    from tfbs_hub.attribution.compiled import keep  # noqa: PLC0415 - brings numba

    for function in vars(tangermeme.seqlet).values():
        if isinstance(function, Dispatcher):
            keep(function)
