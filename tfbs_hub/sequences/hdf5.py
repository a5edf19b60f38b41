"""Sequences in HDF5.

    /                      attributes: format = "tfbs-hub-sequences", format_version = 1
    /codes                 uint8 (n, length); A 0, C 1, G 2, T 3, unknown 4
    /labels                int8 (n,); only where the sequences are labelled
    /ids                   uint8 (bytes,); n names in UTF-8, each ended by a zero byte
    /origin                uint8 (bytes,); canonical JSON: files, source, simulated, ambiguous, note, …
    /arrays/<name>         further arrays of n rows, such as `split` (int8: 0 training, 1 validation)

Every array is compressed with gzip and carries fletcher32 checksums. The same data gives the same bytes. A file is
built in memory and put into place whole; one from elsewhere is read as `foreign_hdf5` tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import h5py
import msgspec
import numpy as np

from tfbs_hub.cards import DataFile, canonical_json
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError
from tfbs_hub.files import write_whole
from tfbs_hub.limits import MAX_SEQUENCE_OBJECTS, MAX_STORED_BYTES
from tfbs_hub.names import DIGEST
from tfbs_hub.registry.storage import read_capped
from tfbs_hub.sequences.alphabet import UNKNOWN
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.foreign_hdf5 import read_foreign
from tfbs_hub.sequences.hdf5_tree import Array, Limits, Read, Tree
from tfbs_hub.sequences.safe_hdf5 import build, write_array

__all__ = ["FORMAT", "FORMAT_VERSION", "from_bytes", "open_dataset", "save", "to_bytes"]

FORMAT: Final = "tfbs-hub-sequences"
FORMAT_VERSION: Final = 1


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


def open_dataset(path: Path, *, read: Read = read_foreign) -> tuple[SequenceDataset, dict[str, Array]]:
    """Read what `save` wrote, here or elsewhere: the data set and the further arrays by name.

    Args:
        path: the file.
        read: as in `from_bytes`.

    Raises:
        NotFoundError: no such file.
        InputError: not a file of this format, or of a later version.
        IntegrityError: damaged, or made to do harm.
    """
    try:
        data = read_capped(path, MAX_STORED_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError("no such file", where=str(path)) from error
    return from_bytes(data, where=str(path), read=read)


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

    def fill(file: h5py.File) -> None:
        write_array(file, "codes", dataset.codes)
        if dataset.labels is not None:
            write_array(file, "labels", dataset.labels)
        write_array(file, "ids", np.frombuffer(b"".join(name + b"\0" for name in names), np.uint8))
        write_array(file, "origin", np.frombuffer(canonical_json(origin), np.uint8))
        for name, array in extra.items():
            write_array(file, f"arrays/{name}", array.astype(np.uint8) if array.dtype == np.bool_ else array)

    return build(FORMAT, FORMAT_VERSION, fill)


def from_bytes(data: bytes, *, where: str, read: Read = read_foreign) -> tuple[SequenceDataset, dict[str, Array]]:
    """Read a file's bytes; `where` names them in errors, which are those of `open_dataset`.

    `read` is `safe_hdf5.read_tree` for bytes of our own whose digest was checked, and one `ForeignReader`'s for many
    files.
    """
    tree = read(data, FORMAT, FORMAT_VERSION, Limits(MAX_STORED_BYTES, MAX_SEQUENCE_OBJECTS, depth=1), where=where)
    extra = tree.groups.pop("arrays", Tree())
    for group in (*tree.groups, *extra.groups):
        raise IntegrityError("a group that does not belong here", where=f"{where}: {group}")
    return _assembled(tree.arrays, where), extra.arrays


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
