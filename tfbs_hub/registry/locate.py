"""Which registry is meant.

    1. `--registry PATH`
    2. the environment variable TFBS_HUB_REGISTRY
    3. the folder `registry/` with a `registry.json` in the nearest folder at or above the current one
    4. the one in the user's data folder, made from the shipped registry on first use

The shipped registry is read-only unless 1 or 2 name it, so that a source checkout stays as it was cloned. Where the
user's data folder cannot be written, the shipped one serves, read-only.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from tfbs_hub import settings
from tfbs_hub.errors import NotFoundError, ReadOnlyError, StorageError, UsageError
from tfbs_hub.limits import MAX_EVALUATION_BYTES
from tfbs_hub.registry.layout import FORMAT_FILE, LOCK, TMP
from tfbs_hub.registry.storage import (
    list_folder,
    make_folder,
    read_capped,
    remove_tree,
    storage_errors,
    sync_above,
    sync_folder,
    write_new,
)
from tfbs_hub.registry.store import Registry

__all__ = ["open_registry", "shipped_registry"]


def open_registry(named: str | Path | None = None, *, start: Path | None = None, create: bool = False) -> Registry:
    """Open the registry that is meant; see the module's text for the order.

    Args:
        named: what `--registry` says, if anything.
        start: the folder to search upwards from; the current one by default.
        create: make an empty registry where a named one is missing (for commands that add something to it).

    Raises `NotFoundError` if a named registry is missing, or if there is none at all.
    """
    chosen = named or settings.registry_choice()
    if chosen:
        return _open_named(Path(chosen).expanduser().absolute(), create=create)
    nearby = _above((start or Path.cwd()).absolute())
    if nearby:
        return Registry.open(nearby, read_only=True if _is_shipped(nearby) else None)
    return _open_users()


def shipped_registry() -> Path | None:
    """The registry that came with tfbs-hub: inside the package, or beside it in a source checkout."""
    package = Path(__file__).parents[1]
    candidates = (package / "_registry", package.parent / "registry")
    return next((path for path in candidates if _is_registry(path)), None)


def _open_named(path: Path, *, create: bool) -> Registry:
    if create and not _is_registry(path):
        return _create(path)
    return Registry.open(path)


def _create(path: Path) -> Registry:
    try:
        return Registry.create(path)
    except UsageError:
        if _is_registry(path):  # another process was faster
            return Registry.open(path)
        raise


def _above(start: Path) -> Path | None:
    found = (folder / "registry" for folder in (start, *start.parents))
    return next((path for path in found if _is_registry(path)), None)


def _is_registry(path: Path) -> bool:
    try:
        return (path / FORMAT_FILE).is_file()
    except OSError:
        return False  # such as a folder of somebody else's on the way up


def _is_shipped(path: Path) -> bool:
    shipped = shipped_registry()
    return shipped is not None and path.resolve() == shipped.resolve()


def _open_users() -> Registry:
    path = settings.data_folder() / "registry"
    if _is_registry(path):
        return Registry.open(path)
    shipped = shipped_registry()
    try:
        if shipped is None:
            return _create(path)
        _seed(shipped, path)
        return Registry.open(path)
    except (ReadOnlyError, StorageError):
        if shipped is None:
            raise
        return Registry.open(shipped, read_only=True)


def _seed(shipped: Path, path: Path) -> None:
    """Copy the shipped registry to the user's folder: whole or not at all, whoever else does the same just now."""
    copy = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    make_folder(path.parent)
    try:
        _copy(shipped, copy)
        with storage_errors(path):
            copy.rename(path)
        sync_above(path)
    except StorageError:
        # Losing the race looks like a folder that is not empty; what is there then is as good as ours.
        if not _is_registry(path):
            raise
    finally:
        remove_tree(copy)


def _copy(source: Path, target: Path) -> None:
    make_folder(target)
    for name in list_folder(source):
        if name in {LOCK, TMP}:
            continue
        path = source / name
        if path.is_dir():
            _copy(path, target / name)
        else:
            write_new(target / name, _bytes(path))
    sync_folder(target)


def _bytes(path: Path) -> bytes:
    try:
        return read_capped(path, MAX_EVALUATION_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError("a file of the shipped registry is missing", where=str(path)) from error
