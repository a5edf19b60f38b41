"""What part of a sequence is in view: pan, zoom and cursor, without any drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ZOOMS", "View"]

ZOOMS: Final = (-2000, -1000, -500, -200, -100, -50, -20, -10, -5, -2, 1, 2, 3, 5, 7)
"""From far to near: minus the bases a column, or columns a base."""
_ONE: Final = ZOOMS.index(1)


@dataclass
class View:
    """A window on a sequence.

    Attributes:
        length: of the sequence, in bases.
        columns: of the terminal that show bases.
        level: place in `ZOOMS`.
        start: first base in view, 0-based.
        cursor: a base, 0-based, always in view.
    """

    length: int
    columns: int
    level: int = _ONE
    start: int = 0
    cursor: int = 0

    @property
    def wide(self) -> int:
        """Columns a base takes; 1 where a column shows several."""
        return max(ZOOMS[self.level], 1)

    @property
    def dense(self) -> int:
        """Bases a column shows; 1 where a base takes several."""
        return max(-ZOOMS[self.level], 1)

    @property
    def room(self) -> int:
        """Bases that fit into view."""
        return max(self.columns // self.wide, 1) * self.dense

    @property
    def end(self) -> int:
        """One beyond the last base in view."""
        return min(self.start + self.room, self.length)

    @property
    def whole(self) -> bool:
        """True if all of the sequence is in view."""
        return self.start == 0 and self.end == self.length

    def fit(self) -> None:
        """The usual zoom, and around the cursor what does not fit."""
        self.level = self.fitting
        self.centre()

    @property
    def fitting(self) -> int:
        """The nearest zoom that shows the whole sequence; letters rather than the whole, where one must go."""
        best = _ONE
        for level in range(_ONE, len(ZOOMS)):
            if ZOOMS[level] * self.length <= self.columns and ZOOMS[level] <= 3:
                best = level
        return best

    def centre(self) -> None:
        """Put the cursor into the middle of the view, as far as the sequence reaches."""
        self.start = max(self.cursor - self.room // 2, 0)
        self._settle()

    def resize(self, columns: int) -> None:
        """The terminal is wider or narrower now."""
        self.columns = max(columns, 1)
        self._settle()

    def move(self, cursor: int) -> None:
        """Put the cursor on a base; the view follows."""
        self.cursor = cursor
        self._settle()

    def pan(self, bases: int) -> None:
        """Move the view; the cursor stays in it."""
        self.start = min(max(self.start + bases, 0), max(self.length - self.room, 0))
        self.cursor = min(max(self.cursor, self.start), max(self.end - 1, 0))

    def zoom(self, steps: int) -> None:
        """Nearer (above 0) or farther; the cursor's column stays where it is, as far as can be."""
        column = self.column(self.cursor)
        # Farther than the whole sequence there is nothing to see.
        farthest = max((level for level in range(_ONE + 1) if self._shows(level) >= self.length), default=0)
        self.level = min(max(self.level + steps, min(farthest, self.level)), len(ZOOMS) - 1)
        self.start = self.cursor - (column // self.wide) * self.dense
        self._settle()

    def _shows(self, level: int) -> int:
        """Bases that would fit at another zoom, one column a base at the most."""
        return self.columns * max(-ZOOMS[level], 1)

    def column(self, base: int) -> int:
        """First column of a base (which need not be in view)."""
        return (base - self.start) // self.dense * self.wide

    def base(self, column: int) -> int:
        """The base at a column, the nearest in view."""
        return min(max(self.start + column // self.wide * self.dense, self.start), max(self.end - 1, 0))

    def spans(self) -> list[tuple[int, int]]:
        """For each column that shows a base (or some): the first of them, and one beyond the last."""
        bases = range(self.start, self.end, self.dense)
        return [(base, min(base + self.dense, self.end)) for base in bases for _ in range(self.wide)]

    def _settle(self) -> None:
        self.cursor = min(max(self.cursor, 0), max(self.length - 1, 0))
        if self.cursor < self.start:
            self.start = self.cursor
        elif self.cursor >= self.start + self.room:
            self.start = self.cursor - self.room + self.dense
        # A view that is zoomed out begins at a column's first base, or columns would change as it moves.
        self.start = min(max(self.start, 0), max(self.length - self.room, 0))
        self.start += -self.start % self.dense if self.start % self.dense and self.cursor >= self.start + 1 else 0
        self.start = min(self.start, self.cursor)
