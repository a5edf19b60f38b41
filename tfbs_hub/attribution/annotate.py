"""Names for seqlets: the JASPAR matrices, and the family of factors, that they look like.

Tomtom (Gupta et al. 2007, Genome Biology 8:R24; memelite's) compares a seqlet with every vertebrate matrix. Each base
counts as much as the model made of it: a column is the observed base, mixed with the uniform one by the square root of
its share in the strongest contribution. Factors of one family bind alike, so what has a name is the family that
collects the most evidence among the nearest matrices; the matrix is its best one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.attribution.seqlets import Seqlet
from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.sequences.alphabet import UNKNOWN
from tfbs_hub.sources.motifs.collection import jaspar_collection

__all__ = ["Match", "Named", "by_sequence", "name_seqlets"]

Array = NDArray[np.float64]

FLANK: Final = 2
"""Bases on either side of a seqlet that are compared too."""
_TASK: Final = "comparing seqlets with JASPAR (a minute the first time)"
_NEAREST: Final = 10
_TELLING, _FEWEST = 0.1, 3
_WIDEST: Final = 22
"""Columns of a matrix to compare with: some place in the long ones of zinc fingers looks like anything short."""
_P_VALUE: Final = 0.01
"""A seqlet none of whose nearest matrices is below this gets no name."""


@dataclass(frozen=True)
class Match:
    """The JASPAR matrix that a seqlet looks like.

    Attributes:
        matrix, name, family: JASPAR's accession ("MA0037.5"), factor and family ("C4-GATA-related"; may be empty).
        strand: "+" if the seqlet reads like the matrix, "-" if like its reverse complement.
        p_value: Tomtom's, of the best alignment on either strand.
        start: where the matrix's first column on the forward strand lies in the sequence, 0-based; may be outside.
        width: columns of the matrix.
    """

    matrix: str
    name: str
    family: str
    strand: str
    p_value: float
    start: int
    width: int


@dataclass(frozen=True)
class Named:
    """A seqlet with its name; `match` is None where it looks like nothing known."""

    seqlet: Seqlet
    match: Match | None

    @property
    def name(self) -> str:
        """The factor's name, or "?"."""
        return "?" if self.match is None else self.match.name


def by_sequence(seqlets: Iterable[Named], sequences: int) -> list[list[Named]]:
    """The seqlets of each of an explanation's sequences, in their order."""
    found: list[list[Named]] = [[] for _ in range(sequences)]
    for named in seqlets:
        found[named.seqlet.sequence].append(named)
    return found


def name_seqlets(explanation: Explanation, seqlets: Sequence[Seqlet], report: Report = silent) -> list[Named]:
    """Name every seqlet of an explanation after the family of factors it looks like."""
    if not seqlets:
        return []
    from memelite.tomtom import tomtom  # noqa: PLC0415 - brings numba

    # The first use on a machine compiles Tomtom; nobody should think that it hangs.
    report(Event(_TASK, 0, len(seqlets)))
    collection = [each for each in jaspar_collection() if each[0].width <= _WIDEST]
    targets = [motif.probabilities for motif, _ in collection]
    asked = [(seqlet, query) for seqlet in seqlets if (query := _query(explanation, seqlet)) is not None]
    matches: dict[Seqlet, Match] = {}
    if asked:
        with _threads_kept():
            p_values, _, offsets, _, strands, nearest = tomtom(
                [columns for _, (columns, _) in asked], targets, n_nearest=_NEAREST, n_jobs=1
            )
        for row, (seqlet, (_, first)) in enumerate(asked):
            place = _chosen([collection[int(target)][1] for target in nearest[row]], p_values[row])
            if p_values[row, place] > _P_VALUE:
                continue
            motif, family = collection[int(nearest[row, place])]
            matches[seqlet] = Match(
                matrix=motif.id,
                name=motif.name,
                family=family,
                strand="+-"[int(strands[row, place])],
                p_value=float(p_values[row, place]),
                start=first - int(offsets[row, place]),
                width=motif.width,
            )
    report(Event(_TASK, len(seqlets), len(seqlets)))
    return [Named(seqlet, matches.get(seqlet)) for seqlet in seqlets]


@contextmanager
def _threads_kept() -> Iterator[None]:
    """Give PyTorch its number of threads back: numba's OpenMP layer sets that of the whole process.

    On a busy machine, where the user has asked for one thread, the next attribution took ten times as long.
    """
    import torch  # noqa: PLC0415 - this module is used where no network is

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _query(explanation: Explanation, seqlet: Seqlet) -> tuple[Array, int] | None:
    """Columns (4, width) to compare, each summing to 1, and the first one's place; None if too few bases count."""
    low, high = int(explanation.offsets[seqlet.sequence]), int(explanation.offsets[seqlet.sequence + 1])
    first, last = max(seqlet.start - FLANK, 0), min(seqlet.end + FLANK, high - low)
    codes = explanation.codes[low + first : low + last]
    actual = explanation.flat_actual[low + first : low + last]
    strongest = actual[seqlet.start - first : seqlet.end - first].max()
    weight = np.sqrt(np.clip(actual / strongest, 0, 1)).astype(np.float64)
    weight[codes == UNKNOWN] = 0
    # Bases that hardly count look like the worn ends of any matrix.
    telling = np.flatnonzero(weight >= _TELLING)
    if len(telling) < _FEWEST:
        return None
    kept = slice(telling[0], telling[-1] + 1)
    codes, weight, first = codes[kept], weight[kept], first + int(telling[0])
    columns = np.tile((1 - weight) / 4, (4, 1))
    columns[np.minimum(codes, 3), np.arange(len(codes))] += weight
    return columns, first


def _chosen(families: Sequence[str], p_values: Array) -> int:
    """Which of the nearest matrices, best first, stands for the family with the most evidence (sum of -log p)."""
    evidence: dict[str, float] = defaultdict(float)
    for family, p_value in zip(families, p_values, strict=True):
        for part in family.split("::"):
            evidence[part] += -math.log(max(float(p_value), 1e-300))
    # A matrix that nobody gave a family stands for itself.
    evidence.pop("", None)
    if not evidence:
        return 0
    family = max(evidence, key=lambda name: evidence[name])
    exact = [place for place, name in enumerate(families) if name == family]
    return exact[0] if exact else next(place for place, name in enumerate(families) if family in name.split("::"))
