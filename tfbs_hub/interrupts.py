"""Ctrl-C where C code calls Python back.

A `KeyboardInterrupt` in a function that C code calls cannot leave it as it should: some libraries print it and go on,
others crash.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Waiting", "lost_interrupts_kept", "uninterrupted"]


@contextmanager
def lost_interrupts_kept() -> Iterator[None]:
    """Say nothing of an interrupt that gets lost, and let what fails after it be a `KeyboardInterrupt`.

    For code that goes on after it (numba compiles through functions that are called back), and then may fail in any
    way, which is no fault of the program.
    """
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


class Waiting:
    """Signals that came while nobody was to be interrupted."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Remember a signal."""
        self.heard.append(number)


@contextmanager
def uninterrupted() -> Iterator[Waiting]:
    """Let SIGINT and SIGTERM wait for the end of a short block, unless they end the process without asking Python.

    For code that crashes or goes wrong in silence if what it calls back raises. What has been heard so far says whether
    to come to an end.
    """
    waiting = Waiting()
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        before = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in before:
            signal.signal(number, waiting.hear)
        yield waiting
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in waiting.heard:
            before[number](number, None)
