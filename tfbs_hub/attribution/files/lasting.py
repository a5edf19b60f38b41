"""A file for HDF5 to write to, in which no write fails."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["LastingFile"]

_END: Final = 2


class LastingFile(io.RawIOBase):
    """Stands between HDF5 and a file, so that HDF5 does not learn that the disk is full.

    HDF5 cannot give up a file: when it may not write while it closes one, it takes the process down with it. What the
    file system refuses stays in memory here, where HDF5 finds it again; `check` says so, and then it is time to stop.
    An interrupt in here would harm as much: use HDF5 inside `uninterrupted` only.

    Args:
        descriptor: of an empty file that nobody else writes to.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._place = 0
        self._refused: list[tuple[int, bytes]] = []
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the `OSError` that HDF5 has been spared, if there was one."""
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place; `whence` is 0 (from the start) or 2 (from the end)."""
        self._place = offset + (self._size() if whence == _END else 0)
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def write(self, data: Buffer, /) -> int:
        """All of `data`."""
        left, place = memoryview(data).cast("B"), self._place
        size = len(left)
        self._place += size
        while len(left) and self._error is None:
            try:
                written = os.pwrite(self._descriptor, left, place)
            except OSError as error:
                self._error = error
                break
            left, place = left[written:], place + written
        if len(left):
            self._refused.append((place, bytes(left)))
        return size

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer; what was never written is 0."""
        view = memoryview(buffer).cast("B")
        found = os.pread(self._descriptor, len(view), self._place)
        view[:] = found + bytes(len(view) - len(found))
        for start, data in self._refused:
            low, high = max(start, self._place), min(start + len(data), self._place + len(view))
            if low < high:
                view[low - self._place : high - self._place] = data[low - start : high - start]
        self._place += len(view)
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        """Set the size, by default to the place."""
        size = self._place if size is None else size
        if self._error is None:
            try:
                os.ftruncate(self._descriptor, size)
            except OSError as error:
                self._error = error
        return size

    def flush(self) -> None:
        """Nothing is kept back."""

    def _size(self) -> int:
        return max([os.fstat(self._descriptor).st_size, *(start + len(data) for start, data in self._refused)])
