"""What a disk may hold after the power was cut: as little as the promises of POSIX allow.

- The bytes of a file are safe once that file was synced; until then any write may be missing, cut short, or there as
  zeros alone.
- A name in a folder (made, linked, renamed, removed) is safe once that folder was synced; until then it may be so or
  not, whatever became of others. A rename is two changes, and either may come through without the other.

Nothing else is certain: no order, and no help from the file system. (Real ones promise more; which ones, differs.)
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.recorder import Event

Fate = Literal["lost", "whole", "cut", "zeros"]
"""What becomes of a change that was not synced; names are lost or whole."""

TOP = 0
"""The number of the folder that everything is in."""


@dataclass(frozen=True, eq=False)
class Change:
    """One change that can be lost by itself.

    Attributes:
        owner: number of the folder whose names, or of the file whose bytes change.
        name, target: the name that is made (and what it names), or removed (None).
        data, offset: the bytes that are written, if `name` is empty.
        since: how many events had happened when it was made.
        safe: how many had when it was synced; None if it never was.
    """

    owner: int
    since: int
    safe: int | None
    name: str = ""
    target: int | None = None
    data: bytes = b""
    offset: int = 0

    def open(self, moment: int) -> bool:
        """True if a power cut after `moment` events may lose it."""
        return self.safe is None or self.safe > moment


@dataclass
class Contents:
    """Folders (name -> number) and files (bytes), by their numbers."""

    folders: dict[int, dict[str, int]]
    files: dict[int, bytes]

    @classmethod
    def read(cls, folder: Path) -> Contents:
        """What a folder holds now, all of it safe."""
        found = cls({TOP: {}}, {})
        numbers = {folder: TOP}
        for place, folders, files in os.walk(folder):
            for name in (*folders, *files):
                number = len(found.folders) + len(found.files)
                found.folders[numbers[Path(place)]][name] = number
                if name in files:
                    found.files[number] = (Path(place) / name).read_bytes()
                else:
                    found.folders[number] = {}
                    numbers[Path(place) / name] = number
        return found

    def copy(self) -> Contents:
        return Contents({number: dict(names) for number, names in self.folders.items()}, dict(self.files))

    def tree(self, number: int = TOP, path: str = "") -> Iterator[tuple[str, bytes | None]]:
        """Every path with its file's bytes; None for a folder."""
        for name, inner in sorted(self.folders[number].items()):
            if inner in self.files:
                yield f"{path}{name}", self.files[inner]
            else:
                yield f"{path}{name}", None
                yield from self.tree(inner, f"{path}{name}/")

    def apply(self, change: Change, fate: Fate, share: float) -> None:
        """Let a change reach the disk; a `share` of its bytes where it is cut short."""
        if change.name:
            names = self.folders.setdefault(change.owner, {})
            if change.target is None:
                names.pop(change.name, None)
            else:
                names[change.name] = change.target
            return
        data = change.data
        if fate == "cut":
            data = data[: int(len(data) * share)]
        if fate == "zeros":
            data = bytes(len(data))
        before = self.files.get(change.owner, b"").ljust(change.offset, b"\0")
        self.files[change.owner] = before[: change.offset] + data + before[change.offset + len(data) :]


class History:
    """All the states of a disk during some events.

    Args:
        top: the folder that the events are about.
        start: what it held before them.
        events: in order.
    """

    def __init__(self, top: Path, start: Contents, events: Sequence[Event]) -> None:
        self._top = str(top)
        self._start = start
        self._live = start.copy()
        self._next = len(start.folders) + len(start.files)
        self._open: dict[int, list[int]] = {}
        self._synced: dict[int, int] = {}
        self.changes: list[Change] = []
        self.promises: list[tuple[int, str]] = []
        self.length = len(events)
        for moment, event in enumerate(events, 1):
            getattr(self, f"_{event.kind}")(event, moment)
        self.changes = [replace(change, safe=self._synced.get(place)) for place, change in enumerate(self.changes)]

    def promised(self, moment: int) -> list[str]:
        """What had been said to be done."""
        return [what for since, what in self.promises if since <= moment]

    def open(self, moment: int) -> list[Change]:
        """The changes that a power cut at this moment may lose."""
        return [change for change in self.changes if change.since <= moment and change.open(moment)]

    def state(self, moment: int, fate: Callable[[Change], Fate], share: float = 0.5) -> Contents:
        """What is there after a power cut once `moment` events had happened."""
        contents = self._start.copy()
        for change in self.changes:
            if change.since > moment:
                break
            chosen = fate(change) if change.open(moment) else "whole"
            if chosen != "lost":
                contents.apply(change, chosen, share)
        # What nothing was written to, or nothing came through of, is empty.
        for number, what in ((change.target, change) for change in self.changes if change.target is not None):
            if number not in contents.folders and number not in contents.files and what.since <= moment:
                self._empty(contents, number)
        return contents

    def _empty(self, contents: Contents, number: int) -> None:
        if number in self._live.files:
            contents.files[number] = b""
        else:
            contents.folders[number] = {}

    # -- one method a kind of event -------------------------------------------------------------------------

    def _said(self, event: Event, moment: int) -> None:
        self.promises.append((moment, event.path))

    def _touch(self, event: Event, moment: int) -> None:
        pass  # times decide nothing

    def _create(self, event: Event, moment: int) -> None:
        folder, name = self._place(event.path)
        number = self._number()
        self._live.files[number] = b""
        self._note(Change(folder, moment, None, name, number))

    def _mkdir(self, event: Event, moment: int) -> None:
        folder, name = self._place(event.path)
        number = self._number()
        self._live.folders[number] = {}
        self._note(Change(folder, moment, None, name, number))

    def _write(self, event: Event, moment: int) -> None:
        folder, name = self._place(event.path)
        number = self._live.folders[folder][name]
        self._note(Change(number, moment, None, data=event.data, offset=event.offset))

    def _link(self, event: Event, moment: int) -> None:
        folder, name = self._place(event.path)
        number = self._live.folders[folder][name]
        folder, name = self._place(event.other)
        self._note(Change(folder, moment, None, name, number))

    def _rename(self, event: Event, moment: int) -> None:
        self._link(event, moment)
        self._unlink(event, moment)

    def _unlink(self, event: Event, moment: int) -> None:
        folder, name = self._place(event.path)
        self._note(Change(folder, moment, None, name))

    _rmdir = _unlink

    def _sync(self, event: Event, moment: int) -> None:
        number = TOP
        if event.path != self._top:
            folder, name = self._place(event.path)
            number = self._live.folders[folder][name]
        for place in self._open.pop(number, ()):
            self._synced[place] = moment

    def _note(self, change: Change) -> None:
        self._open.setdefault(change.owner, []).append(len(self.changes))
        self.changes.append(change)
        self._live.apply(change, "whole", 1)

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _place(self, path: str) -> tuple[int, str]:
        """Number of the folder that a path is in, and its name there."""
        *folders, name = os.path.relpath(path, self._top).split("/")
        number = TOP
        for folder in folders:
            number = self._live.folders[number][folder]
        return number, name


def extremes(history: History, moments: Iterable[int]) -> Iterator[tuple[int, Contents]]:
    """At each moment: nothing unsynced comes through, everything does, all but one, one alone."""
    for moment in moments:
        yield moment, history.state(moment, lambda change: "lost")
        waiting = history.open(moment)
        if waiting:
            yield moment, history.state(moment, lambda change: "whole")
        if len(waiting) > 1:
            for single in waiting:
                yield moment, history.state(moment, lambda change, one=single: "lost" if change is one else "whole")
                yield moment, history.state(moment, lambda change, one=single: "whole" if change is one else "lost")


def missed(history: History, sound: History) -> Iterator[tuple[int, Contents]]:
    """States that only a history with a sync less than the `sound` one can have, the latest first.

    At each moment at which the missing sync makes a difference: what it would have saved is lost, alone or with
    everything else that is unsynced; or one change of it is. Then, what it would have saved with one other change.
    """
    moments = {moment: _exposed(history, sound, moment) for moment in range(history.length, -1, -1)}
    for moment, exposed in moments.items():
        singles = [[change] for change in exposed] if len(exposed) > 1 else []
        for lost in (exposed, history.open(moment), *singles) if exposed else ():
            yield moment, _without(history, moment, lost)
    for moment, exposed in moments.items():
        for other in history.open(moment) if exposed else ():
            yield moment, _without(history, moment, [*exposed, other])


def _exposed(history: History, sound: History, moment: int) -> list[Change]:
    """What may be lost at a moment though it would be safe in the sound history."""
    pairs = zip(history.changes, sound.changes, strict=True)
    return [ours for ours, theirs in pairs if ours.since <= moment and ours.open(moment) and not theirs.open(moment)]


def _without(history: History, moment: int, lost: Sequence[Change]) -> Contents:
    return history.state(moment, lambda change: "lost" if change in lost else "whole")


def chances(history: History, draw: random.Random) -> Iterator[tuple[int, Contents]]:
    """Any moment, any subset, files torn in any way; without end."""
    while True:
        moment = draw.randint(0, history.length)
        kept = draw.choice((0.1, 0.5, 0.9))

        def fate(change: Change, kept: float = kept) -> Fate:
            if draw.random() > kept:
                return "lost"
            return "whole" if change.name else draw.choice(("whole", "cut", "zeros"))

        yield moment, history.state(moment, fate, draw.random())


def materialise(contents: Contents, folder: Path) -> None:
    """Write a state to a new folder."""
    folder.mkdir()
    for path, data in contents.tree():
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)
