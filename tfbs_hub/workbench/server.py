"""The side that answers: reads requests from stdin, one at a time, and keeps what it loaded."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any, NoReturn

import msgspec

from tfbs_hub.errors import InputError, InterruptedRunError, TfbsHubError
from tfbs_hub.files import storage_error
from tfbs_hub.hub import Hub
from tfbs_hub.limits import MAX_MESSAGE_BYTES
from tfbs_hub.progress import Event
from tfbs_hub.workbench.answers import answer
from tfbs_hub.workbench.lens import Lens
from tfbs_hub.workbench.messages import (
    Assess,
    Change,
    Explain,
    Export,
    Learn,
    OpenRun,
    ReadSequences,
    Report,
    Seqlets,
    Survey,
)

__all__ = ["Request", "main"]


class Request(msgspec.Struct):
    """One line of stdin."""

    id: int
    ask: Assess | Change | Explain | Export | Learn | OpenRun | ReadSequences | Report | Seqlets | Survey


class _Cancel(msgspec.Struct, forbid_unknown_fields=True):
    """Another line of stdin: nobody waits for that answer any more."""

    cancel: int


def main(arguments: list[str]) -> int:
    """Answer until stdin ends. Arguments: the registry's folder ("" looks for it), "read-only" or "writable"."""
    stream = _own_stdout()
    cancelled: set[int] = set()
    emit = _Emitter(stream, cancelled)
    requests: SimpleQueue[bytes | None] = SimpleQueue()
    registry, mode = (*arguments, "", "writable")[:2]
    hub: Hub | None = None
    lens: Lens | None = None
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _leave)
        threading.Thread(target=_read, args=(requests, cancelled), daemon=True).start()
        while (line := requests.get()) is not None:
            request: Request | None = None
            try:
                request = _parsed(line)
                if hub is None or lens is None:
                    hub = Hub.open(registry or None, read_only=mode == "read-only", warn=emit.warn)
                    lens = Lens(hub)
                emit({"id": request.id, "result": answer(hub, lens, request.ask, emit.reporter(request.id))})
            except (TfbsHubError, MemoryError, OSError) as error:
                emit({"id": -1 if request is None else request.id, "error": _told(error)})
        # The end of stdin stops what is being computed, and may say so only now.
        _ignore_signals()
    except KeyboardInterrupt:
        # Files half-written are gone by now, and torch takes its time to be taken down.
        os._exit(0)
    return 0


def _parsed(line: bytes) -> Request:
    try:
        return msgspec.json.decode(line, type=Request)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"not a request: {error}") from error


def _told(error: BaseException) -> Mapping[str, Any]:
    if isinstance(error, MemoryError):
        error = TfbsHubError("the memory ran out", hint="close other programs, or ask for less")
    elif isinstance(error, OSError):
        error = storage_error(error, error.filename or "output")
    if not isinstance(error, TfbsHubError):
        raise error
    return {"type": type(error).__name__, "what": error.what, "where": error.where, "hint": error.hint}


class _Emitter:
    """Writes answers, each on a line of its own."""

    def __init__(self, stream: IO[str], cancelled: set[int]) -> None:
        self._stream = stream
        self.cancelled = cancelled

    def __call__(self, event: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # whoever listened is gone; stdin has ended too
            self._stream.write(json.dumps(msgspec.to_builtins(event)) + "\n")
            self._stream.flush()

    def reporter(self, number: int) -> _Reporter:
        return _Reporter(self, number)

    def warn(self, message: str) -> None:
        self({"warning": message})


class _Reporter:
    """Progress of one request; raises `InterruptedRunError` where nobody waits for it any more."""

    def __init__(self, emit: _Emitter, number: int) -> None:
        self._emit = emit
        self._number = number

    def __call__(self, event: Event) -> None:
        if self._number in self._emit.cancelled:
            raise InterruptedRunError("nobody waits for this answer any more")
        self._emit({"id": self._number, "progress": event})


def _own_stdout() -> IO[str]:
    """The real stdout, for answers alone: what a library prints there goes to stderr from now on."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


def _read(requests: SimpleQueue[bytes | None], cancelled: set[int]) -> None:
    """Hand on every request, take note of every cancellation; when stdin ends, also stop what is being computed."""
    with suppress(OSError), os.fdopen(os.dup(0), "rb") as stream:
        while line := stream.readline(MAX_MESSAGE_BYTES):
            try:
                cancelled.add(msgspec.json.decode(line, type=_Cancel).cancel)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                requests.put(line)
    requests.put(None)
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(number: int, frame: object) -> NoReturn:
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
