"""What an HDF5 file holds, as plain values, and how much it may hold; needs no HDF5 library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from tfbs_hub.errors import InputError, IntegrityError
from tfbs_hub.limits import MAX_GZIP_RATIO, RATIO_FREE_BYTES

__all__ = ["Array", "Limits", "Read", "Tree", "Value", "check_start"]

Array = NDArray[Any]
Value = bytes | int | float


@dataclass(frozen=True)
class Limits:
    """How much a file may hold.

    Attributes:
        size: bytes of the file, and of all its arrays and attributes together.
        objects: groups and arrays.
        depth: groups within groups.
        records: whether arrays may have named columns of numbers and of text of fixed length.
    """

    size: int
    objects: int
    depth: int
    records: bool = False

    def unpacked(self, packed: int) -> int:
        """Bytes that the arrays and attributes of a file of `packed` bytes may have: small files are no bombs."""
        return min(self.size, max(RATIO_FREE_BYTES, MAX_GZIP_RATIO * packed))


@dataclass
class Tree:
    """What lies in a group: attributes, arrays and further groups, by name."""

    attributes: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    groups: dict[str, Tree] = field(default_factory=dict)


class Read(Protocol):
    """A way to read a file's bytes: `safe_hdf5.read_tree` in this process, `foreign_hdf5.read_foreign` in another."""

    def __call__(self, data: bytes, kind: str, version: int, limits: Limits, *, where: str) -> Tree:
        """Everything in the file; arguments and errors as of `safe_hdf5.read_tree`."""


def check_start(data: bytes, limits: Limits, where: str) -> None:
    """Raise `IntegrityError` if a file is too large, `InputError` if it does not begin as HDF5 does."""
    if len(data) > limits.size:
        raise IntegrityError(f"larger than {limits.size:,} bytes", where=where)
    if not data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise InputError("not an HDF5 file", where=where)
