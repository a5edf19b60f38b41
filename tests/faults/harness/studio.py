"""What was done to a disk, as recorded, and what must be true of every state that a power cut can leave of it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness import steps
from harness.disk import Contents, History
from harness.health import complaints, files
from harness.recorder import Event, KilledError, recording
from harness.steps import Step

from tfbs_hub.errors import TfbsHubError

__all__ = ["REGISTRY", "Studio", "Trace"]

NOTHING = Event(kind="touch", path="")
"""Takes the place of a sync, so that moments keep their numbers."""
REGISTRY = "registry"
Check = Callable[[Path, Sequence[str]], list[str]]


@dataclass(frozen=True)
class Trace:
    """A recording.

    Attributes:
        name: what was done.
        top: the folder that it was done in.
        place: the registry's folder in it.
        start: what that held before.
        events: what was done.
        check: says what is wrong with a state, given what was promised before it.
    """

    name: str
    top: Path
    place: str
    start: Contents
    events: Sequence[Event]
    check: Check

    def history(self, *, without: str = "") -> History:
        """Its states; `without` the syncs of one site, they are those of a product that lacks them."""
        events = [event if self.site(event) != without or not without else NOTHING for event in self.events]
        return History(self.top, self.start, events)

    def sites(self) -> set[str]:
        """Every place in the product that synced something."""
        return {self.site(event) for event in self.events if event.kind == "sync"}

    def site(self, event: Event) -> str:
        """Which code synced what, with the names left out."""
        if event.kind != "sync":
            return ""
        path = os.path.relpath(event.path, self.top / self.place)
        for pattern, instead in _NAMES:
            path = re.sub(pattern, instead, path)
        return f"{event.site}: {path}"


_NAMES = (
    (r"^\.\./\.registry-\w+", "COPY"),
    (r"experts/[^/]+", "experts/NAME"),
    (r"\b[0-9a-f]{12,}(-\w+)?\b", "DIGEST"),
    (r"stage-\w+", "stage"),
    (r"\d{8}", "NUMBER"),
)


class Studio:
    """Makes recordings in a folder, each on a copy of a small registry.

    Args:
        folder: new and empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = folder / "base"
        steps.make_base(self.base / REGISTRY)
        self._count = 0

    def anew(self) -> Path:
        """A new folder with nothing in it."""
        self._count += 1
        top = self.folder / f"take-{self._count}"
        top.mkdir()
        return top

    def take(self, name: str, *acts: tuple[Step, int | None], base: Path | None = None, recovers: bool = True) -> Trace:
        """Steps one after another; one that is killed after so many calls promises nothing.

        Args:
            base: holds the registry to begin with.
            recovers: the last step can be done again wherever the power was cut.
        """
        top = self.anew()
        shutil.copytree((base or self.base) / REGISTRY, top / REGISTRY)
        start = Contents.read(top)
        before = files(top / REGISTRY)
        events: list[Event] = []
        promises: dict[str, tuple[int, set[str]]] = {}
        for step, calls in acts:
            with recording(top, calls) as recorder, suppress(KilledError, TfbsHubError):
                step.run(top / REGISTRY)
                recorder.said(step.name)
                number, runs = _seen(top / REGISTRY)
                promises[step.name] = number, runs if step.name == "evaluation" else set()
            events += recorder.events
        known = before | files(top / REGISTRY)
        may_go = {step.name for step, _ in acts} >= {"collect"}

        def check(state: Path, promised: Sequence[str]) -> list[str]:
            folder = state / REGISTRY
            found = complaints(folder, before, _collected if may_go else lambda path: False)
            found += _strangers(folder, known)
            if not found:
                found += _broken(_seen(folder), [promises[name] for name in promised])
            return found or (_recovery(folder, acts[-1][0]) if recovers else [])

        return Trace(name, top, REGISTRY, start, events, check)


def _seen(folder: Path) -> tuple[int, set[str]]:
    """The number of the present state, and the runs that are there."""
    registry = steps.open_folder(folder)
    return registry.head().number, {path.name for path in registry.evaluations()}


def _broken(seen: tuple[int, set[str]], promises: Sequence[tuple[int, set[str]]]) -> list[str]:
    late = [f"generation {number} was promised" for number, _ in promises if number > seen[0]]
    return late + [f"{run} was promised" for _, runs in promises for run in sorted(runs - seen[1])]


def _strangers(folder: Path, known: dict[str, bytes]) -> list[str]:
    """Generations and runs that nobody wrote so: they must be whole wherever they can be seen."""
    now = {path: data for path, data in files(folder).items() if path.startswith(("generations/", "evaluations/"))}
    return [f"{path} is not whole" for path, data in now.items() if known.get(path) != data]


def _collected(path: str) -> bool:
    return path.startswith(("experts/GONE/", "generations/"))


def _recovery(folder: Path, last: Step) -> list[str]:
    """What goes wrong when work goes on: the last step again, and an expert whose bytes may be there already."""
    try:
        if not last.done(steps.open_folder(folder)):
            last.run(folder)
        if not last.done(steps.open_folder(folder)):
            return [f"{last.name} cannot be done again"]
        steps.add(folder, "GONE")
    except TfbsHubError as error:
        return [f"work cannot go on: {error} ({error.where})"]
    return complaints(folder, {})
