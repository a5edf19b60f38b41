"""File-system primitives: reading with limits, exclusive writes, fsync.

Every refusal by the file system becomes a `StorageError` or a `ReadOnlyError`. A failed fsync is never tried again:
after one, the kernel may have dropped the pages, and a second success would prove nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from tfbs_hub.errors import IntegrityError, ReadOnlyError
from tfbs_hub.files import storage_error

__all__ = [
    "VERIFY_HINT",
    "equals",
    "hash_file",
    "list_folder",
    "make_folder",
    "read_capped",
    "read_checked",
    "remove_tree",
    "sha256",
    "storage_errors",
    "sync_above",
    "sync_file",
    "sync_folder",
    "touch",
    "write_new",
]

VERIFY_HINT: Final = "run `tfbs-hub verify` to see all that is damaged"
_READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_CHUNK: Final = 1 << 20


def sha256(data: bytes) -> str:
    """The sha256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside into the error that a user can act on, naming `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _READ_ONLY:
            raise ReadOnlyError(
                f"this may not be written ({error.strerror})",
                where=str(path),
                hint="name a registry of your own with --registry or TFBS_HUB_REGISTRY, or ask for write permission",
            ) from error
        raise storage_error(error, path) from error


@contextmanager
def _reading(path: Path, limit: int | None = None) -> Iterator[Iterator[bytes]]:
    """The chunks of a regular file; `FileNotFoundError` goes through."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise IntegrityError("this is not a regular file", where=str(path))
            if limit is not None and status.st_size > limit:
                raise IntegrityError(f"this file may have {limit} bytes and has more", where=str(path))
            yield iter(partial(os.read, handle, _CHUNK), b"")
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:  # a file stands where a folder of the path should be
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
    except OSError as error:
        raise storage_error(error, path) from error


def read_capped(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes.

    Raises `IntegrityError` for anything but a regular file and for a larger one, `StorageError` if it cannot be
    read; `FileNotFoundError` goes through, since only the caller knows what a missing file means.
    """
    parts: list[bytes] = []
    size = 0
    with _reading(path, limit) as chunks:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:  # it grew meanwhile
                raise IntegrityError(f"this file may have {limit} bytes and has more", where=str(path))
            parts.append(chunk)
    return b"".join(parts)


def read_checked(path: Path, digest: str, limit: int) -> bytes:
    """The bytes of a file, which must have this sha256; raises `IntegrityError` if missing or different."""
    try:
        data = read_capped(path, limit)
    except FileNotFoundError as error:
        raise IntegrityError("this file is missing", where=str(path), hint=VERIFY_HINT) from error
    if sha256(data) != digest:
        raise IntegrityError("these bytes differ from their digest", where=str(path), hint=VERIFY_HINT)
    return data


def equals(path: Path, data: bytes) -> bool:
    """True if a regular file holds exactly `data`; `FileNotFoundError` goes through."""
    try:
        return read_capped(path, len(data)) == data
    except IntegrityError:
        return False


def hash_file(path: Path) -> tuple[str, int]:
    """sha256 and size of a regular file of any length; errors as `read_capped`."""
    digest, size = hashlib.sha256(), 0
    with _reading(path) as chunks:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def list_folder(path: Path, *, missing_ok: bool = True) -> list[str]:
    """Sorted names in a folder; none if the folder is missing (git keeps no empty folders) and that is fine."""
    try:
        return sorted(entry.name for entry in path.iterdir())
    except FileNotFoundError:
        if missing_ok:
            return []
        raise
    except OSError as error:
        raise storage_error(error, path) from error


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, down to the disk."""
    with storage_errors(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_file(path: Path) -> None:
    """Bring a file that somebody else wrote down to the disk."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC)


def sync_folder(path: Path) -> None:
    """Bring a folder's entries down to the disk."""
    _sync(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)


def sync_above(path: Path) -> None:
    """Bring the way to `path` down to the disk, as far up as we may write: we, or one of us that was killed, made it.

    Without it, a power cut could take away a new folder with all that was synced in it.
    """
    for folder in path.parents:
        sync_folder(folder)
        if not os.access(folder.parent, os.R_OK | os.W_OK):
            break


def _sync(path: Path, flags: int) -> None:
    with storage_errors(path):
        handle = os.open(path, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_tree(path: Path) -> None:
    """Remove a folder of leftovers as far as that goes: what stays, a later `gc` finds."""
    with suppress(OSError):
        shutil.rmtree(path, ignore_errors=True)


def make_folder(path: Path) -> None:
    """Make a folder (and those above it) if missing."""
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def touch(path: Path) -> None:
    """Mark a version's folder as in use, so that `gc` lets it be; `FileNotFoundError` goes through."""
    try:
        os.utime(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        with storage_errors(path):
            raise error
