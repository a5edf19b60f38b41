"""References to Python objects, `module:attribute`: checking their form, and importing them."""

from __future__ import annotations

import importlib
from typing import Any

from tfbs_hub.errors import PluginError
from tfbs_hub.plugins.failures import describe, one_line

__all__ = ["check_reference", "is_module_path", "resolve"]


def is_module_path(text: str) -> bool:
    """True if `text` reads as a dotted path of identifiers."""
    return all(part.isidentifier() for part in text.split("."))


def check_reference(reference: object, where: str | None = None) -> str:
    """Return `reference` if it is a string `module:attribute` (dots allowed in both).

    Raises:
        PluginError: it is not; the error names `where`.
    """
    if isinstance(reference, str):
        module, colon, attribute = reference.partition(":")
        if colon and is_module_path(module) and is_module_path(attribute):
            return reference
    raise PluginError(f"{reference!r} is not a reference of the form 'module:attribute'", where=where)


def resolve(reference: str) -> Any:
    """Import and return what `reference` (`module:attribute`) names.

    Raises:
        PluginError: the reference is malformed, its module cannot be imported, or lacks the attribute.
    """
    module, _, attribute = check_reference(reference).partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"cannot be loaded: {one_line(describe(error))}",
            where=reference,
            hint="install or update the package that brings it; `tfbs-hub plugins` lists what is installed",
        ) from error
    return found
