"""What is recorded: every kind of change, whole, killed and done again, and in unusual places."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from unittest import mock

from harness import steps
from harness.disk import Contents
from harness.health import complaints, files
from harness.recorder import Event, KilledError, Recorder, recording
from harness.steps import Step
from harness.studio import REGISTRY, Studio, Trace

from tfbs_hub import settings
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.files import write_whole
from tfbs_hub.registry import Registry, locate, open_registry

__all__ = ["all_traces"]


def all_traces(folder: Path, *, every: int = 1) -> Iterator[Trace]:
    """All recordings; of those with a kill, one for each call, or for every so many."""
    studio = Studio(folder)
    for step in steps.STEPS:
        yield studio.take(step.name, (step, None))
    by_name = {step.name: step for step in steps.STEPS}
    life = ("add", "gate", "disable", "evaluation", "enable", "remove")
    yield studio.take("a life", *((by_name[name], None) for name in life))
    yield _first_gate(studio)
    yield from _copied(studio)
    yield from _repeated(studio)
    yield _seeded(studio)
    yield _written(studio)
    yield from _created(studio)
    yield from _killed(studio, every)


def _killed(studio: Studio, every: int) -> Iterator[Trace]:
    """A step is killed on one call after another; then it is done again, or something else is."""
    for step in steps.STEPS:
        calls = len([event for event in studio.take(step.name, (step, None)).events if event.kind != "said"])
        for after in range(1, calls, every):
            yield studio.take(f"{step.name}, killed after {after}, again", (step, after), (step, None))
            yield studio.take(f"{step.name}, killed after {after}, then add", (step, after), (steps.adding("X"), None))


def _first_gate(studio: Studio) -> Trace:
    """A gate for a registry that has none, nor a folder for it."""
    top = studio.anew()
    Registry.create(top / REGISTRY)
    steps.add(top / REGISTRY, "STAT3")
    return studio.take("the first gate", (steps.GATE, None), base=top, recovers=False)


def _copied(studio: Studio) -> Iterator[Trace]:
    """Somebody copies the files of an expert, or of a gate, into the registry, without a sync, before it is added."""
    for step in (steps.ADD, steps.GATE):
        elsewhere = studio.anew() / REGISTRY
        shutil.copytree(studio.base / REGISTRY, elsewhere)
        before = files(elsewhere)
        step.run(elsewhere)
        now = files(elsewhere)
        new = {path: now[path] for path in now if path not in before and not path.startswith("generations/")}

        def copy(folder: Path, new: Mapping[str, bytes] = new) -> None:
            for path, data in new.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with (folder / path).open("xb") as file:
                    file.write(data)

        copying = Step("copy", copy, lambda registry: True)
        # What became of a copy that was cut short is not ours to mend.
        yield studio.take(f"{step.name}, copied before", (copying, None), (step, None), recovers=False)


def _repeated(studio: Studio) -> Iterator[Trace]:
    """A server makes a link, its answer is lost, and to the repeated request it says that the name is taken."""
    for step in (steps.ADD, steps.EVALUATION):

        def run(folder: Path, step: Step = step) -> None:
            # Within the recording, whose own function it calls.
            with mock.patch.object(os, "link", _answered_twice(os.link)):
                step.run(folder)

        yield studio.take(f"{step.name}, linked twice", (Step(step.name, run, step.done), None))


def _answered_twice(link: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
    def call(source: Path, target: Path) -> None:
        link(source, target)
        raise FileExistsError

    return call


def _created(studio: Studio) -> Iterator[Trace]:
    """A registry in a new folder of a new folder, killed on one call after another or not at all."""
    unbroken = _creation(studio, None)
    yield unbroken
    for after in range(1, len(unbroken.events) - 1):
        yield _creation(studio, after)


def _creation(studio: Studio, calls: int | None) -> Trace:
    top = studio.anew()
    start = Contents.read(top)
    place = top / "of" / "mine" / REGISTRY

    def create(recorder: Recorder) -> None:
        there = (place / "registry.json").exists()
        open_registry(place, create=True)
        if not there:  # to open what another one made is no promise
            recorder.said("create")
        steps.add(place, "FIRST")
        recorder.said("add")

    events: list[Event] = []
    for limit in [None] if calls is None else [calls, None]:
        with recording(top, limit) as recorder, suppress(KilledError):
            create(recorder)
        events += recorder.events

    def check(state: Path, promised: Sequence[str]) -> list[str]:
        there = state / place.relative_to(top)
        if "create" in promised and not (there / "registry.json").exists():
            return ["the new registry is gone"]
        try:
            registry = open_registry(there, create=True)
            missing = ["FIRST is gone"] if "add" in promised and not steps.has(registry, "FIRST") else []
            steps.add(there, "FIRST")
        except TfbsHubError as error:
            return [f"work cannot go on: {error} ({error.where})"]
        return missing + complaints(there, {})

    name = "create" if calls is None else f"create, killed after {calls}, again"
    return Trace(name, top, str(place.relative_to(top)), start, events, check)


def _seeded(studio: Studio) -> Trace:
    """The user's registry is made from the shipped one, and then changed."""
    top = studio.anew()
    start = Contents.read(top)

    def opened(home: Path) -> Registry:
        places = {"data_folder": lambda: home / "data" / "tfbs-hub"}
        with mock.patch.multiple(settings, **places), mock.patch.object(locate, "shipped_registry", lambda: shipped):
            return open_registry(start=home)

    shipped = studio.base / REGISTRY
    with recording(top) as recorder:
        place = opened(top).path
        recorder.said("seed")
        steps.add(place, "FIRST")
        recorder.said("add")

    def check(state: Path, promised: Sequence[str]) -> list[str]:
        there = state / place.relative_to(top)
        if "seed" in promised and not there.exists():
            return ["the seeded registry is gone"]
        try:
            registry = opened(state)
            missing = ["FIRST is gone"] if "add" in promised and not steps.has(registry, "FIRST") else []
            steps.add(there, "FIRST")
        except TfbsHubError as error:
            return [f"work cannot go on: {error} ({error.where})"]
        return missing + complaints(there, files(shipped))

    return Trace("seed", top, str(place.relative_to(top)), start, recorder.events, check)


def _written(studio: Studio) -> Trace:
    """A single file beside the registry, as `export` and `evaluate -o` write it."""
    top = studio.anew()
    start = Contents.read(top)
    data = b"a bundle" * 60
    with recording(top) as recorder:
        write_whole(top / "new" / "folder" / "file", data)
        recorder.said("file")

    def check(state: Path, promised: Sequence[str]) -> list[str]:
        path = state / "new" / "folder" / "file"
        if not path.exists():
            return ["the file is gone"] if promised else []
        return [] if path.read_bytes() == data else ["the file is not whole"]

    return Trace("a file", top, "new/folder", start, recorder.events, check)
