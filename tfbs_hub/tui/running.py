"""Jobs that run and jobs that ran: each in a process of its own, listened to by a thread, kept with its log."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from tfbs_hub.errors import InterruptedRunError, TfbsHubError
from tfbs_hub.files import write_whole
from tfbs_hub.jobs import Job, Warned
from tfbs_hub.limits import MAX_SESSION_BYTES
from tfbs_hub.progress import Event

__all__ = ["JobRecord", "Jobs", "Said", "State"]

State = Literal["running", "done", "failed", "cancelled"]
_KEPT: Final = 100
_MOST_LINES: Final = 2000
_GRACE: Final = 1.2


@dataclass
class Said:
    """One line of a log: seconds since the start, "progress", "warning", "error" or "result", and the text."""

    after: float
    kind: str
    text: str


@dataclass
class JobRecord:
    """One job.

    Attributes:
        id: unique; sorts by time.
        title: what is done, in words.
        command, options: as `Job.start` takes them.
        registry: its folder.
        state, started, ended: seconds since the epoch.
        task, done, total, message: the newest progress.
        log: what it said, one line a task, warning and ending.
        result: what it gave.
        error: what it ended with.
    """

    id: str
    title: str
    command: str
    options: dict[str, Any]
    registry: str
    started: float
    state: State = "running"
    ended: float | None = None
    task: str = ""
    done: float = 0
    total: float | None = None
    message: str = ""
    log: list[Said] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    hint: str = ""

    @property
    def seconds(self) -> float:
        """How long it runs or ran."""
        return (self.ended or time.time()) - self.started

    @property
    def share(self) -> float | None:
        """How much of the present task is done, 0 to 1; None where nobody knows."""
        return min(self.done / self.total, 1.0) if self.total else None

    def heard(self, event: Event | Warned) -> None:
        """Take note of what the job said."""
        after = time.time() - self.started
        if isinstance(event, Warned):
            self._add(Said(after, "warning", event.message))
            return
        text = f"{event.task}  {event.message}".rstrip() if event.message else event.task
        known = self.log[-1] if self.log and self.log[-1].kind == "progress" else None
        if event.task != self.task or known is None or not event.total:
            self._add(Said(after, "progress", text))
        else:
            # One line a task: its newest figures.
            known.text = f"{text}  ({event.done:g}/{event.total:g})"
        self.task, self.done, self.total, self.message = event.task, event.done, event.total, event.message

    def finish(self, state: State, said: Said) -> None:
        """Take note of the end."""
        self.state, self.ended = state, time.time()
        self._add(said)

    def _add(self, said: Said) -> None:
        self.log.append(said)
        del self.log[:-_MOST_LINES]


class Jobs:
    """Starts jobs, listens to them, keeps them.

    Args:
        folder: where past jobs are kept.
        changed: called, in the listening thread, whenever a job said something or ended.
    """

    def __init__(self, folder: Path, changed: Callable[[JobRecord], None]) -> None:
        self._folder = folder
        self._changed = changed
        self._live: dict[str, Job] = {}
        self._records: dict[str, JobRecord] = {}
        self._lock = threading.Lock()

    @property
    def records(self) -> list[JobRecord]:
        """All jobs, the newest first."""
        with self._lock:
            return sorted(self._records.values(), key=lambda record: record.id, reverse=True)

    @property
    def running(self) -> list[JobRecord]:
        """Those that run."""
        return [record for record in self.records if record.state == "running"]

    def load(self) -> None:
        """Read past jobs; files that cannot be read are left alone, old ones are thrown away."""
        try:
            paths = sorted(self._folder.glob("*.json"), reverse=True)
        except OSError:
            return
        for path in paths[_KEPT:]:
            with suppress(OSError):
                path.unlink()
        for path in paths[:_KEPT]:
            with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError), path.open("rb") as file:
                record = msgspec.json.decode(file.read(MAX_SESSION_BYTES), type=JobRecord)
                if record.state == "running":
                    # Whoever listened to it is gone, and so is the job.
                    record.state, record.ended = "cancelled", record.ended or record.started
                with self._lock:
                    self._records.setdefault(record.id, record)

    def start(
        self, title: str, command: str, registry: Path, options: Mapping[str, Any], *, read_only: bool = False
    ) -> JobRecord:
        """Begin a job; raises `StorageError` if no process can be started."""
        job = Job.start(command, registry, options, read_only=read_only, nice=5)
        now = time.time()
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{job.pid}"
        record = JobRecord(name, title, command, dict(options), str(registry), now)
        record.heard(Warned(f"pid {job.pid}: {command} {shlex.join(_told(options))}"))
        record.log[-1].kind = "start"
        with self._lock:
            self._live[name] = job
            self._records[name] = record
        threading.Thread(target=self._listen, args=(job, record), daemon=True, name=f"job {name}").start()
        return record

    def cancel(self, name: str) -> None:
        """Ask a job to end, and wait for that, two seconds at most."""
        with self._lock:
            job = self._live.get(name)
        if job is not None:
            job.cancel(_GRACE)

    def close(self) -> None:
        """End all that runs, at once."""
        with self._lock:
            jobs = list(self._live.values())
        threads = [threading.Thread(target=job.cancel, args=(_GRACE,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for job in jobs:
            job.close()

    def _listen(self, job: Job, record: JobRecord) -> None:
        try:
            for event in job.events():
                record.heard(event)
                self._changed(record)
            result = job.result()
            record.result = dict(result)
            record.finish("done", Said(time.time() - record.started, "result", "done"))
        except InterruptedRunError:
            record.finish("cancelled", Said(time.time() - record.started, "error", "cancelled"))
        except TfbsHubError as error:
            record.error = error.what if error.where is None else f"{error.where}: {error.what}"
            record.hint = error.hint or ""
            record.finish("failed", Said(time.time() - record.started, "error", str(error)))
        except ValueError:
            # The stream was closed under us: the UI is leaving.
            record.finish("cancelled", Said(time.time() - record.started, "error", "cancelled"))
        with self._lock:
            self._live.pop(record.id, None)
        job.close()
        self._keep(record)
        self._changed(record)

    def _keep(self, record: JobRecord) -> None:
        with suppress(TfbsHubError):
            write_whole(self._folder / f"{record.id}.json", msgspec.json.encode(record))


def _told(options: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in options.items() if value not in (None, "", [], (), False)]
