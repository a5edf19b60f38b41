"""What an expert has learned: the motifs that its seqlets fall into, counted and aligned; torch-free.

Kept in the cache by the expert's digest: it can always be computed again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.cards import canonical_json
from tfbs_hub.files import write_whole
from tfbs_hub.names import short
from tfbs_hub.sequences.alphabet import UNKNOWN, reverse_complement
from tfbs_hub.settings import CACHE_HINT
from tfbs_hub.sources.motifs.collection import jaspar_collection

__all__ = ["LearnedMotif", "LearnedMotifs", "learned_motifs", "read_learned", "write_learned"]

VERSION: Final = 2
_FLANK: Final = 3
_REACH: Final = 12
"""Bases around a seqlet among which its matrix may lie."""
_SURE, _LIKELY = 0.7, 0.45


@dataclass(frozen=True, kw_only=True)
class LearnedMotif:
    """Seqlets of one family of factors.

    Attributes:
        family: JASPAR's; "" for seqlets that look like nothing known.
        name, matrix: the matrix that most of them are nearest to.
        seqlets: how many.
        sequences: in how many sequences.
        counts: (4, width) rows A, C, G, T: bases at the sites, aligned with the matrix; empty without one.
    """

    family: str
    name: str
    matrix: str
    seqlets: int
    sequences: int
    counts: tuple[tuple[int, ...], ...] = ()

    @property
    def consensus(self) -> str:
        """Letters: upper case where at least 70 % agree, lower case from 45 %, a dot elsewhere; no dots at the ends."""
        table = np.array(self.counts, float)
        if not table.size:
            return ""
        share = table / np.maximum(table.sum(axis=0), 1)
        best, top = share.argmax(axis=0), share.max(axis=0)
        letters = [
            "." if part < _LIKELY else "ACGT"[base] if part >= _SURE else "acgt"[base]
            for base, part in zip(best, top, strict=True)
        ]
        return "".join(letters).strip(".")


@dataclass(frozen=True, kw_only=True)
class LearnedMotifs:
    """What was found in sequences that an expert should call bound.

    Attributes:
        digest: of the expert's weights.
        method: the attribution method.
        data: what the sequences are, in words.
        sequences: how many were explained.
        with_seqlets: in how many of them anything was found.
        motifs: the most frequent first.
        version: of this record.
    """

    digest: str
    method: str
    data: str
    sequences: int
    with_seqlets: int
    motifs: tuple[LearnedMotif, ...]
    version: int = VERSION


def learned_motifs(explanation: Explanation, named: Sequence[Named], *, digest: str, data: str) -> LearnedMotifs:
    """Group seqlets by family, count them, and align the sites of each."""
    groups: dict[str, list[Named]] = defaultdict(list)
    for each in named:
        groups["" if each.match is None else each.match.family or each.match.name].append(each)
    motifs = [_motif(explanation, family, members) for family, members in groups.items()]
    motifs.sort(key=lambda motif: (not motif.family, -motif.sequences, -motif.seqlets, motif.family))
    return LearnedMotifs(
        digest=digest,
        method=explanation.method,
        data=data,
        sequences=len(explanation),
        with_seqlets=len({each.seqlet.sequence for each in named}),
        motifs=tuple(motifs),
    )


def read_learned(cache: Path, digest: str) -> LearnedMotifs | None:
    """What was computed for an expert before; None if nothing was, or the file is of another version or damaged."""
    try:
        found = msgspec.json.decode(_path(cache, digest).read_bytes(), type=LearnedMotifs)
    except (OSError, msgspec.DecodeError):
        return None
    return found if (found.version, found.digest) == (VERSION, digest) else None


def write_learned(cache: Path, found: LearnedMotifs) -> None:
    """Keep it; raises `StorageError`."""
    write_whole(_path(cache, found.digest), canonical_json(found), hint=CACHE_HINT)


def _path(cache: Path, digest: str) -> Path:
    return cache / "motifs" / f"{short(digest)}.json"


def _motif(explanation: Explanation, family: str, members: Sequence[Named]) -> LearnedMotif:
    matches = [each.match for each in members if each.match is not None]
    sequences = len({each.seqlet.sequence for each in members})
    if not matches:
        return LearnedMotif(family="", name="", matrix="", seqlets=len(members), sequences=sequences)
    (matrix, name), _ = Counter((match.matrix, match.name) for match in matches).most_common(1)[0]
    frame = next(motif for motif, _ in jaspar_collection() if motif.id == matrix).probabilities
    counts = np.zeros((5, frame.shape[1] + 2 * _FLANK), np.int64)
    for each in members:
        site = _site(explanation, each, frame)
        np.add.at(counts, (site, np.arange(len(site))), 1)
    return LearnedMotif(
        family=family,
        name=name,
        matrix=matrix,
        seqlets=len(members),
        sequences=sequences,
        counts=tuple(tuple(int(value) for value in row) for row in counts[:UNKNOWN]),
    )


def _site(explanation: Explanation, named: Named, frame: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The bases (width + flanks,) under the matrix, where it fits the neighbourhood of the seqlet best."""
    low, high = explanation.offsets[named.seqlet.sequence], explanation.offsets[named.seqlet.sequence + 1]
    first, last = named.seqlet.start - _REACH, named.seqlet.end + _REACH
    around = np.full(last - first, UNKNOWN, np.uint8)
    inside = slice(max(first, 0), min(last, int(high - low)))
    around[inside.start - first : inside.stop - first] = explanation.codes[low + inside.start : low + inside.stop]
    width = frame.shape[1]
    weights = np.vstack([frame - 0.25, np.zeros(width)])
    best, chosen = -np.inf, around[: width + 2 * _FLANK]
    for strand in (around, reverse_complement(around)):
        for start in range(_FLANK, len(strand) - width - _FLANK + 1):
            score = float(weights[strand[start : start + width], np.arange(width)].sum())
            if score > best:
                best, chosen = score, strand[start - _FLANK : start + width + _FLANK]
    return chosen
