"""What adding an expert and adding a gate have in common: checked contents, and a guard against `gc`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tfbs_hub.errors import IntegrityError
from tfbs_hub.registry.generation import FileEntry
from tfbs_hub.registry.layout import FILE_LIMITS, WEIGHTS
from tfbs_hub.registry.storage import sha256, touch

__all__ = ["PLACING_TRIES", "TakenAwayError", "Validate", "checked_contents", "entries", "keep"]

Validate = Callable[[Path], None]
"""Looks at a staged folder (weights, card and all) and raises to refuse it."""

PLACING_TRIES: Final = 5


class TakenAwayError(Exception):
    """A `gc` took a folder between its placing and the commit; never shown to a user."""


def checked_contents(contents: dict[str, bytes], digest: str, name: str) -> dict[str, bytes]:
    """`contents`, if the files are small enough and the weights have `digest`; raises `IntegrityError` otherwise."""
    for filename, data in contents.items():
        if len(data) > FILE_LIMITS[filename]:
            raise IntegrityError(
                f"this file may have {FILE_LIMITS[filename]} bytes and has {len(data)}", where=f"{name}: {filename}"
            )
    if sha256(contents[WEIGHTS]) != digest:
        raise IntegrityError("the weights differ from the digest on the card", where=f"{name}: {WEIGHTS}")
    return contents


def entries(contents: Mapping[str, bytes]) -> dict[str, FileEntry]:
    """sha256 and size of each file."""
    return {name: FileEntry(sha256=sha256(data), size=len(data)) for name, data in contents.items()}


def keep(folder: Path) -> None:
    """Mark a placed folder as about to be committed; raises `TakenAwayError` if it is gone."""
    try:
        touch(folder)
    except FileNotFoundError as error:
        raise TakenAwayError from error
