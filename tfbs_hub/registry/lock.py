"""The advisory lock: it saves writers from doing work twice, and nothing may depend on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl

    _flock: Callable[[int, int], None] | None = fcntl.flock
except ImportError:  # a system without flock
    _flock = None

__all__ = ["advisory_lock"]


@contextmanager
def advisory_lock(path: Path, timeout: float = 5.0) -> Iterator[None]:
    """Hold the lock at `path` if it can be had within `timeout` seconds; go on without it otherwise.

    It keeps writers from doing work twice. Some cluster file systems grant a lock to everybody: nothing may depend
    on holding it.
    """
    handle = _lock_handle(path)
    try:
        if handle is not None and _flock is not None:
            _wait_for(lambda: _flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB), timeout)
        yield
    finally:
        if handle is not None:
            with suppress(OSError):  # closed all the same
                os.close(handle)


def _lock_handle(path: Path) -> int | None:
    if _flock is None:
        return None
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return None  # such as a lock file of another user; the commit itself will say if writing is refused


def _wait_for(take: Callable[[], None], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            take()
        except BlockingIOError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.005)
        except OSError:
            return  # no locks on this file system
        else:
            return
