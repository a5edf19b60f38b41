"""The sequences that are looked at: which one, on which strand, and what was changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

__all__ = ["Edit", "Subject", "reverse_complement"]

_OTHER = str.maketrans("ACGTN", "TGCAN")


@lru_cache(maxsize=4)
def reverse_complement(letters: str) -> str:
    """The other strand, read in its own direction."""
    return letters.translate(_OTHER)[::-1]


@dataclass(frozen=True)
class Edit:
    """A base that was changed: where (on the strand in view), from what, to what."""

    place: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old}{self.place + 1}{self.new}"


@dataclass
class Subject:
    """Sequences, and the one in view.

    Attributes:
        names, letters: of all, as they were read.
        chosen: which one.
        flipped: the other strand is in view.
        edits: changes to the one in view, in order.
    """

    names: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    chosen: int = 0
    flipped: bool = False
    edits: list[Edit] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.letters)

    @property
    def name(self) -> str:
        """Of the one in view."""
        return self.names[self.chosen] if self else ""

    @property
    def original(self) -> str:
        """The strand in view, without changes."""
        if not self:
            return ""
        letters = self.letters[self.chosen]
        return reverse_complement(letters) if self.flipped else letters

    @property
    def present(self) -> str:
        """The strand in view, as it is now."""
        return _edited(self.original, tuple(self.edits)) if self.edits else self.original

    @property
    def changed(self) -> set[int]:
        """Places that differ from the original."""
        original, present = self.original, self.present
        return {edit.place for edit in self.edits if original[edit.place] != present[edit.place]}

    def take(self, names: Sequence[str], letters: Sequence[str], chosen: int = 0) -> None:
        """Look at other sequences."""
        self.names, self.letters = list(names), list(letters)
        self.choose(chosen)
        self.flipped = False

    def choose(self, index: int) -> None:
        """Look at another of them; changes are forgotten."""
        self.chosen = min(max(index, 0), max(len(self.letters) - 1, 0))
        self.edits.clear()

    def mutate(self, place: int, base: str) -> bool:
        """Put a base somewhere; False if it is there already."""
        old = self.present[place]
        if old == base:
            return False
        self.edits.append(Edit(place, old, base))
        return True

    def undo(self) -> Edit | None:
        """Take the last change back."""
        return self.edits.pop() if self.edits else None

    def flip(self) -> None:
        """To the other strand; changes come along."""
        length = len(self.original)
        self.flipped = not self.flipped
        self.edits = [
            Edit(length - 1 - edit.place, edit.old.translate(_OTHER), edit.new.translate(_OTHER)) for edit in self.edits
        ]


@lru_cache(maxsize=4)
def _edited(letters: str, edits: tuple[Edit, ...]) -> str:
    """With changes; asked for at every step of the cursor, and long."""
    found = list(letters)
    for edit in edits:
        found[edit.place] = edit.new
    return "".join(found)
