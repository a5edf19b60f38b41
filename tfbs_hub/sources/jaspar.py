"""The source `jaspar`: sequences made up from a JASPAR matrix, where there is no experiment to learn from.

Each sequence is background with one site drawn from the matrix, sometimes two, at any place and on either strand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import UsageError
from tfbs_hub.progress import Event
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sources import files
from tfbs_hub.sources.motifs import Motif, jaspar_motif
from tfbs_hub.sources.options import SourceOptions

__all__ = ["background", "fetch", "fetch_test", "plant"]

DEFAULT_POSITIVES = 4000
DEFAULT_WINDOW = 101

# The human genome has 41 % G+C, and CpG stands at about a fifth of what its bases would give (International Human
# Genome Sequencing Consortium 2001, Nature 409:860). Sequences under peaks are richer in both (52 % and a half in the
# ENCODE set, promoters included); the chain stays near the genome, where most DNA that is not bound lies.
_GC = 0.43
_CPG_OBSERVED_TO_EXPECTED = 0.25
# Mean of the Poisson count of sites beyond the first; at most one of them is planted, in about one sequence of five.
_FURTHER_SITES = 0.25


def fetch(tf: str, options: SourceOptions) -> SequenceDataset:
    """Simulate bound sequences for a factor from its JASPAR matrix.

    Args:
        tf: name of the factor, or a matrix id.
        options: `positives` (default 4,000), `window` (default 101 bp) and `seed` count.

    Returns:
        rows labelled 1, `simulated`, with the matrix and the release in `note`. The same matrix and options give the
        same rows; different matrices share no background.

    Raises:
        NotFoundError: JASPAR has no matrix for the factor.
        UsageError: the window is shorter than the matrix, or no sequence is asked for.
    """
    motif = jaspar_motif(tf)
    rows = DEFAULT_POSITIVES if options.positives is None else options.positives
    window = DEFAULT_WINDOW if options.window is None else options.window
    if rows < 1:
        raise UsageError(f"{rows} sequences cannot be simulated", hint="ask for at least one")
    task = f"simulating {tf} from {motif.id}"
    options.report(Event(task, 0, rows))
    rng = generator(options.seed, "jaspar", motif.id)
    codes = plant(motif, background(rows, window, rng), rng)
    options.report(Event(task, rows, rows))
    return SequenceDataset(
        codes=codes,
        labels=np.ones(rows, dtype=np.int8),
        ids=[f"{motif.id}_{row:05d}" for row in range(1, rows + 1)],
        source="jaspar",
        simulated=True,
        note=f"simulated from {motif.id} ({motif.name}, {motif.species or 'species unknown'}, {motif.source})",
    )


def fetch_test(tf: str, options: SourceOptions) -> SequenceDataset | None:
    """Read the separate test file; None where `options.test` names none: nothing simulated is worth testing on."""
    return files.fetch_test(tf, options)


def background(n: int, length: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw `n` sequences of `length` bp from a Markov chain with base and CpG frequencies like the human genome's.

    The chain is its own reverse complement: both strands look alike. Codes uint8 (n, length).
    """
    pairs = _pairs()
    first = np.cumsum(pairs.sum(axis=1))[:3]
    following = np.cumsum(pairs / pairs.sum(axis=1, keepdims=True), axis=1)[:, :3]
    draws = rng.random((length, n))
    codes = np.empty((length, n), dtype=np.uint8)
    for place, draw in enumerate(draws):
        bounds = first if place == 0 else following[codes[place - 1]]
        codes[place] = (draw[:, None] >= bounds).sum(axis=1)
    return np.ascontiguousarray(codes.T)


def _pairs() -> NDArray[np.float64]:
    """Frequency of each dinucleotide (4, 4), first base by second, A, C, G, T.

    CpG has the frequency that was chosen; what is left of C goes before the other bases, and what is left of G after
    the other bases, as often as these are, so that the frequencies of the bases stay as they are.
    """
    weak, strong = (1 - _GC) / 2, _GC / 2
    cpg = _CPG_OBSERVED_TO_EXPECTED * strong * strong
    not_c = np.array([weak, 0, strong, weak]) / (1 - strong)
    not_g = np.array([weak, strong, 0, weak]) / (1 - strong)
    pairs = (1 - 2 * strong + cpg) * np.outer(not_c, not_g)
    pairs[1] = (strong - cpg) * not_g
    pairs[:, 2] = (strong - cpg) * not_c
    pairs[1, 2] = cpg
    return pairs


def plant(motif: Motif, codes: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A copy of `codes` (n, length) in which every row holds one site of the motif, or two that do not overlap.

    Raises:
        UsageError: the rows are shorter than the motif.
    """
    n, length = codes.shape
    width = motif.width
    if length < width:
        raise UsageError(f"a window of {length} bp is too short for {motif.id}, which has {width} bp")
    most = min(2, length // width)
    sites = np.minimum(1 + rng.poisson(_FURTHER_SITES, n), most)
    free = length - sites * width
    # Places in the row without its sites, in order; a later site moves on by the width of those before it.
    places = rng.integers(0, free[:, None] + 1, (n, most))
    places[sites > 1] = np.sort(places[sites > 1], axis=1)
    planted = codes.copy()
    for turn in range(most):
        rows = np.flatnonzero(sites > turn)
        starts = places[rows, turn] + turn * width
        planted[rows[:, None], starts[:, None] + np.arange(width)] = _on_either_strand(motif, len(rows), rng)
    return planted


def _on_either_strand(motif: Motif, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    sites = motif.sample(n, rng)
    turned = rng.random(n) < 0.5
    sites[turned] = reverse_complement(sites[turned])
    return sites
