"""HDF5 as this project writes it, and how the bytes of a file are read without following where they lead.

A file is built in memory and never opened to be changed. It is read from memory, and an object only after it turned
out to be plain: links to other places, data in other files, filters that load code, values of variable length, and
sizes beyond the limits are refused first.

All that happens in this process, so `read_tree` is for bytes that this project wrote itself and whose digest somebody
has just checked. The HDF5 library can crash or hang on bytes that were made for it: a file from elsewhere is read by
`foreign_hdf5`, which has a process of its own do what stands here.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any, Final

import h5py
import numpy as np

from tfbs_hub.errors import InputError, IntegrityError
from tfbs_hub.limits import MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES, MAX_CHUNK_BYTES
from tfbs_hub.sequences.hdf5_tree import Array, Limits, Tree, Value, check_start

__all__ = ["build", "read_tree", "write_array"]

_CHUNK_BYTES: Final = 1 << 16
_PLAIN_FILTERS: Final = frozenset({h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32})
_PLAIN_LAYOUTS: Final = frozenset({h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED})
_HDF5_ERRORS: Final = (OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError)


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
    """Everything in a file, given its bytes, read in this process.

    Args:
        data: the file's bytes; this project wrote them, and they are as they were (see the module's text).
        kind, version: the format and the version of it that the caller understands.
        limits: beyond which it is refused, before anything is allocated.
        where: names the file in errors.

    Raises:
        InputError: not a file of this format, or of another version of it.
        IntegrityError: too large, damaged, or made to do harm.
    """
    check_start(data, limits, where)
    try:
        with h5py.File(h5py.h5f.open_file_image(data)) as file:
            _check_format(file, kind, version, where)
            return _Walk(limits, limits.unpacked(len(data)), where).group(file, 0)
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
    if identifier.shape or kind.kind not in "iufS" or identifier.get_storage_size() > MAX_ATTRIBUTE_BYTES:
        return None
    value = item.attrs[name]
    if kind.kind == "S":
        return bytes(value)
    return float(value) if kind.kind == "f" else int(value)


class _Walk:
    """One way through a file, counting what it meets."""

    def __init__(self, limits: Limits, unpacked: int, where: str) -> None:
        self._limits = limits
        self._unpacked = unpacked
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
        if len(item.attrs) > MAX_ATTRIBUTES:
            raise IntegrityError(f"more than {MAX_ATTRIBUTES} attributes", where=place)
        found = {name: _attribute(item, name) for name in item.attrs}
        self._count(sum(len(value) for value in found.values() if isinstance(value, bytes)), place)
        return {name: value for name, value in found.items() if value is not None}

    def _count(self, size: int, place: str) -> None:
        self._size += size
        if self._size > self._unpacked:
            raise IntegrityError(f"arrays of more than {self._unpacked:,} bytes", where=place)

    def _check_plain(self, item: h5py.Dataset, place: str) -> None:
        settings = item.id.get_create_plist()
        filters = {settings.get_filter(number)[0] for number in range(settings.get_nfilters())}
        if settings.get_layout() not in _PLAIN_LAYOUTS or settings.get_external_count():
            raise IntegrityError("data that lies in another file is refused", where=place)
        if not filters <= _PLAIN_FILTERS:
            raise IntegrityError("a filter other than gzip, shuffle and fletcher32 is refused", where=place)
        if not item.shape or not (_is_number(item.dtype) or (self._limits.records and _is_record(item.dtype))):
            raise IntegrityError(f"an array of numbers was expected, not {item.dtype} {item.shape}", where=place)
        if math.prod(item.chunks or ()) * item.dtype.itemsize > MAX_CHUNK_BYTES:
            raise IntegrityError(f"chunks of shape {item.chunks} are larger than allowed", where=place)
        # Python's whole numbers: a product of hostile sizes does not overflow.
        self._count(math.prod(map(int, item.shape)) * int(item.dtype.itemsize), place)


def _is_number(kind: np.dtype[Any]) -> bool:
    return kind.kind in "iuf"


def _is_record(kind: np.dtype[Any]) -> bool:
    columns = [kind[name] for name in kind.names or ()]
    return bool(columns) and all(column.kind in "iufS" for column in columns)
