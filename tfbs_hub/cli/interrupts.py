"""Ctrl-C where it gets lost.

A `KeyboardInterrupt` in a function that C code calls back (numba compiles through such ones) cannot leave it: Python
prints it and goes on. What the C code does next may fail in any way, which is then no fault of the program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["lost_interrupts_kept"]


@contextmanager
def lost_interrupts_kept() -> Iterator[None]:
    """Say nothing of an interrupt that gets lost, and let what fails after it be a `KeyboardInterrupt`."""
    lost, before = False, sys.unraisablehook

    def heard(event: sys.UnraisableHookArgs) -> None:
        nonlocal lost
        if isinstance(event.exc_value, KeyboardInterrupt):
            lost = True
        else:
            before(event)

    sys.unraisablehook = heard
    try:
        yield
    except Exception as error:
        if lost:
            raise KeyboardInterrupt from error
        raise
    finally:
        sys.unraisablehook = before
