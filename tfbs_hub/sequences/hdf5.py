"""Sequences in HDF5.

    /                      attributes: format = "tfbs-hub-sequences", format_version = 1
    /codes                 uint8 (n, length); A 0, C 1, G 2, T 3, unknown 4
    /labels                int8 (n,); only where the sequences are labelled
    /ids                   uint8 (bytes,); n names in UTF-8, each ended by a zero byte
    /origin                uint8 (bytes,); canonical JSON: files, source, simulated, ambiguous, note, …
    /arrays/<name>         further arrays of n rows, such as `split` (int8: 0 training, 1 validation)

Every array is compressed with gzip and carries fletcher32 checksums. The same data gives the same bytes. A file is
built in memory and put into place whole; none is ever opened to be changed. A foreign file is read from memory, and
only after every object in it turned out to be plain: links to other places, data in other files, filters that load
code and sizes beyond `limits` are refused first.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import h5py
import msgspec
import numpy as np
from numpy.typing import NDArray

from tfbs_hub.cards import DataFile, canonical_json
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError
from tfbs_hub.files import storage_error, write_whole
from tfbs_hub.names import DIGEST
from tfbs_hub.sequences.alphabet import UNKNOWN
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.limits import MAX_STORED_BYTES

__all__ = ["FORMAT", "FORMAT_VERSION", "from_bytes", "open_dataset", "save", "to_bytes"]

FORMAT: Final = "tfbs-hub-sequences"
FORMAT_VERSION: Final = 1

Array = NDArray[Any]

_CHUNK_BYTES: Final = 1 << 16
_MAX_CHUNK_BYTES: Final = 16 << 20
_MAX_OBJECTS: Final = 64
_PLAIN_FILTERS: Final = frozenset({h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32})
_PLAIN_LAYOUTS: Final = frozenset({h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED})
_HDF5_ERRORS: Final = (OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, kw_only=True)
class _Origin:
    files: tuple[DataFile, ...]
    source: str
    simulated: bool
    ambiguous: int
    note: str
    cell: str = ""
    licence: str = ""
    citation: str = ""


def save(dataset: SequenceDataset, path: Path, *, arrays: Mapping[str, Array] | None = None) -> None:
    """Write a data set, whole or not at all; an existing file is replaced.

    Args:
        dataset: at least one row of at least one base.
        path: where to.
        arrays: further arrays of numbers with one row for each sequence, by name.

    Raises:
        InputError: nothing to save, an id with a zero byte, or an array that does not fit.
        StorageError: the file system refused.
    """
    write_whole(path, to_bytes(dataset, arrays=arrays))


def open_dataset(path: Path) -> tuple[SequenceDataset, dict[str, Array]]:
    """Read what `save` wrote: the data set and the further arrays by name.

    Raises:
        NotFoundError: no such file.
        InputError: not a file of this format, or of a later version.
        IntegrityError: damaged, or made to do harm.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_STORED_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError("no such file", where=str(path)) from error
    except OSError as error:
        raise storage_error(error, path) from error
    return from_bytes(data, where=str(path))


def to_bytes(dataset: SequenceDataset, *, arrays: Mapping[str, Array] | None = None) -> bytes:
    """The bytes of the HDF5 file; arguments and errors as in `save`."""
    extra = dict(sorted((arrays or {}).items()))
    names = [name.encode() for name in dataset.ids]
    if dataset.codes.size == 0:
        raise InputError("there are no sequences to save")
    if any(b"\0" in name for name in names):
        raise InputError("an id holds a zero byte and cannot be saved")
    for name, array in extra.items():
        if not name.isidentifier() or array.dtype.kind not in "biuf" or array.shape[:1] != (len(dataset),):
            raise InputError(f"array {name!r} cannot be saved: {array.dtype} {array.shape}, {len(dataset)} rows")
    origin = _Origin(**{field.name: getattr(dataset, field.name) for field in fields(_Origin)})
    # The name only has to be free; it is never written anywhere.
    with h5py.File(uuid.uuid4().hex, "w", driver="core", backing_store=False) as file:
        file.attrs["format"] = np.bytes_(FORMAT)
        file.attrs["format_version"] = np.int64(FORMAT_VERSION)
        _write(file, "codes", dataset.codes)
        if dataset.labels is not None:
            _write(file, "labels", dataset.labels)
        _write(file, "ids", np.frombuffer(b"".join(name + b"\0" for name in names), np.uint8))
        _write(file, "origin", np.frombuffer(canonical_json(origin), np.uint8))
        for name, array in extra.items():
            _write(file, f"arrays/{name}", array.astype(np.uint8) if array.dtype == np.bool_ else array)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def from_bytes(data: bytes, *, where: str) -> tuple[SequenceDataset, dict[str, Array]]:
    """Read a file's bytes; `where` names them in errors, which are those of `open_dataset`."""
    if len(data) > MAX_STORED_BYTES:
        raise IntegrityError(f"larger than {MAX_STORED_BYTES:,} bytes", where=where)
    if not data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise InputError("not an HDF5 file", where=where)
    try:
        with h5py.File(h5py.h5f.open_file_image(data)) as file:
            _check_format(file, where)
            found, groups = _plain_arrays(file, where)
            extra, deeper = _plain_arrays(file["arrays"], where) if groups == ["arrays"] else ({}, groups)
            if deeper:
                raise IntegrityError("a group that does not belong here", where=f"{where}: {deeper[0]}")
    except _HDF5_ERRORS as error:
        raise IntegrityError(f"damaged: {error}", where=where) from error
    return _assembled(found, where), extra


def _write(file: h5py.File, name: str, array: Array) -> None:
    row = max(1, array.nbytes // len(array))
    chunk = (min(len(array), max(1, _CHUNK_BYTES // row)), *array.shape[1:])
    file.create_dataset(
        name, data=array, chunks=chunk, compression="gzip", compression_opts=4, fletcher32=True, track_times=False
    )


def _check_format(file: h5py.File, where: str) -> None:
    kind = file.attrs.get("format")
    version = file.attrs.get("format_version")
    if kind != FORMAT.encode() or not isinstance(version, np.integer):
        raise InputError(f"not a file of format {FORMAT}", where=where)
    if version != FORMAT_VERSION:
        raise InputError(
            f"format version {version}; this tfbs-hub reads {FORMAT_VERSION}", where=where, hint="update tfbs-hub"
        )


def _plain_arrays(group: h5py.Group, where: str) -> tuple[dict[str, Array], list[str]]:
    """The arrays that lie directly in a group, read after all were found to be plain; and the names of its groups."""
    if len(group) > _MAX_OBJECTS:
        raise IntegrityError(f"more than {_MAX_OBJECTS} objects", where=f"{where}: {group.name}")
    plain: dict[str, h5py.Dataset] = {}
    groups: list[str] = []
    for name in group:
        place = f"{where}: {group.name.rstrip('/')}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise IntegrityError("a link to another place is refused", where=place)
        item = group[name]
        if isinstance(item, h5py.Dataset):
            _check_plain(item, place)
            plain[name] = item
        else:
            groups.append(name)
    if sum(map(_size, plain.values())) > MAX_STORED_BYTES:
        raise IntegrityError(f"arrays of more than {MAX_STORED_BYTES:,} bytes", where=f"{where}: {group.name}")
    return {name: item[...] for name, item in plain.items()}, groups


def _size(item: h5py.Dataset) -> int:
    """Bytes of the whole array, without overflow."""
    return math.prod(map(int, item.shape)) * int(item.dtype.itemsize)


def _check_plain(item: h5py.Dataset, place: str) -> None:
    settings = item.id.get_create_plist()
    filters = {settings.get_filter(number)[0] for number in range(settings.get_nfilters())}
    if settings.get_layout() not in _PLAIN_LAYOUTS or settings.get_external_count():
        raise IntegrityError("data that lies in another file is refused", where=place)
    if not filters <= _PLAIN_FILTERS:
        raise IntegrityError("a filter other than gzip, shuffle and fletcher32 is refused", where=place)
    if item.dtype.kind not in "iuf" or not item.shape:
        raise IntegrityError(f"an array of numbers was expected, not {item.dtype} {item.shape}", where=place)
    if math.prod(item.chunks or ()) * item.dtype.itemsize > _MAX_CHUNK_BYTES:
        raise IntegrityError(f"chunks of shape {item.chunks} are larger than allowed", where=place)


def _assembled(found: dict[str, Array], where: str) -> SequenceDataset:
    missing = {"codes", "ids", "origin"} - set(found)
    if missing or not set(found) <= {"codes", "ids", "origin", "labels"}:
        raise IntegrityError(f"not the arrays of this format: {', '.join(sorted(found))}", where=where)
    codes, labels = found["codes"], found.get("labels")
    if codes.dtype != np.uint8 or codes.ndim != 2 or not codes.size or codes.max() > UNKNOWN:
        raise IntegrityError("codes must be uint8 (n, length) from 0 to 4", where=f"{where}: /codes")
    if labels is not None and (labels.dtype != np.int8 or not np.isin(labels, (0, 1)).all()):
        raise IntegrityError("labels must be int8, 0 or 1", where=f"{where}: /labels")
    try:
        ids = found["ids"].astype(np.uint8, casting="equiv").tobytes().decode().split("\0")[:-1]
        origin = msgspec.json.decode(found["origin"].astype(np.uint8, casting="equiv").tobytes(), type=_Origin)
    except (TypeError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"ids or origin cannot be read: {error}", where=where) from error
    if not all(DIGEST.fullmatch(file.sha256) for file in origin.files):
        raise IntegrityError("a file's digest is not a sha256", where=f"{where}: /origin")
    try:
        return SequenceDataset(
            codes=codes,
            labels=labels,
            ids=ids,
            **vars(origin),
        )
    except InputError as error:
        raise IntegrityError(error.what, where=where) from error
