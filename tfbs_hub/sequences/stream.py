"""Bytes of a file or of stdin, unpacked chunk by chunk, and cut where lines or records end."""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, StorageError
from tfbs_hub.limits import MAX_GZIP_RATIO, MAX_LINE_BYTES, MAX_TEXT_BYTES, RATIO_FREE_BYTES

__all__ = ["STDIN", "ByteSource", "line_blocks", "record_blocks"]

STDIN: Final = "-"
CHUNK: Final = 1 << 19
"""Bytes of text handled at a time: large enough for numpy, small enough for the cache."""
_RAW_CHUNK: Final = 1 << 17
_GZIP: Final = b"\x1f\x8b"
_AGAIN: Final = "download or make the file again"


class ByteSource:
    """The text of one input, read once from start to end.

    Attributes:
        name: the file's name without folders, for messages and cards; "stdin" for `-`.
    """

    def __init__(self, path: str | Path, *, digest: bool = False) -> None:
        self._path = None if str(path) == STDIN else Path(path)
        self.name = "stdin" if self._path is None else self._path.name
        self.where = "stdin" if self._path is None else str(path)
        self._hash = hashlib.sha256() if digest else None
        self._packed = 0
        self._unpacked = 0
        self._raw = self._read()

    def chunks(self) -> Iterator[bytes]:
        """Pieces of text of at most `CHUNK` bytes; gzip, also of several members, is unpacked.

        Raises:
            NotFoundError: no such file.
            StorageError: the file system refuses to give it.
            InputError: empty, not gzip though named so, damaged or cut short.
            IntegrityError: unpacks to more than `tfbs_hub.limits` allow.
        """
        first = next(self._raw, b"")
        if not first:
            raise InputError("the file is empty", where=self.where)
        raw = chain([first], self._raw)
        if first.startswith(_GZIP):
            yield from self._inflate(raw)
        elif self.name.lower().endswith((".gz", ".bgz")):
            raise InputError(
                "not a gzip file, though its name says so",
                where=self.where,
                hint="download it again, or rename it if it is plain text",
            )
        else:
            yield from raw

    def sha256(self) -> str:
        """Digest of the bytes as they lie on disk; reads what `chunks` has left unread of them."""
        if self._hash is None:
            raise ValueError("this source was opened without a digest")
        for _ in self._raw:
            pass
        return self._hash.hexdigest()

    def _read(self) -> Iterator[bytes]:
        try:
            if self._path is None:
                yield from self._pieces(_stdin())
                return
            with self._path.open("rb") as file:
                yield from self._pieces(file)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError("no such file", where=self.where) from error
        except IsADirectoryError as error:
            raise InputError("this is a folder", where=self.where, hint="name a file in it") from error
        except OSError as error:
            raise StorageError(f"cannot be read: {error.strerror or error}", where=self.where) from error

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        while data := file.read(_RAW_CHUNK):
            self._packed += len(data)
            if self._hash is not None:
                self._hash.update(data)
            yield data

    def _inflate(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        for packed in raw:
            rest = packed
            while rest:
                if member.eof:
                    # Some writers pad the file with zeros after the last member.
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    member = zlib.decompressobj(wbits=31)
                try:
                    yield from self._unpack(member, rest)
                except zlib.error as error:
                    raise InputError(f"damaged gzip data ({error})", where=self.where, hint=_AGAIN) from error
                rest = member.unused_data
        if not member.eof:
            raise InputError("the gzip data is cut short", where=self.where, hint=_AGAIN)

    def _unpack(self, member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
        while True:
            text = member.decompress(packed, CHUNK)
            self._unpacked += len(text)
            self._check_size()
            if text:
                yield text
            packed = member.unconsumed_tail
            # A full chunk may leave text inside zlib though no packed byte is left over.
            if member.eof or (not packed and len(text) < CHUNK):
                return

    def _check_size(self) -> None:
        unpacked = self._unpacked
        if unpacked > MAX_TEXT_BYTES or (unpacked > RATIO_FREE_BYTES and unpacked > MAX_GZIP_RATIO * self._packed):
            raise IntegrityError(
                f"{self._packed:,} bytes of gzip unpack to more than {unpacked:,}: refused as a gzip bomb",
                where=self.where,
                hint="unpack it yourself if you trust it",
            )


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise InputError("there is no stdin", where="stdin", hint="name a file, or give it something to read")
    return sys.stdin.buffer


def line_blocks(source: ByteSource) -> Iterator[bytes]:
    """Blocks of whole lines; every block ends with a line feed, also the last."""
    for block in _regroup(source.chunks(), _after_last_line, source.where):
        yield block if block.endswith(b"\n") else block + b"\n"


def record_blocks(blocks: Iterator[bytes], where: str) -> Iterator[bytes]:
    """Blocks of whole FASTA records, from blocks of whole lines."""
    return _regroup(blocks, _before_last_record, where)


def _after_last_line(data: bytes) -> int:
    return (data.rfind(b"\n") + 1) or -1


def _before_last_record(lines: bytes) -> int:
    inside = lines.rfind(b"\n>") + 1
    return inside or (0 if lines.startswith(b">") else -1)


def _regroup(pieces: Iterator[bytes], cut: Callable[[bytes], int], where: str) -> Iterator[bytes]:
    """Join pieces and cut them anew at the place that `cut` finds in each (-1: nowhere)."""
    pending: list[bytes] = []
    for piece in pieces:
        place = cut(piece)
        if place >= 0:
            block = b"".join([*pending, piece[:place]])
            if block:
                yield block
            pending = []
        rest = piece[max(place, 0) :]
        if rest:
            pending.append(rest)
        if sum(map(len, pending)) > MAX_LINE_BYTES:
            raise IntegrityError(f"a line or record of more than {MAX_LINE_BYTES:,} bytes", where=where)
    if pending:
        yield b"".join(pending)
