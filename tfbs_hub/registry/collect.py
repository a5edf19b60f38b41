"""What nobody needs any more: named always, removed only when told to.

A folder is moved into `tmp/` before it is removed, and moved back if it turns out that somebody began to use it: a
writer touches a folder before it commits to it, and the lock keeps the two apart wherever locks work.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tfbs_hub.errors import IntegrityError, StorageError, UsageError
from tfbs_hub.registry.history import numbers, read_generation, read_head
from tfbs_hub.registry.layout import EXPERTS, GATES, GENERATIONS, LOCK, STAGE_PREFIX, TMP, VERSION, generation_file
from tfbs_hub.registry.lock import advisory_lock
from tfbs_hub.registry.storage import list_folder, make_folder, remove_tree, storage_errors, sync_folder

__all__ = ["GcPlan", "collect", "version_folders"]

STAGING_AGE: Final = 3600.0
"""Seconds after which nobody is still writing what lies in `tmp/`, or about to commit what lies in place."""
RUN_AGE: Final = 7 * 86400.0
"""Seconds for which a stopped evaluation in `tmp/` can be resumed."""


@dataclass(frozen=True, kw_only=True)
class GcPlan:
    """What `gc` found, or did.

    Attributes:
        staging: leftovers in `tmp/`, relative paths.
        versions: folders of experts and gates that no kept generation names.
        generations: numbers of generations older than those kept.
        size: bytes in all of these.
        applied: False for a dry run; True if just these were removed.
        note: why something was left alone; empty if nothing was.
    """

    staging: tuple[str, ...]
    versions: tuple[str, ...]
    generations: tuple[int, ...]
    size: int
    applied: bool = False
    note: str = ""


def collect(root: Path, *, keep: int = 10, apply: bool = False) -> GcPlan:
    """Find, and with `apply` remove, what is not needed; see `Registry.gc`."""
    if keep < 1:
        raise UsageError("at least one generation must be kept")
    with storage_errors(root):
        return _apply(root, keep) if apply else _plan(root, keep)


def _apply(root: Path, keep: int) -> GcPlan:
    with advisory_lock(root / LOCK):
        plan = _plan(root, keep)
        for number in plan.generations:
            (root / generation_file(number)).unlink(missing_ok=True)
        if plan.generations or plan.versions:
            # On disk before the folders go: no surviving generation may name a folder that is gone. Also those that
            # a killed `gc` removed.
            sync_folder(root / GENERATIONS)
        versions = tuple(folder for folder in plan.versions if _remove_version(root, folder))
        for leftover in plan.staging:
            _remove(root / leftover)
    return replace(plan, versions=versions, applied=True)


def _plan(root: Path, keep: int) -> GcPlan:
    read_head(root)
    known = numbers(root)
    note = ""
    try:
        named = _named(root, known[-keep:])
        versions = tuple(sorted(folder for folder in version_folders(root) - named if _idle(root / folder)))
    except IntegrityError as error:
        versions, note = (), f"no version was looked at, since a kept generation is damaged ({error.where})"
    leftovers = tuple(f"{TMP}/{name}" for name in list_folder(root / TMP) if _leftover(root / TMP / name))
    generations = tuple(known[:-keep])
    paths = [*leftovers, *versions, *map(generation_file, generations)]
    size = sum(_size(root / path) for path in paths)
    return GcPlan(staging=leftovers, versions=versions, generations=generations, size=size, note=note)


def version_folders(root: Path) -> set[str]:
    """Every folder on disk that is a version of an expert or a gate, relative to the registry."""
    names = (name for name in list_folder(root / EXPERTS) if (root / EXPERTS / name).is_dir())
    parents = [GATES, *(f"{EXPERTS}/{name}" for name in names)]
    return {
        f"{parent}/{name}"
        for parent in parents
        for name in list_folder(root / parent)
        if VERSION.fullmatch(name) and (root / parent / name).is_dir()
    }


def _named(root: Path, known: Iterable[int]) -> set[str]:
    return {folder for number in known for folder in read_generation(root, number).folders()}


def _idle(path: Path, age: float = STAGING_AGE) -> bool:
    try:
        newest = max(entry.lstat().st_mtime for entry in (path, *_inside(path)))
    except FileNotFoundError:
        return False
    return time.time() - newest > age


def _leftover(path: Path) -> bool:
    return _idle(path, STAGING_AGE if path.name.startswith(STAGE_PREFIX) else RUN_AGE)


def _inside(path: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(path):
        yield from (Path(folder) / name for name in (*folders, *files))


def _size(path: Path) -> int:
    return sum(entry.lstat().st_size for entry in (path, *_inside(path)) if entry.is_file())


def _remove_version(root: Path, folder: str) -> bool:
    # Not a staging folder: those are emptied whatever happens, and this one may have to go back.
    taken = root / TMP / f"gc-{secrets.token_hex(8)}"
    make_folder(taken.parent)
    if not _rename(root / folder, taken):
        return False
    doomed = False
    try:
        doomed = _unneeded(root, folder, taken)
    finally:
        doomed = doomed or not _rename(taken, root / folder)
    sync_folder((root / folder).parent)
    if doomed:
        _remove(taken)
    return doomed


def _unneeded(root: Path, folder: str, taken: Path) -> bool:
    try:
        return _idle(taken) and folder not in _named(root, numbers(root))
    except IntegrityError:
        return False


def _rename(source: Path, target: Path) -> bool:
    try:
        source.rename(target)
    except (FileNotFoundError, FileExistsError):
        return False
    except OSError:
        # A folder that is not empty is in the way: a writer put the same files there anew.
        if target.is_dir():
            return False
        raise
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
        if path.exists():
            raise StorageError("this could not be removed", where=str(path), hint="remove it by hand")
    else:
        path.unlink(missing_ok=True)
