"""Writes down what a piece of code does to the file system, call by call, with the code that asked for each sync.

It wraps the functions of `os` that change files, and `io.open` for new binary files. That nothing goes past it is
what `test_the_recorder_sees_every_call` shows, by comparing it with the kernel's view.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["create", "write", "sync", "mkdir", "rename", "link", "unlink", "rmdir", "touch", "said"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change, or one promise.

    Attributes:
        kind: "said" is the moment at which a command tells that something is done.
        path: what it is about; of "said", what was done.
        other: the new name, for "rename" and "link".
        data, offset: what was written where.
        site: of a sync, the functions of the product that led to it, outermost first.
    """

    kind: Kind
    path: str
    other: str = ""
    data: bytes = b""
    offset: int = 0
    site: str = ""


class KilledError(BaseException):
    """Stands for a SIGKILL: raised by every call after the last one that was let through."""


class Recorder:
    """Follows everything beneath a folder.

    Args:
        root: the folder.
        calls: so many changes are let through; then the code is as good as killed.
    """

    def __init__(self, root: Path, calls: int | None = None) -> None:
        self.root = str(root)
        self.events: list[Event] = []
        self._left = calls
        self._real = {name: getattr(os, name) for name in _WRAPPED}

    def said(self, what: str) -> None:
        """The code has told its user that `what` is done."""
        self.events.append(Event(kind="said", path=what))

    def change(self, kind: Kind, path: str, call: Callable[[], Any], **more: Any) -> Any:
        """Let a call through and write it down, unless it is about other folders or comes after the end."""
        if path != self.root and not path.startswith(f"{self.root}/"):
            return call()
        if self._left is not None:
            if not self._left:
                raise KilledError
            self._left -= 1
        result = call()
        self.events.append(Event(kind=kind, path=path, **more))
        return result

    # -- the functions of `os` ------------------------------------------------------------------------------

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        def call() -> int:
            handle: int = self._real["open"](path, flags, mode, dir_fd=dir_fd)
            return handle

        name = _full(path, dir_fd)
        # To open a file that is there changes nothing: the lock is opened so, time and again.
        return self.change("create", name, call) if flags & os.O_CREAT and not os.path.lexists(name) else call()

    def write(self, handle: int, data: Any) -> int:
        offset = os.lseek(handle, 0, os.SEEK_CUR) if _regular(handle) else 0
        event = {"data": bytes(data), "offset": offset}
        return self.change("write", _named(handle), lambda: self._real["write"](handle, data), **event)

    def fsync(self, handle: int) -> None:
        self.change("sync", _named(handle), lambda: self._real["fsync"](handle), site=_site())

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        self.change("mkdir", _full(path, dir_fd), lambda: self._real["mkdir"](path, mode, dir_fd=dir_fd))

    def rename(self, source: Any, target: Any, **folders: Any) -> None:
        self.change("rename", _full(source), lambda: self._real["rename"](source, target), other=_full(target))

    replace = rename

    def link(self, source: Any, target: Any, **options: Any) -> None:
        call = lambda: self._real["link"](source, target, **options)  # noqa: E731
        self.change("link", _full(source), call, other=_full(target))

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self.change("unlink", _full(path, dir_fd), lambda: self._real["unlink"](path, dir_fd=dir_fd))

    remove = unlink

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self.change("rmdir", _full(path, dir_fd), lambda: self._real["rmdir"](path, dir_fd=dir_fd))

    def utime(self, path: Any, *args: Any, **options: Any) -> None:
        self.change("touch", _full(path), lambda: self._real["utime"](path, *args, **options))


_WRAPPED = ("open", "write", "fsync", "mkdir", "rename", "replace", "link", "unlink", "remove", "rmdir", "utime")


class _Raw(io.RawIOBase):
    """A new binary file whose writes go through `os.write`, where they can be seen."""

    def __init__(self, path: Any) -> None:
        self.name = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._handle

    def write(self, data: Any) -> int:
        return os.write(self._handle, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._handle)


@contextmanager
def recording(root: Path, calls: int | None = None) -> Iterator[Recorder]:
    """Record what this process does beneath `root`; after so many `calls` everything raises `KilledError`."""
    recorder = Recorder(root, calls)
    opened = io.open

    def open_file(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        return io.BufferedWriter(_Raw(path)) if mode == "xb" else opened(path, mode, *args, **options)

    for name in _WRAPPED:
        setattr(os, name, getattr(recorder, name))
    io.open = open_file  # type: ignore[assignment]
    try:
        yield recorder
    finally:
        io.open = opened
        for name, function in recorder._real.items():
            setattr(os, name, function)


def _full(path: Any, folder: int | None = None) -> str:
    name = os.fsdecode(os.fspath(path)) if not isinstance(path, int) else _named(path)
    return os.path.join(_named(folder), name) if folder is not None else os.path.abspath(name)  # noqa: PTH100, PTH118


def _named(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115


def _regular(handle: int) -> bool:
    return _named(handle).startswith("/")


def _site() -> str:
    """The functions of the product that are at work, outermost first."""
    names: list[str] = []
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("tfbs_hub.registry.", "tfbs_hub.files")):
            names.append(f"{module.rpartition('.')[2]}.{frame.f_code.co_name}")
        frame = frame.f_back
    return " > ".join(reversed(names))
