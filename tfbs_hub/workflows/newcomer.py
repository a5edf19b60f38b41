"""What a new expert brings, said before any gate is trained over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tfbs_hub.errors import NotFoundError
from tfbs_hub.evaluation.delong import auroc_interval
from tfbs_hub.gate.embeddings import embed
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.metrics import auroc
from tfbs_hub.progress import Report, silent
from tfbs_hub.registry import GateRecord
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.overlap import KmerIndex
from tfbs_hub.sources.motifs import jaspar_motif
from tfbs_hub.sources.motifs.similarity import similarity
from tfbs_hub.workflows.add_expert import SHARED_KMER
from tfbs_hub.workflows.gather import gather
from tfbs_hub.workflows.shelf import Shelf

__all__ = ["Assessment", "Neighbour", "assess"]

ROWS: Final = 2000
"""Rows of the newcomer's gate set that everybody is asked about."""
REDUNDANT: Final = 0.85
"""Embeddings this alike say the same thing twice: two trainings on ARID3A's peaks show .90, ELK1 and GABPA .82."""
LEAKING: Final = 0.05
"""A share of sequences above this in another expert's data is worth a warning."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Neighbour:
    """How an expert that is already there stands to the newcomer, on the newcomer's gate set.

    Attributes:
        name: its name.
        similarity: linear CKA of the two embeddings, 0 to 1 (Kornblith et al. 2019, ICML).
        auroc: its AUROC on the newcomer's gate set: how well it knows these sites already.
        motif: similarity of the two TFs' JASPAR matrices at their best alignment, 1 for equal ones; None where JASPAR
            lacks one.
        shared: share of the newcomer's bound sequences that have a 32-mer, on either strand, in common with a bound
            sequence of its gate set; None where that set cannot be had.
    """

    name: str
    similarity: float
    auroc: float
    motif: float | None
    shared: float | None


@dataclass(frozen=True)
class Assessment:
    """What a newcomer brings.

    Attributes:
        name: the newcomer's name.
        auroc, ci95: of the newcomer on its own gate set, which its training did not fit; DeLong's interval.
        gate: AUROC of the gate before on the same set; None if there is none.
        neighbours: the others, the most similar first.
    """

    name: str
    auroc: float
    ci95: tuple[float, float]
    gate: float | None
    neighbours: tuple[Neighbour, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Redundancy and leakage, a sentence each; empty if there is neither."""
        found = []
        for other in self.neighbours:
            if other.similarity >= REDUNDANT:
                found.append(
                    f"{self.name} and {other.name} say nearly the same (similarity {other.similarity:.2f}): "
                    "a gate gains little from both"
                )
            if other.shared is not None and other.shared > LEAKING:
                found.append(
                    f"{other.shared:.0%} of the sequences of {self.name} share a {SHARED_KMER}-mer with those of "
                    f"{other.name}: scores of either on the other's data are flattered"
                )
        return tuple(found)


def assess(
    newcomer: ExpertSpec,
    others: Sequence[ExpertSpec],
    shelf: Shelf,
    gate: GateRecord | None,
    *,
    report: Report = silent,
) -> Assessment:
    """Compare a newcomer with the experts that are there, on its gate set, or `ROWS` rows of it; nothing is downloaded.

    Args:
        others: the experts that the next gate would mix besides.
        shelf: has the networks.
        gate: the current gate; None if there is none.

    Raises:
        NotFoundError: the newcomer has no gate set, or it cannot be had here.
    """
    whole = gather([newcomer], [], offline=True, report=report)[0]
    rows = np.sort(generator(0, "newcomer").permutation(len(whole))[:ROWS])
    codes, labels = whole.codes[rows], whole.labels[rows]
    experts = {spec.card.weights_sha256: shelf.expert(spec) for spec in (newcomer, *others)}
    mixed = [] if gate is None else [member.digest for member in gate.card.members]
    if gate is not None:
        experts |= dict(zip(mixed, shelf.members(gate), strict=True))
    arrays = {digest: embed(expert, codes, torch.device("cpu")) for digest, expert in experts.items()}
    scores = {digest: _averaged(expert.score, arrays[digest]) for digest, expert in experts.items()}
    me = newcomer.card.weights_sha256
    value, low, high = auroc_interval(labels, scores[me])
    before = None
    if gate is not None:
        joined = np.concatenate([arrays[digest] for digest in mixed], axis=2)
        before = auroc(labels, _averaged(shelf.mixture(gate).gate, joined))
    bound = whole.codes[whole.labels == 1]
    neighbours = [
        Neighbour(
            name=other.card.name,
            similarity=_similarity(arrays[me][0], arrays[other.card.weights_sha256][0]),
            auroc=auroc(labels, scores[other.card.weights_sha256]),
            motif=_alike(newcomer.card.tf, other.card.tf),
            shared=_shared(bound, other, report),
        )
        for other in others
    ]
    ordered = tuple(sorted(neighbours, key=lambda each: -each.similarity))
    return Assessment(newcomer.card.name, value, (low, high), before, ordered)


@torch.inference_mode()
def _averaged(score: Callable[[Tensor], Tensor], embeddings: Array) -> Array:
    """Logits (n,) of embeddings (2, n, width), both strands averaged."""
    ahead, back = (score(torch.from_numpy(strand)).numpy() for strand in embeddings)
    mean: Array = (ahead + back) / 2
    return mean


def _similarity(one: Array, other: Array) -> float:
    """Linear centred kernel alignment of embeddings (n, width) of the same sequences."""
    x, y = (each.astype(np.float64) - each.mean(axis=0, dtype=np.float64) for each in (one, other))
    scale = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    # An expert that says the same of every sequence is like nobody.
    return float(np.linalg.norm(x.T @ y) ** 2 / scale) if scale else 0.0


def _shared(bound: NDArray[np.uint8], other: ExpertSpec, report: Report) -> float | None:
    try:
        theirs = gather([other], [], offline=True, report=report)[0]
    except NotFoundError:
        return None
    return float(KmerIndex(theirs.codes[theirs.labels == 1], SHARED_KMER).shares(bound).mean())


def _alike(tf: str, other: str) -> float | None:
    try:
        return similarity(jaspar_motif(tf), jaspar_motif(other))
    except NotFoundError:
        return None
