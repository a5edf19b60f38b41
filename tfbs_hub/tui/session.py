"""What the UI remembers between two starts; a file that cannot be read is forgotten."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.files import write_whole
from tfbs_hub.limits import MAX_SESSION_BYTES
from tfbs_hub.tui.themes import DEFAULT

__all__ = ["Explaining", "Session", "load", "save"]

_VERSION: Final = 1
_MOST_SEQUENCES: Final = 50
_MOST_BASES: Final = 1_000_000


@dataclass
class Explaining:
    """Where the explain screen was left.

    Attributes:
        names, letters, chosen: sequences, and which one was in view.
        flipped, edits: its strand, and its changes (place, old base, new base).
        layers, both_strands: models and methods, and how they were asked.
        cursor, level: the base under the cursor (0-based, on the strand in view), and the zoom.
    """

    names: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    chosen: int = 0
    layers: list[tuple[str, str]] = field(default_factory=list)
    cursor: int = 0
    level: int | None = None
    both_strands: bool = False
    flipped: bool = False
    edits: list[tuple[int, str, str]] = field(default_factory=list)

    def trimmed(self) -> Explaining:
        """With no more sequences than are worth keeping, the chosen one among them."""
        first = min(max(self.chosen - _MOST_SEQUENCES // 2, 0), max(len(self.names) - _MOST_SEQUENCES, 0))
        if sum(map(len, self.letters[first : first + _MOST_SEQUENCES])) > _MOST_BASES:
            first, last = self.chosen, self.chosen + 1
        else:
            last = first + _MOST_SEQUENCES
        return replace(self, names=self.names[first:last], letters=self.letters[first:last], chosen=self.chosen - first)


@dataclass
class Session:
    """A whole session; `explaining`, `expert` and `run` by registry.

    Attributes:
        theme, screen: names.
        explaining: where the explain screen was left.
        expert: the expert that was looked at.
        run: the evaluation that was looked at.
        files: the data sets that were evaluated last.
    """

    version: int = _VERSION
    theme: str = DEFAULT
    screen: str = "experts"
    explaining: dict[str, Explaining] = field(default_factory=dict)
    expert: dict[str, str] = field(default_factory=dict)
    run: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def load(folder: Path) -> Session:
    """The last session; a new one where there is none, or none that can be read."""
    try:
        with (folder / "session.json").open("rb") as file:
            session = msgspec.json.decode(file.read(MAX_SESSION_BYTES), type=Session)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Session()
    return session if session.version == _VERSION else Session()


def save(folder: Path, session: Session) -> None:
    """Keep a session; where it cannot be kept, the next start is a fresh one."""
    session.explaining = {registry: state.trimmed() for registry, state in session.explaining.items()}
    with suppress(TfbsHubError):
        write_whole(folder / "session.json", msgspec.json.format(msgspec.json.encode(session)))
