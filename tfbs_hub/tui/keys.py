"""Keys that the user has chosen: `keys.json` in the configuration folder, from a binding's id to its keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec

from tfbs_hub.errors import InputError
from tfbs_hub.files import write_whole
from tfbs_hub.limits import MAX_KEYS_BYTES

__all__ = ["FILE", "FIXED", "load", "save"]

FILE: Final = "keys.json"
FIXED: Final = frozenset({"app.quit"})
"""Bindings that stay what they are: nobody shall be locked in."""


def load(folder: Path) -> dict[str, str]:
    """Keys by binding; empty where nobody chose any. Raises `InputError` if the file is not what it should be."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            chosen = msgspec.json.decode(file.read(MAX_KEYS_BYTES), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"the keys cannot be read: {error}",
            where=str(path),
            hint='it maps bindings to keys, like {"explain.flip": "f2"}; without it the usual keys hold',
        ) from error
    return {name: keys for name, keys in chosen.items() if name not in FIXED and keys.strip()}


def save(folder: Path, chosen: dict[str, str]) -> None:
    """Keep them; raises `StorageError`."""
    write_whole(folder / FILE, json.dumps(chosen, indent=2, sort_keys=True).encode() + b"\n")
