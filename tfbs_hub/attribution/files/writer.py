"""What every format has in common: explanations come part by part, and the file's bytes at the end."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Final, Self

from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.tracks import Explanation, Locus, locus_of
from tfbs_hub.errors import InputError, UsageError

__all__ = ["Found", "Writer", "only", "placed", "printable"]

Found = tuple[Explanation, Sequence[Named]]
"""An explanation and its seqlets."""

_PIECE: Final = 1 << 20


class Writer(ABC):
    """Takes explanations part by part, and gives the bytes of the file that holds them all.

    What grows with the sequences lies in files without a name, which are gone with the process; in memory there are a
    part, and a few bytes for each sequence.

    Args:
        folder: where there is room for files without a name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @abstractmethod
    def add(self, found: Sequence[Found]) -> None:
        """Take the next sequences: an explanation of them, and its seqlets, for each model and method."""

    @abstractmethod
    def pieces(self) -> Iterator[bytes]:
        """The file, after the last part; of no part at all, one without a sequence or an `InputError`."""

    def _spool(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - until the writer is left
        self._open.callback(_closed, file)
        return file

    @staticmethod
    def _read(spool: IO[bytes]) -> Iterator[bytes]:
        """All of a file, from its beginning."""
        spool.seek(0)
        while piece := spool.read(_PIECE):
            yield piece


def _closed(file: IO[bytes]) -> None:
    # What a full disk did not take it will not take now either, and nobody needs it any more.
    with suppress(OSError):
        file.close()


def only(found: Sequence[Found], what: str) -> Explanation:
    """The one explanation, for a format that holds one track; raises `UsageError` if there are several."""
    if len(found) != 1:
        raise UsageError(
            f"{what} holds one track, and here are {len(found)}",
            hint="name one --model and one --method, or write .h5, .npz or .tsv",
        )
    return found[0][0]


def placed(name: str, length: int, what: str) -> Locus:
    """Where a sequence of that name and length lies, for a format that needs it; raises `InputError` if nobody said."""
    locus = locus_of(name, length)
    if locus is None:
        raise InputError(
            f"{name} has no coordinates, which {what} needs",
            hint="give a BED file with --genome or FASTA with names like chr1:1000-1101 (0-based, half-open), "
            "or write .tsv",
        )
    return locus


def printable(text: str) -> str:
    """Text that can break neither a table nor the terminal it is shown on."""
    return "".join(letter if letter.isprintable() and letter != '"' else "\ufffd" for letter in text)
