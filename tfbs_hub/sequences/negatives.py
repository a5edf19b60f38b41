"""Sequences that stand for "not bound", in four kinds.

    dinucleotide   exact shuffles of the positives: same dinucleotide counts, no evolved order
    genomic        windows of the genome outside all peaks, with the positives' GC content
    other_tfs      peaks of other transcription factors: open chromatin, but bound by somebody else
    given          what the user labelled as not bound

All take their chance from a generator alone, so the same seed gives the same negatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import UNKNOWN, Codes, encode
from tfbs_hub.sequences.bed import Interval, read_intervals
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.genome import Genome
from tfbs_hub.sequences.overlap import KmerIndex
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle

__all__ = ["dinucleotide", "genomic", "given", "other_tfs"]

GC_BINS: Final = 50
"""GC content is matched in steps of 2 %."""
MAX_UNKNOWN: Final = 0.1
"""Share of unknown bases above which a genomic window is not used."""
MARGIN: Final = 500
"""Distance that genomic windows keep from every peak, in base pairs."""
SHARED_KMER: Final = 32


def dinucleotide(positives: SequenceDataset, rng: np.random.Generator) -> SequenceDataset:
    """An exact dinucleotide shuffle of every positive, in their order; ids get the suffix `_shuf`."""
    codes = dinucleotide_shuffle(positives.codes, rng)
    return _negatives(positives, codes, [f"{name.removesuffix('_peak')}_shuf" for name in positives.ids])


def given(sequences: SequenceDataset) -> SequenceDataset:
    """The rows labelled 0.

    Raises:
        InputError: nothing is labelled, or nothing is labelled 0.
    """
    negatives = sequences.negatives()
    if not len(negatives):
        raise InputError("no row is labelled as not bound (0)", hint="choose other negatives with --negatives KIND")
    return negatives


def other_tfs(
    positives: SequenceDataset, others: Sequence[SequenceDataset], rng: np.random.Generator
) -> SequenceDataset:
    """Peaks of other transcription factors, less those that share a 32-mer on either strand with any positive.

    As many as there are positives, drawn without replacement; fewer where there are not so many.

    Raises:
        InputError: other lengths than the positives', or no peak is left.
    """
    index = KmerIndex(positives.codes, SHARED_KMER)
    kept: list[SequenceDataset] = []
    for other in others:
        if other.length != positives.length:
            raise InputError(f"peaks of {other.length} bp cannot be negatives for positives of {positives.length} bp")
        bound = other.positives()
        kept.append(bound.rows(~index.shares(bound.codes)))
    total = sum(map(len, kept))
    if not total:
        raise InputError("every peak of the other transcription factors is also a positive, or there are none")
    codes = np.concatenate([part.codes for part in kept])
    ids = [name for part in kept for name in part.ids]
    drawn = np.sort(rng.choice(total, size=min(total, len(positives)), replace=False))
    files = tuple(file for part in kept for file in part.files)
    simulated = any(part.simulated for part in kept)
    return replace(_negatives(positives, codes[drawn], [ids[row] for row in drawn]), files=files, simulated=simulated)


def genomic(
    positives: SequenceDataset, peaks: Sequence[str | Path], genome: str | Path, rng: np.random.Generator
) -> SequenceDataset:
    """Windows of the genome outside all peaks, one for each positive, with the positives' GC content.

    The chromosomes that have peaks are cut into windows of the positives' length, side by side. Windows nearer to a
    peak than `MARGIN`, or with more than `MAX_UNKNOWN` unknown bases, are left out. From every 2 % bin of GC content as
    many are drawn as there are positives in it; where a bin runs out, the nearest one with windows left helps out.

    Args:
        positives: what is to be matched.
        peaks: BED or narrowPeak files; all of their intervals are avoided.
        genome: FASTA.
        rng: where chance comes from.

    Returns:
        Labelled 0, called `chrom:start-end`, in the order of the genome; fewer than the positives where the genome has
        too few windows.

    Raises:
        InputError: bad peaks, a chromosome that the genome does not have, or no window left.
    """
    with Genome(genome) as chromosomes:
        taken = _by_chromosome(peaks, chromosomes)
        tiles = [_tiles(chromosomes.chromosome(name), name, taken[name], positives.length) for name in taken]
        bins = np.concatenate([each.bins for each in tiles])
        chosen = _matched(bins, _gc_bins(positives.codes), rng)
        if not len(chosen):
            raise InputError("no window of the genome is left outside the peaks", where=str(genome))
        windows = [tile.place(number) for tile, number in _located(tiles, chosen)]
        length = positives.length
        letters = b"".join(chromosomes.window(name, start, start + length) for name, start in windows)
    codes = encode(letters).reshape(-1, length)
    ids = [f"{name}:{start}-{start + length}" for name, start in windows]
    return replace(_negatives(positives, codes, ids), files=(), note=f"windows of {Path(genome).name}")


@dataclass(frozen=True, eq=False)
class _Tiles:
    """One chromosome cut into windows: the GC bin of each, uint8, `GC_BINS` where it must not be used."""

    chromosome: str
    length: int
    bins: NDArray[np.uint8]

    def place(self, number: int) -> tuple[str, int]:
        return self.chromosome, number * self.length


def _by_chromosome(peaks: Sequence[str | Path], genome: Genome) -> dict[str, list[Interval]]:
    """All peaks, by chromosome in the order of the genome."""
    found: dict[str, list[Interval]] = {}
    for path in peaks:
        for peak in read_intervals(path):
            genome.check(peak.chromosome, str(path), peak.line)
            found.setdefault(peak.chromosome, []).append(peak)
    return {name: found[name] for name in genome.lengths if name in found}


def _tiles(codes: Codes, chromosome: str, peaks: list[Interval], length: int) -> _Tiles:
    count = len(codes) // length
    windows = codes[: count * length].reshape(count, length)
    bins = _gc_bins(windows)
    bins[(windows == UNKNOWN).mean(axis=1) > MAX_UNKNOWN] = GC_BINS
    for peak in peaks:
        first = max(peak.start - MARGIN, 0) // length
        bins[first : -(-(peak.end + MARGIN) // length)] = GC_BINS
    return _Tiles(chromosome, length, bins)


def _gc_bins(codes: Codes) -> NDArray[np.uint8]:
    """GC content of the known bases, in bins 0 to `GC_BINS` - 1; 0 where no base is known."""
    gc = np.count_nonzero((codes == 1) | (codes == 2), axis=1)
    known = np.maximum(np.count_nonzero(codes != UNKNOWN, axis=1), 1)
    bins: NDArray[np.uint8] = np.minimum(gc * GC_BINS // known, GC_BINS - 1).astype(np.uint8)
    return bins


def _matched(bins: NDArray[np.uint8], wanted: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of windows, in ascending order, so that their bins match the wanted ones as far as they go."""
    pools = [rng.permutation(np.flatnonzero(bins == each)) for each in range(GC_BINS)]
    left = np.array([len(pool) for pool in pools])
    missing = np.bincount(wanted, minlength=GC_BINS)
    # Distance 0 first for all bins, so that no bin lends out what it needs itself.
    for distance in range(GC_BINS):
        for each in range(GC_BINS):
            for near in dict.fromkeys((each - distance, each + distance)):
                if 0 <= near < GC_BINS:
                    moved = min(missing[each], left[near])
                    left[near] -= moved
                    missing[each] -= moved
    drawn = [pool[: len(pool) - rest] for pool, rest in zip(pools, left, strict=True)]
    return np.sort(np.concatenate(drawn))


def _located(tiles: list[_Tiles], chosen: NDArray[np.int64]) -> list[tuple[_Tiles, int]]:
    ends = np.cumsum([len(each.bins) for each in tiles])
    which = np.searchsorted(ends, chosen, side="right")
    return [
        (tiles[tile], int(number - ends[tile] + len(tiles[tile].bins)))
        for tile, number in zip(which, chosen, strict=True)
    ]


def _negatives(positives: SequenceDataset, codes: Codes, ids: list[str]) -> SequenceDataset:
    labels = np.zeros(len(codes), np.int8)
    return replace(positives, codes=codes, labels=labels, ids=ids, ambiguous=0, _digest=[])
