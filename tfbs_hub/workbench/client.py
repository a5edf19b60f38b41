"""The side that asks: starts the process when it is first needed, and hands each answer to whoever waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Final, TypeVar

import msgspec

from tfbs_hub import errors
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.files import storage_error
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.workbench.messages import ANSWERS, Ask, Explain

__all__ = ["Workbench"]

_GRACE: Final = 0.7
"""Seconds between asking the process to end and ending it."""
_TAIL: Final = 2000
_STOPPED: Final = (Explain,)
"""What is given up when its waiter is gone; other answers go on, for their cache is worth having."""

A = TypeVar("A", bound=msgspec.Struct)


@dataclass(eq=False)
class _Question:
    """A request, who waits for its answer, and who hears of its progress."""

    number: int
    ask: Ask
    answer: asyncio.Future[Any]
    report: Report = field(default=silent)


class Workbench:
    """A process that answers one request after another; for one event loop.

    A request whose waiter is cancelled before it was sent is never sent; an explanation that is under way is given up.
    If the process dies, whoever waits gets an error, and the next request starts another.

    Args:
        registry: folder of the registry.
        read_only: change nothing.
        nice: how much to give way to other processes, 0 to 19.
        warn: is given one line for each plug-in that fails.
    """

    def __init__(
        self,
        registry: Path,
        *,
        read_only: bool = False,
        nice: int = 0,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._command = [
            *(["nice", "-n", str(nice)] if nice else []),
            # Without -P the current folder would come before the installed packages.
            *[sys.executable, "-P", "-m", "tfbs_hub.workbench", str(registry)],
            "read-only" if read_only else "writable",
        ]
        self._warn = warn
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._waiting: deque[_Question] = deque()
        self._asked: _Question | None = None
        self._count = 0
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def busy(self) -> bool:
        """True while something is asked."""
        return self._asked is not None

    @property
    def pid(self) -> int | None:
        """The number of the process, if one was started."""
        return None if self._process is None else self._process.pid

    async def ask(self, request: Ask, kind: type[A], report: Report = silent) -> A:
        """The answer to a request, of the kind that `messages.ANSWERS` says.

        Raises:
            TfbsHubError: the very error that answering ended with.
        """
        if ANSWERS[type(request)] is not kind:
            raise TypeError(f"{type(request).__name__} is not answered by {kind.__name__}")
        self._count += 1
        self._loop = asyncio.get_running_loop()
        question = _Question(self._count, request, self._loop.create_future(), report)
        self._waiting.append(question)
        self._next()
        try:
            return msgspec.convert(await question.answer, kind)
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(question)
            if question is self._asked and isinstance(request, _STOPPED):
                self._give_up(question)

    def close(self) -> None:
        """End the process; whoever still waits is let go. May be called in any thread."""
        self._closed = True
        process, self._process = self._process, None
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._let_go)
        if process is None:
            return
        self._lines.put(None)
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._forget()

    def _forget(self) -> None:
        """Of what a process wrote to stderr, once it is gone."""
        said, self._said = self._said, None
        if said is not None:
            said.close()

    def _next(self) -> None:
        """Send the next request if the process is free."""
        while self._asked is None and self._waiting and not self._closed:
            question = self._waiting.popleft()
            if question.answer.done():
                continue
            self._asked = question
            try:
                self._send(question)
            except OSError as error:
                self._asked = None
                question.answer.set_exception(storage_error(error, "tfbs-hub's model process"))

    def _send(self, question: _Question) -> None:
        if self._process is None:
            self._start()
        self._lines.put(msgspec.json.encode({"id": question.number, "ask": question.ask}) + b"\n")

    def _give_up(self, question: _Question) -> None:
        """Tell the process that nobody waits any more; it says so, and is free for the next request."""
        self._lines.put(msgspec.json.encode({"cancel": question.number}) + b"\n")

    def _start(self) -> None:
        said = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - read when the process dies
        self._said = said
        process = subprocess.Popen(  # noqa: S603 - this interpreter and our own module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(part or str(Path.cwd()) for part in sys.path)},
            start_new_session=True,
        )
        self._process = process
        self._lines = SimpleQueue()
        loop = asyncio.get_running_loop()
        threading.Thread(target=_speak, args=(process, self._lines), daemon=True).start()
        threading.Thread(target=self._listen, args=(process, loop), daemon=True).start()

    def _listen(self, process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop) -> None:
        """Hand on every line of the process, in a thread of its own."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            if process.stdout is not None:
                with process.stdout as stream:
                    for line in stream:
                        loop.call_soon_threadsafe(self._arrived, json.loads(line))
            loop.call_soon_threadsafe(self._ended, process)

    def _arrived(self, event: Mapping[str, Any]) -> None:
        if "warning" in event:
            self._warn(str(event["warning"]))
            return
        question = self._asked
        if question is None or event["id"] != question.number:
            return
        if "progress" in event:
            if not question.answer.done():
                question.report(Event(**event["progress"]))
            return
        self._asked = None
        if not question.answer.done():
            if "error" in event:
                question.answer.set_exception(_told(event["error"]))
            else:
                question.answer.set_result(event["result"])
        self._next()

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        """The process has died, unless it was us who ended it."""
        if process is not self._process:
            return
        self._process = None
        self._lines.put(None)
        process.wait()
        asked, self._asked = self._asked, None
        if asked is not None and not asked.answer.done():
            asked.answer.set_exception(self._death(process.returncode))
        self._forget()
        self._next()

    def _death(self, code: int) -> TfbsHubError:
        last = ""
        if self._said is not None:
            size = self._said.seek(0, os.SEEK_END)
            self._said.seek(max(0, size - _TAIL))
            lines = self._said.read().decode("utf-8", "replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return TfbsHubError(
            f"the process that holds the models ended (exit status {code})" + (f": {last}" if last else ""),
            hint="ask again: another one is started",
        )

    def _let_go(self) -> None:
        questions = [*self._waiting, *([self._asked] if self._asked is not None else [])]
        self._waiting.clear()
        self._asked = None
        for question in questions:
            question.answer.cancel()


def _speak(process: subprocess.Popen[bytes], lines: SimpleQueue[bytes | None]) -> None:
    """Write every line, in a thread of its own: a process that still starts reads nothing, and a pipe holds little."""
    if process.stdin is None:
        return
    with contextlib.suppress(OSError), process.stdin as stream:
        while (line := lines.get()) is not None:
            stream.write(line)
            stream.flush()


def _told(error: Mapping[str, Any]) -> TfbsHubError:
    """The error that the process told of, as one of ours."""
    kind = getattr(errors, error["type"]) if error["type"] in errors.__all__ else TfbsHubError
    told: TfbsHubError = kind(error["what"], where=error["where"], hint=error["hint"])
    return told
