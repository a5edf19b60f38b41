"""Is a registry whole? Asked after every fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.registry import Registry

__all__ = ["complaints", "files"]

PASSING = ("tmp", "lock")
"""What may come and go."""


def files(folder: Path) -> dict[str, bytes]:
    """The bytes of every file of a registry that counts, by path."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if name.partition("/")[0] not in PASSING}


def complaints(folder: Path, before: dict[str, bytes], may_go: Callable[[str], bool] = lambda path: False) -> list[str]:
    """What is wrong: it does not open, `verify` finds damage, or a byte of `before` is missing or another."""
    try:
        registry = Registry.open(folder)
        registry.head()
    except TfbsHubError as error:
        return [f"it does not open: {error}"]
    found = [f"{each.path}: {each.what}" for each in registry.verify() if each.severity == "error"]
    now = files(folder)
    for path, data in before.items():
        if path not in now:
            found += [] if may_go(path) else [f"{path} is gone"]
        elif now[path] != data:
            found.append(f"{path} has other bytes")
    return found
