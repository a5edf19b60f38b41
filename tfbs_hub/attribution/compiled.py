"""Functions compiled to machine code when first called, and kept for later processes where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, TypeVar

from numba import njit
from numba.core.dispatcher import Dispatcher

__all__ = ["compiled", "inlined", "keep"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function of numbers and arrays; it runs without Python's lock.

    Sums may be taken in another order than written, which lets a processor add several numbers at once; infinities and
    NaN mean what they always mean.
    """
    return _compiled(function, inline="never")


def inlined(function: F) -> F:
    """As `compiled`, for a function so small that it had better become a part of its callers (in the same file)."""
    return _compiled(function, inline="always")


def _compiled(function: F, *, inline: Literal["never", "always"]) -> F:
    machine = njit(nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", inline=inline)(function)
    keep(machine)
    return machine  # type: ignore[return-value]


def keep(machine: Dispatcher) -> None:
    """Keep what is compiled of a function: seconds in every process otherwise."""
    if not machine.signatures:
        with suppress(RuntimeError):  # no folder that numba could write to
            machine.enable_caching()
