"""A genome in FASTA: whole chromosomes and windows of them, read through an index with pyfaidx."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from tfbs_hub import settings
from tfbs_hub.errors import InputError, NotFoundError, StorageError
from tfbs_hub.sequences.alphabet import LETTERS_HINT, Codes, first_invalid, show_letter, translate
from tfbs_hub.sequences.stream import ByteSource, line_blocks

__all__ = ["Genome"]

_SHOWN: Final = 8
_INDEX_HINT: Final = "the file is cut short, or its index (.fai) is of another file: delete the index"


class Genome:
    """A FASTA file with an index; close it, or use it as a context manager.

    The index (`.fai`) is written beside the file, or into the user's cache where that folder is read-only.

    Attributes:
        name: the file's name without folders.
        lengths: length in base pairs of each chromosome.

    Raises:
        NotFoundError: no such file.
        InputError: not a FASTA file that can be indexed (plain gzip cannot; bgzip can).
    """

    def __init__(self, path: str | Path) -> None:
        import pyfaidx  # noqa: PLC0415 - 50 ms that only a genome shall cost

        self._where = str(path)
        self.name = Path(path).name
        if not Path(path).is_file():
            raise NotFoundError("no such genome", where=self._where, hint="name a FASTA file with --genome")
        index = _index_place(Path(path))
        made = not index.exists()
        if made:
            # An index is made line by line: one that never ends would fill the memory.
            deque(line_blocks(ByteSource(path)), maxlen=0)
        try:
            self._fasta = pyfaidx.Fasta(self._where, as_raw=True, indexname=str(index))
            self.lengths: Mapping[str, int] = {name: entry.rlen for name, entry in self._fasta.faidx.index.items()}
        except pyfaidx.UnsupportedCompressionFormat as error:
            raise InputError(
                "a gzipped genome cannot be indexed", where=self._where, hint="unpack it, or pack it with bgzip"
            ) from error
        except (pyfaidx.FastaIndexingError, ValueError, UnicodeDecodeError) as error:
            if made:
                index.unlink(missing_ok=True)
            raise InputError(f"not a FASTA file that can be indexed: {error}", where=self._where) from error
        except OSError as error:
            raise StorageError(f"cannot be read: {error.strerror or error}", where=self._where) from error
        if not self.lengths:
            raise InputError("no chromosome in this genome", where=self._where)
        self._check_index()

    def __enter__(self) -> Genome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_index(self) -> None:
        """Raise `InputError` if the index has rows that no FASTA file can have: letters would come from anywhere."""
        for name, entry in self._fasta.faidx.index.items():
            # A chromosome on one line may end with the file, and one without bases has no lines at all.
            line_ends = range(3) if entry.rlen <= entry.lenc else range(1, 3)
            if entry.rlen and (
                min(entry.rlen, entry.offset, entry.lenc) < 1 or entry.lenb - entry.lenc not in line_ends
            ):
                self.close()
                raise InputError(f"its index (.fai) makes no sense at {name!r}", where=self._where, hint=_INDEX_HINT)

    def close(self) -> None:
        """Close the file."""
        self._fasta.close()

    def check(self, chromosome: str, where: str, line: int) -> None:
        """Raise `InputError`, naming file and line, if the genome has no such chromosome."""
        if chromosome in self.lengths:
            return
        other = chromosome.removeprefix("chr") if chromosome.startswith("chr") else f"chr{chromosome}"
        names = list(self.lengths)
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        hint = f"the genome has {shown}"
        if other in self.lengths:
            hint += f"; it calls this one {other!r}: the two files differ in the chr prefix"
        raise InputError(f"{self.name} has no chromosome {chromosome!r}", where=f"{where}:{line}", hint=hint)

    def window(self, chromosome: str, start: int, end: int) -> bytes:
        """Letters of `[start, end)` (0-based, half-open); N where that lies beyond the chromosome.

        Raises:
            InputError: the file is shorter than its index says.
        """
        length = self.lengths[chromosome]
        low, high = max(start, 0), min(end, length)
        if low >= high:
            return b"N" * (end - start)
        letters: str = self._fasta.faidx.fetch(chromosome, low + 1, high)
        if len(letters) != high - low:
            raise InputError(
                f"ends within {chromosome}, before base {high}",
                where=self._where,
                hint=_INDEX_HINT,
            )
        return b"N" * (low - start) + letters.encode() + b"N" * (end - high)

    def chromosome(self, name: str) -> Codes:
        """Codes of a whole chromosome, uint8 (length,).

        Raises:
            InputError: a letter that is no DNA letter, with its place.
        """
        letters = self.window(name, 0, self.lengths[name])
        codes, _ = translate(letters)
        wrong = first_invalid(codes)
        if wrong is not None:
            raise InputError(
                f"{show_letter(letters[wrong])} is no DNA letter",
                where=f"{self._where}: {name}:{wrong}",
                hint=LETTERS_HINT,
            )
        return codes


def _index_place(path: Path) -> Path:
    beside = path.with_name(f"{path.name}.fai")
    state = path.stat()
    if beside.is_file() and beside.stat().st_mtime >= state.st_mtime:
        return beside
    if os.access(path.parent, os.W_OK):
        return beside
    identity = hashlib.sha256(f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}".encode()).hexdigest()
    folder = settings.cache_folder() / "genomes"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{identity[:24]}.fai"
