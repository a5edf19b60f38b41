"""All or nothing: staging in `tmp/`, moving a folder into place, linking a file into place."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tfbs_hub.errors import StorageError
from tfbs_hub.registry.layout import STAGE_PREFIX, TMP
from tfbs_hub.registry.storage import (
    equals,
    list_folder,
    make_folder,
    remove_tree,
    storage_errors,
    sync_file,
    sync_folder,
    touch,
    write_new,
)

__all__ = ["link_new", "place_folder", "staging"]

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV})
_TRIES: Final = 20


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """A fresh folder in `tmp/`, removed again however the block ends; what a kill leaves, `gc` takes."""
    folder = root / TMP / f"{STAGE_PREFIX}{secrets.token_hex(8)}"
    make_folder(folder.parent)
    with storage_errors(folder):
        folder.mkdir()
    try:
        yield folder
    finally:
        remove_tree(folder)


def place_folder(
    root: Path, relative: str, contents: Mapping[str, bytes], validate: Callable[[Path], None] | None = None
) -> bool:
    """Put a new folder of files at `relative`, all or nothing, never replacing what is there.

    Returns once files, folder and all folders above are on disk: True if the folder now holds exactly `contents`
    (also if it did before), False if other bytes are there. `validate` sees the staged folder and raises to refuse.
    """
    target = root / relative
    with staging(root) as stage:
        staged = stage / "version"
        make_folder(staged)
        for name, data in contents.items():
            write_new(staged / name, data)
        if validate is not None:
            validate(staged)
        sync_folder(staged)
        if not _move(staged, target) and not _reuse(staged, target, contents):
            return False
    for folder in target.parents:
        sync_folder(folder)
        if folder == root:
            break
    return True


def _move(staged: Path, target: Path) -> bool:
    make_folder(target.parent)
    with storage_errors(target):
        try:
            staged.rename(target)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise
            return False
    return True


def _reuse(staged: Path, target: Path, contents: Mapping[str, bytes]) -> bool:
    for _ in range(_TRIES):
        try:
            touch(target)
            same = _holds(target, contents)
        except FileNotFoundError:
            # A `gc` took the old folder away just now: then ours can have the place.
            if _move(staged, target):
                return True
            continue
        if same:
            # Whoever put them there may have died, or copied them here without syncing.
            for name in contents:
                sync_file(target / name)
            sync_folder(target)
        return same
    return False


def _holds(folder: Path, contents: Mapping[str, bytes]) -> bool:
    if set(list_folder(folder, missing_ok=False)) != set(contents):
        return False
    return all(equals(folder / name, data) for name, data in contents.items())


def link_new(staged: Path, target: Path, data: bytes) -> bool:
    """Write `data` at `staged`, then give it the second name `target`; False if that is taken by other bytes.

    The one atomic "create if absent, whole" that POSIX has, on NFS too: it is the registry's compare-and-swap. A name
    taken by the very same bytes counts as ours (an NFS server may answer a repeated request so).
    """
    write_new(staged, data)
    try:
        os.link(staged, target)
    except FileExistsError:
        return _taken_by(target, data)
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise StorageError(
                f"this file system has no hard links ({error.strerror}), and a registry needs them to be safe",
                where=str(target.parent),
                hint="put the registry on a local disk, NFS or a cluster file system, and name it with --registry",
            ) from error
        with storage_errors(target):
            raise
    sync_folder(target.parent)
    return True


def _taken_by(target: Path, data: bytes) -> bool:
    try:
        same = equals(target, data)
    except FileNotFoundError:
        return False  # taken away again meanwhile: the caller looks anew
    if same:
        sync_folder(target.parent)
    return same
