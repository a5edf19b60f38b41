"""Environment variables and user folders, read when asked and nowhere else.

TFBS_HUB_REGISTRY        folder of the registry to use
TFBS_HUB_CACHE           folder for derived files that can always be made again
TFBS_HUB_ENCODE_MIRROR   folder or URL that holds the ENCODE files
TFBS_HUB_OFFLINE         1: nothing is downloaded
TFBS_HUB_PLUGINS         names of the plug-in packages to load, comma-separated; empty loads none
TFBS_HUB_STRICT_PLUGINS  1: a failing plug-in stops the command
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = [
    "CACHE_HINT",
    "allowed_plugins",
    "cache_folder",
    "config_folder",
    "data_folder",
    "encode_mirror",
    "offline",
    "registry_choice",
    "state_folder",
    "strict_plugins",
]


CACHE_HINT = "free some space there, or name another cache folder with TFBS_HUB_CACHE"
"""What to do when the cache cannot be written."""


def cache_folder() -> Path:
    """Folder for derived files that can always be made again (embeddings, downloads)."""
    chosen = os.environ.get("TFBS_HUB_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("tfbs-hub"))


def data_folder() -> Path:
    """The user's own data folder; the default registry lives in it."""
    return Path(platformdirs.user_data_dir("tfbs-hub"))


def state_folder() -> Path:
    """Folder for what the terminal UI remembers (its session, past jobs and their logs)."""
    return Path(platformdirs.user_state_dir("tfbs-hub"))


def config_folder() -> Path:
    """Folder for what the user has chosen (the keys of the terminal UI)."""
    return Path(platformdirs.user_config_dir("tfbs-hub"))


def registry_choice() -> str | None:
    """The registry that the environment names, if any."""
    return os.environ.get("TFBS_HUB_REGISTRY") or None


def encode_mirror() -> str | None:
    """Folder or URL of a mirror of the ENCODE files, if any."""
    return os.environ.get("TFBS_HUB_ENCODE_MIRROR") or None


def offline() -> bool:
    """True if nothing may be downloaded."""
    return os.environ.get("TFBS_HUB_OFFLINE", "") not in {"", "0"}


def allowed_plugins() -> frozenset[str] | None:
    """Names of the plug-in packages that may be loaded; None allows all, an empty set none."""
    value = os.environ.get("TFBS_HUB_PLUGINS")
    if value is None:
        return None
    return frozenset(name.strip() for name in value.split(",") if name.strip())


def strict_plugins() -> bool:
    """True if a failing plug-in shall stop the command."""
    return os.environ.get("TFBS_HUB_STRICT_PLUGINS", "") not in {"", "0"}
