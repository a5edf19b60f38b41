"""Writing a file so that it is either there, whole and on disk, or not there at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tfbs_hub.errors import StorageError, TfbsHubError

__all__ = ["storage_error", "storing", "write_whole"]

_REASONS = {
    errno.ENOSPC: ("no space is left on the device", "free some space and run the command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the command again"),
    errno.EFBIG: ("the file would be larger than allowed here", "raise the file-size limit (ulimit -f)"),
    errno.EROFS: ("the file system is read-only", "choose another place"),
    errno.EACCES: ("permission denied", "choose another place or ask for write permission"),
    errno.EPERM: ("the file system does not permit it", "choose another place"),
    errno.EIO: ("the device reported an input/output error", "check the disk before anything else"),
}


def storage_error(error: OSError, path: Path | str, hint: str | None = None) -> TfbsHubError:
    """The user's view of a refusal by the file system; `hint` where the caller knows better what to do."""
    what, usual = _REASONS.get(error.errno or 0, (error.strerror or str(error), None))
    return StorageError(what, where=str(path), hint=hint or usual)


@contextmanager
def storing(path: Path | str, hint: str | None = None) -> Iterator[None]:
    """Let what the file system refuses in the block reach the user as an error about `path`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path, hint) from error


def write_whole(path: Path, data: bytes | Iterable[bytes], *, hint: str | None = None) -> None:
    """Put `data`, whole or piece by piece, at `path`: staged beside it, synced, moved into place, the folder synced.

    The folder is made if missing; an existing file is replaced. Raises `StorageError` (with `hint`) if any step fails,
    and leaves what was there before; only if the last one fails (syncing the folder) the new file is there already.
    """
    staged: Path | None = None
    try:
        _make_folder(path.parent)
        # Not `tempfile`: its files can be read by nobody else, also once they are in place.
        candidate = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        with candidate.open("xb") as file:
            staged = candidate
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
        staged = None
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path, hint) from error
    finally:
        if staged is not None:
            staged.unlink(missing_ok=True)


def _make_folder(path: Path) -> None:
    """Make a folder and those above it if missing, each of them on disk: what is in a lost one is lost."""
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
