"""BED and narrowPeak: intervals of a genome, 0-based and half-open, and the windows around their summits.

A narrowPeak (10 columns, or ENCODE's 20) names its summit as an offset from its start; where that is -1, and in any
other BED, the midpoint `(start + end) // 2` stands for it. The window of a summit c is
`[c - window // 2, c - window // 2 + window)`: for 101 bp `[c - 50, c + 51)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.batch import SequenceBatch, coded
from tfbs_hub.sequences.genome import Genome
from tfbs_hub.sequences.spans import Lines, numbered_lines, offsets_of
from tfbs_hub.sequences.stream import ByteSource, line_blocks

__all__ = ["Interval", "intervals", "is_interval", "parse", "read_intervals"]

_SHAPE: Final = "BED has 3 to 20 columns: chromosome, start, end, …; narrowPeak's 10th is the summit's offset"
_NARROW_PEAK: Final = 10
_MAX_COLUMNS: Final = 20
# BED has at most 12 columns, whose 10th counts blocks; ENCODE's IDR peaks have 20, whose 10th is the summit.
_BED_12: Final = (11, 12)


@dataclass(frozen=True)
class Interval:
    """One row: `[start, end)` of a chromosome (0-based), its summit, and its line in the file, from 1."""

    chromosome: str
    start: int
    end: int
    summit: int
    line: int


def is_interval(line: str) -> bool:
    """True if the line looks like BED: a name, then two whole numbers."""
    fields = line.split()
    return len(fields) >= 3 and fields[1].isdecimal() and fields[2].isdecimal()


def is_comment(line: str) -> bool:
    """True for lines that BED readers skip: `track …`, `browser …` and `# …`."""
    return line.startswith("#") or line.split(maxsplit=1)[:1] in (["track"], ["browser"])


def intervals(lines: Lines, where: str) -> Iterator[Interval]:
    """The rows of a block of lines; comments are skipped.

    Raises:
        InputError: with file and line: too few or too many columns, coordinates that are no whole numbers or not
            in order, a summit outside its peak.
    """
    for row in range(len(lines)):
        text = lines.text(row)
        if text.strip() and not is_comment(text):
            yield _interval(text, int(lines.numbers[row]), where)


def read_intervals(path: str | Path) -> Iterator[Interval]:
    """The rows of a whole BED or narrowPeak file, gzip or not; raises what `intervals` does."""
    source = ByteSource(path)
    for lines in numbered_lines(line_blocks(source)):
        yield from intervals(lines, source.where)


def parse(blocks: Iterator[Lines], where: str, genome: str | Path, window: int | None) -> Iterator[SequenceBatch]:
    """Batches of windows around summits; with `window` None, of the intervals as they stand.

    Every row keeps its place: what of a window lies beyond its chromosome is unknown bases. Ids are the windows'
    coordinates, `chrom:start-end`.

    Raises:
        InputError: what `intervals` and `Genome` raise; a chromosome that the genome does not have.
    """
    with Genome(genome) as chromosomes:
        for lines in blocks:
            peaks = list(intervals(lines, where))
            if peaks:
                yield _batch(peaks, where, chromosomes, window)


def _batch(peaks: list[Interval], where: str, genome: Genome, window: int | None) -> SequenceBatch:
    ids: list[str] = []
    pieces: list[bytes] = []
    for peak in peaks:
        genome.check(peak.chromosome, where, peak.line)
        start, end = _window(peak, window)
        ids.append(f"{peak.chromosome}:{start}-{end}")
        pieces.append(genome.window(peak.chromosome, start, end))
    offsets = offsets_of(np.array([len(piece) for piece in pieces], np.int64))
    numbers = np.array([peak.line for peak in peaks], np.int64)
    bases, ambiguous = coded(b"".join(pieces), offsets, numbers, where)
    return SequenceBatch(ids, bases, offsets, None, numbers, ambiguous, where)


def _window(peak: Interval, window: int | None) -> tuple[int, int]:
    if window is None:
        return peak.start, peak.end
    start = peak.summit - window // 2
    return start, start + window


def _interval(text: str, line: int, where: str) -> Interval:
    place = f"{where}:{line}"
    fields = text.split("\t") if "\t" in text else text.split()
    if not 3 <= len(fields) <= _MAX_COLUMNS:
        raise InputError(f"{len(fields)} columns", where=place, hint=_SHAPE)
    start, end = _whole(fields[1], place), _whole(fields[2], place)
    if start >= end:
        raise InputError(f"start {start} is not before end {end}", where=place, hint=_SHAPE)
    summit = (start + end) // 2
    if len(fields) >= _NARROW_PEAK and len(fields) not in _BED_12:
        offset = -1 if fields[9].strip() == "-1" else _whole(fields[9], place)
        if offset >= end - start:
            raise InputError(f"the summit's offset {offset} lies outside the peak", where=place, hint=_SHAPE)
        summit = summit if offset < 0 else start + offset
    return Interval(fields[0], start, end, summit, line)


def _whole(text: str, place: str) -> int:
    digits = text.strip()
    # Longer numbers than any chromosome needs are refused before Python makes huge integers of them.
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
        raise InputError(f"{digits[:20]!r} is not a whole number", where=place, hint=_SHAPE)
    return int(digits)
