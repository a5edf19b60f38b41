"""How long work reports on itself, without knowing who listens.

Library code takes a `Report` (any callable that accepts an `Event`) and calls it; the command line
draws bars with rich, a worker process writes NDJSON, a notebook passes nothing and hears nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Event", "Report", "silent", "tracked"]

T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """One step of one task.

    Attributes:
        task: what is being done, in words a user knows ("training STAT3").
        done: units finished so far.
        total: units in all; None where nobody knows, 0 for a plain message.
        message: the newest figure or remark ("validation AUROC 0.943").
    """

    task: str
    done: float = 0
    total: float | None = None
    message: str = ""


Report = Callable[[Event], None]


def silent(event: Event) -> None:
    """The default listener: hears everything, says nothing."""


def tracked(items: Iterable[T], task: str, report: Report, total: int | None = None) -> Iterator[T]:
    """Yield `items`, reporting each finished one under `task`."""
    report(Event(task, 0, total))
    for done, item in enumerate(items, start=1):
        yield item
        report(Event(task, done, total))
