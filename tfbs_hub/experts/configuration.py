"""Checks that a configuration read from a file can build a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfbs_hub.errors import UsageError

__all__ = ["checked", "one_of", "within"]


def checked(config: Mapping[str, Any], defaults: Mapping[str, Any], architecture: str) -> dict[str, Any]:
    """`defaults` with the values of `config`; raises `UsageError` for an unknown key or another type."""
    for key, value in config.items():
        if key not in defaults:
            raise UsageError(
                f"{architecture} has no setting {key!r}", hint=f"its settings are {', '.join(sorted(defaults))}"
            )
        wanted = type(defaults[key])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise UsageError(f"{architecture}: {key} must be {wanted.__name__}, not {value!r}")
    return {**defaults, **config}


def within(architecture: str, key: str, value: float, low: float, high: float) -> None:
    """Raise `UsageError` unless low <= value <= high."""
    if not low <= value <= high:
        raise UsageError(f"{architecture}: {key} must be between {low} and {high}, not {value}")


def one_of(architecture: str, key: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `UsageError` unless `value` is one of `choices`."""
    if value not in choices:
        raise UsageError(f"{architecture}: {key} must be one of {', '.join(choices)}, not {value!r}")
