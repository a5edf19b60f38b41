"""What may be called what: names of experts, registries' path parts, digests."""

from __future__ import annotations

import re
from pathlib import Path

from tfbs_hub.errors import UsageError

__all__ = ["DIGEST", "SHORT", "check_digest", "check_name", "data_name", "short"]

SHORT = 12
"""Length of the abbreviated digest that names folders and is shown to users."""

_SHOWN = 80
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
DIGEST = re.compile(r"[0-9a-f]{64}")
# Windows refuses these as file names; a registry may travel there in a bundle.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_TAKEN = frozenset({"moe", "mean"})


def check_name(name: str) -> str:
    """Return `name` if it can name an expert, else raise `UsageError`.

    A name is 1-64 letters, digits, `_ . + -`, begins with a letter or digit, does not end in a dot and is
    not `moe` or `mean`, which are kept for models of the hub itself.
    """
    if not _NAME.fullmatch(name) or name.endswith(".") or _RESERVED.fullmatch(name):
        raise UsageError(
            f"{_shown(name)} cannot be the name of an expert",
            hint="use 1-64 letters, digits, '_', '.', '+' or '-', beginning with a letter or digit; --name gives one",
        )
    if name.lower() in _TAKEN:
        raise UsageError(f"the name {name!r} is taken by a model of the hub", hint="choose another with --name")
    return name


def _shown(name: str) -> str:
    return repr(name) if len(name) <= _SHOWN else f"{name[:_SHOWN]!r}… ({len(name):,} letters)"


def check_digest(digest: str) -> str:
    """Return `digest` if it is a sha256 in lower-case hexadecimal, else raise `UsageError`."""
    if not DIGEST.fullmatch(digest):
        raise UsageError(f"{digest!r} is not a sha256 digest in hexadecimal")
    return digest


def data_name(path: str | Path) -> str:
    """What a data set is called after its file: the name without its ending, and without `.gz` before that."""
    return Path(Path(path).name.removesuffix(".gz")).stem


def short(digest: str) -> str:
    """The abbreviated digest that names folders and is shown to users."""
    return digest[:SHORT]
