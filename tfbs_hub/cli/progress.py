"""Progress of long work on stderr: bars on a terminal, a line for each task elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tfbs_hub.cli.text import plain
from tfbs_hub.progress import Event, Report

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["shown_progress"]


@contextmanager
def shown_progress() -> Iterator[Report]:
    """A listener that shows events until the context ends."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bars(progress)


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        total = event.total if event.total != 0 else None
        if event.task not in self._tasks:
            self._tasks[event.task] = self._progress.add_task(plain(event.task), total=total, message="")
        self._progress.update(self._tasks[event.task], completed=event.done, total=total, message=plain(event.message))


class _Lines:
    """One line when a task begins and one when it ends: enough for a log."""

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def __call__(self, event: Event) -> None:
        finished = event.total is not None and event.done >= event.total
        if event.task not in self._begun:
            self._begun.add(event.task)
            if not finished:
                self._write(f"{event.task} …")
                return
        if finished and event.message:
            self._write(f"{event.task}: {event.message}")

    @staticmethod
    def _write(line: str) -> None:
        sys.stderr.write(plain(line) + "\n")
        sys.stderr.flush()
