"""HDF5 as this project writes it, and how a file from elsewhere is read without trusting it.

A file is built in memory and never opened to be changed. A foreign one is read from memory, and an object only after
it turned out to be plain: links to other places, data in other files, filters that load code, values of variable
length, and sizes beyond the limits are refused first.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError, IntegrityError

__all__ = ["Limits", "Tree", "build", "read_tree", "write_array"]

Array = NDArray[Any]
Value = bytes | int | float

_CHUNK_BYTES: Final = 1 << 16
_MAX_CHUNK_BYTES: Final = 16 << 20
_MAX_ATTRIBUTES: Final = 64
_MAX_ATTRIBUTE_BYTES: Final = 16 << 20
_PLAIN_FILTERS: Final = frozenset({h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32})
_PLAIN_LAYOUTS: Final = frozenset({h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED})
_HDF5_ERRORS: Final = (OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Limits:
    """How much a file may hold.

    Attributes:
        size: bytes of the file, and of all its arrays together.
        objects: groups and arrays.
        depth: groups within groups.
        records: whether arrays may have named columns of numbers and of text of fixed length.
    """

    size: int
    objects: int
    depth: int
    records: bool = False


@dataclass
class Tree:
    """What lies in a group: attributes, arrays and further groups, by name."""

    attributes: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    groups: dict[str, Tree] = field(default_factory=dict)


def build(
    kind: str, version: int, fill: Callable[[h5py.File], None], *, libver: tuple[str, str] | None = None
) -> bytes:
    """The bytes of a file of format `kind` that `fill` has filled; the same content gives the same bytes.

    Args:
        kind, version: written into the root's attributes `format` and `format_version`.
        fill: writes into the open file.
        libver: oldest and newest version of the HDF5 format to use, as in h5py.
    """
    # The name only has to be free; it is never written anywhere.
    with h5py.File(uuid.uuid4().hex, "w", driver="core", backing_store=False, libver=libver) as file:
        file.attrs["format"] = np.bytes_(kind)
        file.attrs["format_version"] = np.int64(version)
        fill(file)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def write_array(group: h5py.Group, name: str, array: Array) -> None:
    """Write an array with gzip and a checksum for every chunk of about 64 KiB; one without rows needs neither."""
    if not len(array):
        group.create_dataset(name, data=array, track_times=False)
        return
    row = max(1, array.nbytes // len(array))
    chunk = (min(len(array), max(1, _CHUNK_BYTES // row)), *array.shape[1:])
    group.create_dataset(
        name, data=array, chunks=chunk, compression="gzip", compression_opts=4, fletcher32=True, track_times=False
    )


def read_tree(data: bytes, kind: str, version: int, limits: Limits, *, where: str) -> Tree:
    """Everything in a file, given its bytes.

    Args:
        data: the file's bytes.
        kind, version: the format and the version of it that the caller understands.
        limits: beyond which it is refused, before anything is allocated.
        where: names the file in errors.

    Raises:
        InputError: not a file of this format, or of another version of it.
        IntegrityError: too large, damaged, or made to do harm.
    """
    if len(data) > limits.size:
        raise IntegrityError(f"larger than {limits.size:,} bytes", where=where)
    if not data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise InputError("not an HDF5 file", where=where)
    try:
        with h5py.File(h5py.h5f.open_file_image(data)) as file:
            _check_format(file, kind, version, where)
            return _Walk(limits, where).group(file, 0)
    except _HDF5_ERRORS as error:
        raise IntegrityError(f"damaged: {error}", where=where) from error


def _check_format(file: h5py.File, kind: str, version: int, where: str) -> None:
    found = {name: _attribute(file, name) for name in ("format", "format_version") if name in file.attrs}
    number = found.get("format_version")
    if found.get("format") != kind.encode() or not isinstance(number, int):
        raise InputError(f"not a file of format {kind}", where=where)
    if number != version:
        raise InputError(f"format version {number}; this tfbs-hub reads {version}", where=where, hint="update tfbs-hub")


def _attribute(item: h5py.Group | h5py.Dataset, name: str) -> Value | None:
    """One number or text of fixed length; None if the attribute is anything else."""
    identifier = item.attrs.get_id(name)
    kind = identifier.dtype
    if identifier.shape or kind.kind not in "iufS" or identifier.get_storage_size() > _MAX_ATTRIBUTE_BYTES:
        return None
    value = item.attrs[name]
    plain: Value = bytes(value) if kind.kind == "S" else value.item()
    return plain


class _Walk:
    """One way through a file, counting what it meets."""

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits = limits
        self._where = where
        self._objects = 0
        self._size = 0

    def group(self, group: h5py.Group, depth: int) -> Tree:
        """What lies in a group and below it."""
        place = f"{self._where}: {group.name}"
        self._objects += len(group)
        if self._objects > self._limits.objects:
            raise IntegrityError(f"more than {self._limits.objects:,} objects", where=place)
        if depth > self._limits.depth:
            raise IntegrityError("a group that does not belong here", where=place)
        tree = Tree(attributes=self._attributes(group, place))
        plain: dict[str, h5py.Dataset] = {}
        for name in group:
            item, inner = self._item(group, name)
            if isinstance(item, h5py.Dataset):
                self._check_plain(item, inner)
                plain[name] = item
            else:
                tree.groups[name] = self.group(item, depth + 1)
        tree.arrays = {name: item[...] for name, item in plain.items()}
        return tree

    def _item(self, group: h5py.Group, name: str) -> tuple[h5py.Group | h5py.Dataset, str]:
        place = f"{self._where}: {group.name.rstrip('/')}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise IntegrityError("a link to another place is refused", where=place)
        item = group[name]
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise IntegrityError("neither a group nor an array", where=place)
        return item, place

    def _attributes(self, item: h5py.Group, place: str) -> dict[str, Value]:
        if len(item.attrs) > _MAX_ATTRIBUTES:
            raise IntegrityError(f"more than {_MAX_ATTRIBUTES} attributes", where=place)
        found = {name: _attribute(item, name) for name in item.attrs}
        self._count(sum(len(value) for value in found.values() if isinstance(value, bytes)), place)
        return {name: value for name, value in found.items() if value is not None}

    def _count(self, size: int, place: str) -> None:
        self._size += size
        if self._size > self._limits.size:
            raise IntegrityError(f"arrays of more than {self._limits.size:,} bytes", where=place)

    def _check_plain(self, item: h5py.Dataset, place: str) -> None:
        settings = item.id.get_create_plist()
        filters = {settings.get_filter(number)[0] for number in range(settings.get_nfilters())}
        if settings.get_layout() not in _PLAIN_LAYOUTS or settings.get_external_count():
            raise IntegrityError("data that lies in another file is refused", where=place)
        if not filters <= _PLAIN_FILTERS:
            raise IntegrityError("a filter other than gzip, shuffle and fletcher32 is refused", where=place)
        if not item.shape or not (_is_number(item.dtype) or (self._limits.records and _is_record(item.dtype))):
            raise IntegrityError(f"an array of numbers was expected, not {item.dtype} {item.shape}", where=place)
        if math.prod(item.chunks or ()) * item.dtype.itemsize > _MAX_CHUNK_BYTES:
            raise IntegrityError(f"chunks of shape {item.chunks} are larger than allowed", where=place)
        # Python's whole numbers: a product of hostile sizes does not overflow.
        self._count(math.prod(map(int, item.shape)) * int(item.dtype.itemsize), place)


def _is_number(kind: np.dtype[Any]) -> bool:
    return kind.kind in "iuf"


def _is_record(kind: np.dtype[Any]) -> bool:
    columns = [kind[name] for name in kind.names or ()]
    return bool(columns) and all(column.kind in "iufS" for column in columns)
