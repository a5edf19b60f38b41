"""Tracks of the genome: contributions by coordinate, sorted, one value a base."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.attribution.files.writer import Found, Writer, only, placed, printable
from tfbs_hub.errors import InputError, StorageError
from tfbs_hub.interrupts import Waiting, uninterrupted
from tfbs_hub.sequences.alphabet import UNKNOWN

__all__ = ["BedGraph", "BigWig"]

Span = tuple[str, int, int, float]
"""Chromosome, start, end, value."""

_TOGETHER: Final = 4096
"""Sequences whose bases are sorted together."""


class _Track(Writer):
    """Contributions of known bases; where sequences overlap, their mean. Of one model and method only."""

    WHAT: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._values, self._written = self._spool(), 0
        # Of each chromosome, rows of start, place in the file and length.
        self._rows: dict[str, list[NDArray[np.int64]]] = defaultdict(list)

    def add(self, found: Sequence[Found]) -> None:
        """Sequences in any order; raises `InputError` where nobody said where one lies, `UsageError` for two tracks."""
        explanation = only(found, self.WHAT)
        rows: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        offsets = explanation.offsets.tolist()
        for name, low, high in zip(explanation.ids, offsets[:-1], offsets[1:], strict=True):
            chromosome, start = placed(name, high - low, self.WHAT)
            rows[chromosome].append((start, self._written + low, high - low))
        for chromosome, some in rows.items():
            self._rows[chromosome].append(np.array(some, np.int64))
        self._values.write(
            np.where(explanation.codes == UNKNOWN, np.float32(np.nan), explanation.flat_actual).tobytes()
        )
        self._written += len(explanation.codes)

    def _spans(self) -> Iterator[Span]:
        """One a base, sorted."""
        self._values.flush()
        for chromosome in sorted(self._rows):
            rows = np.concatenate(self._rows[chromosome])
            for places, means in self._means(rows[np.argsort(rows[:, 0], kind="stable")]):
                for place, mean in zip(places.tolist(), means.tolist(), strict=True):
                    yield chromosome, place, place + 1, mean

    def _means(self, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Places of known bases and their mean values, in order, some at a time.

        Args:
            rows: (n, 3) of one chromosome, sorted by start.
        """
        places, sums, counts = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
        for low in range(0, len(rows), _TOGETHER):
            some = rows[low : low + _TOGETHER]
            everywhere = np.concatenate([np.arange(start, start + length) for start, _, length in some.tolist()])
            found = self._found(some)
            known = ~np.isnan(found)
            places, which = np.unique(np.concatenate([places, everywhere[known]]), return_inverse=True)
            sums = np.bincount(which, np.concatenate([sums, found[known]])).astype(np.float64)
            counts = np.bincount(which, np.concatenate([counts, np.ones(known.sum())])).astype(np.float64)
            # What the next sequences may still overlap waits for them.
            done = len(places)
            if low + _TOGETHER < len(rows):
                done = int(np.searchsorted(places, rows[low + _TOGETHER, 0]))
            begun = int(np.searchsorted(places[:done], 0))
            yield places[begun:done], sums[begun:done] / counts[begun:done]
            places, sums, counts = places[done:], sums[done:], counts[done:]

    def _found(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The values of sequences, one after another; NaN where a base is unknown."""
        size = np.dtype(np.float32).itemsize
        pieces = (os.pread(self._values.fileno(), size * length, size * first) for _, first, length in rows.tolist())
        return np.frombuffer(b"".join(pieces), np.float32)


class BedGraph(_Track):
    """A bedGraph file with one base a line."""

    WHAT = "bedGraph"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._title = ""

    def add(self, found: Sequence[Found]) -> None:
        """See `_Track`."""
        super().add(found)
        self._title = f"{printable(found[0][0].model)} {printable(found[0][0].method)}"

    def pieces(self) -> Iterator[bytes]:
        """A line that names the track, then the bases."""
        if not self._written:
            raise InputError("there is no sequence to write")
        yield f'track type=bedGraph name="{self._title}"\n'.encode()
        for chromosome, start, end, value in self._spans():
            yield f"{printable(chromosome)}\t{start}\t{end}\t{value:.6g}\n".encode()


class BigWig(_Track):
    """A bigWig file with one base an interval.

    Args:
        chromosomes: their lengths; without them each ends with the last base that is known of it.
    """

    WHAT = "bigWig"

    def __init__(self, folder: Path, chromosomes: Mapping[str, int] | None = None) -> None:
        super().__init__(folder)
        self._chromosomes = chromosomes or {}
        self._ends: dict[str, int] = {}

    def add(self, found: Sequence[Found]) -> None:
        """See `_Track`."""
        super().add(found)
        explanation = found[0][0]
        known = explanation.codes != UNKNOWN
        for index, (low, high) in enumerate(zip(explanation.offsets[:-1], explanation.offsets[1:], strict=True)):
            inside, locus = np.flatnonzero(known[low:high]), explanation.locus(index)
            if locus is not None and len(inside) and (end := locus.start + int(inside[-1]) + 1) > 0:
                least = self._chromosomes.get(locus.chromosome, 0)
                self._ends[locus.chromosome] = max(end, self._ends.get(locus.chromosome, least))

    def pieces(self) -> Iterator[bytes]:
        """The file."""
        if not self._ends:
            raise InputError("no base of these sequences is known, so there is nothing to write")
        # pybigtools writes to paths only.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "track.bw"
            self._put(path)
            with path.open("rb") as file:
                yield from self._read(file)

    def _put(self, path: Path) -> None:
        """Let pybigtools write; what its input raises it keeps to itself, and where the disk is full it panics."""
        import pybigtools  # noqa: PLC0415 - only this format needs it

        own: list[Exception] = []
        failure: BaseException | None = None
        with uninterrupted() as waiting:
            try:
                pybigtools.open(str(path), "w").write(self._ends, _until(self._spans(), waiting, own))
                # What it did not finish it cannot open.
                pybigtools.open(str(path)).close()
            except BaseException as error:  # noqa: BLE001 - a panic is no Exception, and nothing else can come here
                failure = error
        if own:
            raise own[0]
        if failure is not None:
            raise StorageError(
                "the bigWig file could not be made",
                where=str(path.parent),
                hint="make room for temporary files there, or name another folder for them with TMPDIR",
            ) from failure


def _until(spans: Iterator[Span], waiting: Waiting, failed: list[Exception]) -> Iterator[Span]:
    """The spans, up to the first failure or interrupt."""
    try:
        for span in spans:
            if waiting.heard:
                return
            yield span
    except Exception as error:  # noqa: BLE001 - it is raised where it is heard
        failed.append(error)
