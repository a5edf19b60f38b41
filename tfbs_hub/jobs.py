"""Long jobs in a process of their own, seen from the side that asks for them; torch-free.

A job is a file that names a command and its options; `python -m tfbs_hub.worker JOB.json` does it and writes its
events to stdout, one JSON object a line:

    {"event": "progress", "task": …, "done": …, "total": …, "message": …}
    {"event": "warning", "message": …}
    {"event": "result", "result": {…}}                                     the last line, or instead of it
    {"event": "error", "error": {"type", "exit_code", "what", "where", "hint"}, "exit_code": …}

The process ends when it is told to (SIGTERM, SIGINT) and when whoever started it is gone (its stdin ends).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Literal, Self

import msgspec

from tfbs_hub import errors
from tfbs_hub.errors import InterruptedRunError, TfbsHubError
from tfbs_hub.files import storage_error
from tfbs_hub.progress import Event

__all__ = ["FORMAT", "FORMAT_VERSION", "Job", "JobFile", "Warned"]

FORMAT: Final = "tfbs-hub-job"
FORMAT_VERSION: Final = 1
_GRACE: Final = 2.0
"""Seconds between asking a process to end and ending it."""
_TAIL: Final = 4096
"""Bytes of what a process that died said last."""


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """What a job file holds.

    Attributes:
        command: what to do.
        registry: folder of the registry; None looks for it as the command line does.
        read_only: do not change the registry, whatever the file system permits.
        options: of the command, plain values.
        nice: how much to give way to other processes, 0 to 19.
    """

    command: Literal["evaluate", "add-expert", "retrain-gate"]
    registry: str | None = None
    read_only: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    nice: int = 0
    format: Literal["tfbs-hub-job"] = FORMAT
    format_version: Literal[1] = FORMAT_VERSION


@dataclass(frozen=True)
class Warned:
    """One line that a user should see, such as that of a plug-in that failed."""

    message: str


class Job:
    """A running job; as a context manager it never outlives its block.

    Iterate `events()` to the end, then take `result()`. `cancel()` may be called from another thread meanwhile.
    """

    def __init__(self, process: subprocess.Popen[str], said: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self._ended: Mapping[str, Any] | None = None
        self._cancelled = False
        self._lock = threading.Lock()

    @classmethod
    def start(
        cls,
        command: str,
        registry: str | Path | None,
        options: Mapping[str, Any],
        *,
        read_only: bool = False,
        nice: int = 0,
    ) -> Self:
        """Begin a job; the arguments are those of `JobFile`. Raises `StorageError` if no process can be started."""
        job = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "command": command,
            "registry": None if registry is None else str(registry),
            "read_only": read_only,
            "options": dict(options),
            "nice": nice,
        }
        # Files without a name: nothing is left behind, however we end.
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the job
        try:
            with tempfile.TemporaryFile() as file:
                file.write(msgspec.json.encode(job, enc_hook=os.fspath))
                file.seek(0)
                process = subprocess.Popen(  # noqa: S603 - this interpreter and our own module
                    # Without -P the current folder would come before the installed packages.
                    [sys.executable, "-P", "-m", "tfbs_hub.worker", f"/dev/fd/{file.fileno()}"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    pass_fds=(file.fileno(),),
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(part or str(Path.cwd()) for part in sys.path)},
                    encoding="utf-8",
                    # A Ctrl-C of the terminal reaches us alone; we say what becomes of the job.
                    start_new_session=True,
                )
        except OSError as error:
            said.close()
            raise storage_error(error, "a process for the work") from error
        return cls(process, said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def events(self) -> Iterator[Event | Warned]:
        """Everything the job reports, until it ends."""
        stdout = self._process.stdout
        for line in () if stdout is None or stdout.closed else stdout:
            event = json.loads(line)
            match event["event"]:
                case "progress":
                    yield Event(event["task"], event["done"], event["total"], event["message"])
                case "warning":
                    yield Warned(event["message"])
                case _:
                    self._ended = event
        self._process.wait()

    def result(self) -> Mapping[str, Any]:
        """What the job gave, once its events have ended.

        Raises:
            TfbsHubError: the very error that the job ended with.
            InterruptedRunError: it was cancelled.
        """
        for _ in self.events():
            pass  # what nobody listened to
        if self._ended is None:
            raise InterruptedRunError("cancelled") if self._cancelled else self._death()
        if self._ended["event"] == "error":
            raise _told(self._ended["error"])
        result: Mapping[str, Any] = self._ended["result"]
        return result

    def cancel(self, grace: float = _GRACE) -> None:
        """Ask the job to end, and end it if it has not after `grace` seconds; what it finished before is kept."""
        with self._lock:
            self._cancelled = True
            try:
                if self._process.poll() is None:
                    self._process.terminate()
                    with suppress(subprocess.TimeoutExpired):
                        self._process.wait(grace)
            finally:
                if self._process.poll() is None:
                    self._process.kill()
                self._process.wait()

    def close(self) -> None:
        """Cancel what still runs, and leave nothing behind."""
        try:
            if self._process.poll() is None:
                self.cancel()
        finally:
            for stream in (self._process.stdin, self._process.stdout, self._said):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()

    def _death(self) -> TfbsHubError:
        code = self._process.returncode
        if code < 0:
            hint = (
                "run it again to go on"
                if code != -signal.SIGKILL
                else ("if the memory ran out, close other programs or ask for less; then run it again to go on")
            )
            return TfbsHubError(f"the process that did the work was killed ({_signal_name(-code)})", hint=hint)
        last = self._last_words()
        return TfbsHubError(
            f"the process that did the work ended without a result (exit status {code})"
            + (f": {last}" if last else ""),
            hint="this is a defect of tfbs-hub or of a plug-in; please report it with this line",
        )

    def _last_words(self) -> str:
        """The last line of what the process wrote to stderr; of a traceback, the error."""
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - _TAIL))
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _told(error: Mapping[str, Any]) -> TfbsHubError:
    """The error that a job told of, as one of ours."""
    kind = getattr(errors, error["type"]) if error["type"] in errors.__all__ else TfbsHubError
    told: TfbsHubError = kind(error["what"], where=error["where"], hint=error["hint"])
    return told
