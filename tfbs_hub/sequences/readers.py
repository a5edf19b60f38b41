"""Read sequences from a file or stdin: streamed in batches with flat memory, or whole.

What a file is, its first line says: `>` begins FASTA. Otherwise its name (`.bed`, `.narrowPeak`, `.seq`, `.fa`, with
or without `.gz`), and where the name says nothing, its columns: a name and two numbers are BED, other tabs or a header
the `.seq` format, and letters alone plain text with
a sequence on each line.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final, Literal

import numpy as np

from tfbs_hub.cards import DataFile
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, UsageError
from tfbs_hub.limits import MAX_LOADED_BASES
from tfbs_hub.sequences import bed, fasta, seqgz, text
from tfbs_hub.sequences.batch import SequenceBatch, from_dataset, regrouped
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.spans import numbered_lines
from tfbs_hub.sequences.stream import ByteSource, line_blocks, record_blocks

__all__ = ["ROWS", "SequenceBatch", "load", "read_batches"]

Kind = Literal["fasta", "bed", "seq", "text"]

ROWS: Final = 4096
"""Sequences a batch."""
_PEEK: Final = 1 << 16
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_KINDS: Final[dict[str, Kind]] = {
    ".fa": "fasta",
    ".fasta": "fasta",
    ".fna": "fasta",
    ".bed": "bed",
    ".narrowpeak": "bed",
    ".seq": "seq",
}


def read_batches(
    path: str | Path, *, genome: str | Path | None = None, window: int | None = None, rows: int = ROWS
) -> Iterator[SequenceBatch]:
    """Stream a file (or stdin, `-`) in batches of `rows` sequences; memory does not grow with the file.

    Args:
        path: `.seq`, FASTA, BED, narrowPeak or plain text, gzip or not; `-` is stdin; `.h5` is a data set that
            `hdf5.save` wrote (held whole).
        genome: FASTA that BED and narrowPeak are cut from.
        window: length of the windows cut from the genome, in base pairs; None cuts the intervals as they stand.
            Other formats carry their own sequences and ignore it.
        rows: sequences a batch; the last may have fewer.

    Raises:
        NotFoundError: no such file, or BED without a genome.
        InputError: damaged or not what it should be, with file and line.
        IntegrityError: a gzip bomb.
    """
    _check_at_least_one(rows=rows, window=window)
    if _is_hdf5(path):
        return regrouped(iter([from_dataset(_from_hdf5(path), str(path))]), rows)
    return _streamed(ByteSource(path), genome, window, rows)


def load(
    path: str | Path, *, genome: str | Path | None = None, window: int | None = None, max_rows: int | None = None
) -> SequenceDataset:
    """Read a whole file of equally long sequences.

    Args:
        path, genome, window: as in `read_batches`.
        max_rows: stop after so many sequences; None reads all.

    Returns:
        The sequences, with the file's digest as it lies on disk; an HDF5 data set (`.h5`) names the files that it
        was made from instead.

    Raises:
        InputError: what `read_batches` raises; or sequences of different lengths, with file, line and both lengths.
    """
    _check_at_least_one(max_rows=max_rows, window=window)
    if _is_hdf5(path):
        dataset = _from_hdf5(path)
        return dataset if max_rows is None else dataset.rows(np.arange(min(max_rows, len(dataset))))
    source = ByteSource(path, digest=True)
    kind, batches = _opened(source, genome, window)
    parts = list(_equally_long(_not_empty(_first(batches, max_rows), source.where), source.where))
    ids = [name for part in parts for name in part.ids]
    labels = [part.labels for part in parts if part.labels is not None]
    length = int(parts[0].lengths[0])
    return SequenceDataset(
        codes=np.concatenate([part.bases.reshape(-1, length) for part in parts]),
        labels=fasta.labels(ids) if kind == "fasta" else np.concatenate(labels) if labels else None,
        ids=ids,
        files=(DataFile(name=source.name, sha256=source.sha256(), rows=len(ids)),),
        ambiguous=sum(part.ambiguous for part in parts),
        note=f"windows of {Path(genome).name}" if kind == "bed" and genome is not None else "",
    )


def _is_hdf5(path: str | Path) -> bool:
    return Path(path).suffix.lower() in {".h5", ".hdf5"}


def _from_hdf5(path: str | Path) -> SequenceDataset:
    from tfbs_hub.sequences.hdf5 import open_dataset  # noqa: PLC0415 - h5py is slow to import, and few files need it

    return open_dataset(Path(path))[0]


def _check_at_least_one(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise UsageError(f"{name} must be at least 1, not {number}")


def _streamed(source: ByteSource, genome: str | Path | None, window: int | None, rows: int) -> Iterator[SequenceBatch]:
    _, batches = _opened(source, genome, window)
    yield from _not_empty(regrouped(batches, rows), source.where)


def _opened(source: ByteSource, genome: str | Path | None, window: int | None) -> tuple[Kind, Iterator[SequenceBatch]]:
    blocks = line_blocks(source)
    first = next(blocks, b"\n")
    if first.startswith(_BYTE_ORDER_MARKS):
        raise InputError(
            "this text begins with a byte-order mark",
            where=f"{source.where}:1",
            hint="save it as plain text (ASCII, or UTF-8 without that mark)",
        )
    kind = _kind(source.name, first)
    rest = chain([first], blocks)
    if kind == "fasta":
        return kind, fasta.parse(record_blocks(rest, source.where), source.where)
    lines = numbered_lines(rest)
    if kind == "seq":
        return kind, seqgz.parse(lines, source.where)
    if kind == "text":
        return kind, text.parse(lines, source.where)
    if genome is None:
        raise NotFoundError(
            "BED holds coordinates, and there is no genome to cut them from",
            where=source.where,
            hint="name the genome's FASTA with --genome FASTA",
        )
    return kind, bed.parse(lines, source.where, genome, window)


def _kind(name: str, block: bytes) -> Kind:
    lines = [line for line in block[:_PEEK].decode("utf-8", "replace").splitlines() if line.strip()]
    if lines and lines[0].startswith(">"):
        return "fasta"
    stem = Path(name.lower())
    suffix = Path(stem.stem).suffix if stem.suffix in {".gz", ".bgz"} else stem.suffix
    if suffix in _KINDS:
        return _KINDS[suffix]
    line = next((line for line in lines if not bed.is_comment(line)), "")
    if bed.is_interval(line):
        return "bed"
    return "seq" if "\t" in line or seqgz.is_header(line) else "text"


def _not_empty(batches: Iterator[SequenceBatch], where: str) -> Iterator[SequenceBatch]:
    empty = True
    for batch in batches:
        empty = False
        yield batch
    if empty:
        raise InputError("the file holds no sequences", where=where)


def _first(batches: Iterator[SequenceBatch], rows: int | None) -> Iterator[SequenceBatch]:
    left = rows
    for batch in batches:
        if left is None or len(batch) < left:
            yield batch
        else:
            yield batch.part(0, left)
            return
        left = None if left is None else left - len(batch)


def _equally_long(batches: Iterator[SequenceBatch], where: str) -> Iterator[SequenceBatch]:
    """The batches, as long as all their sequences have one length and fit into memory."""
    length, line, bases = 0, 0, 0
    for batch in batches:
        if not length:
            length, line = int(batch.lengths[0]), int(batch.lines[0])
        other = batch.lengths != length
        if other.any():
            row = int(np.argmax(other))
            raise InputError(
                f"this sequence has {batch.lengths[row]} bp, but the one on line {line} has {length} bp",
                where=batch.where(row),
                hint="all sequences of a data set must have one length",
            )
        bases += len(batch.bases)
        if bases > MAX_LOADED_BASES:
            raise IntegrityError(
                f"more than {MAX_LOADED_BASES:,} bases to hold in memory", where=where, hint="split the file"
            )
        yield batch
