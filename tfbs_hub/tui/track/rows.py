"""A track as rows of cells: bars above and below a line of letters, brackets under motifs, a ruler.

As `attribution.drawing` for a whole sequence on paper, here for any zoom, with a cursor and with edits. A cell is a
glyph and the names of its styles; colours are the widget's business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from tfbs_hub.tui.charts import sparkline
from tfbs_hub.tui.text import cut
from tfbs_hub.tui.track.view import View
from tfbs_hub.workbench.messages import Mark

__all__ = ["MARGIN", "Cell", "Row", "Shown", "boxes", "overview", "ruler", "track_rows"]

MARGIN: Final = 8
_NAME: Final = 24
_RISING: Final = " ▁▂▃▄▅▆▇█"


class Cell(NamedTuple):
    """One column: a glyph, and how it looks ("A", "scale", "-C" for exchanged colours, "A cursor edit")."""

    glyph: str
    style: str = ""


Row = list[Cell]
_NOTHING: Final = Cell(" ")
"""All empty cells look alike: many of them are one piece of text to a terminal."""


@dataclass
class Shown:
    """One layer to draw.

    Attributes:
        label: model and method.
        logit: of the sequence, by this model.
        actual: contribution of each base.
        marks: motifs.
    """

    label: str
    logit: float
    actual: Sequence[float]
    marks: Sequence[Mark] = field(default_factory=list)
    _silhouettes: dict[int, str] = field(default_factory=dict, repr=False)

    @cached_property
    def reach(self) -> tuple[float, float]:
        """The largest contribution above 0, and the size of the largest below."""
        return max(max(self.actual, default=0.0), 0.0), max(-min(self.actual, default=0.0), 0.0)

    def silhouette(self, width: int) -> str:
        """The size of all contributions on one line; drawn once a width, for a sequence may be long."""
        if width not in self._silhouettes:
            self._silhouettes[width] = sparkline([abs(value) for value in self.actual], width, low=0.0)
        return self._silhouettes[width]


def cells(text: str, style: str = "") -> Row:
    """Text as cells."""
    return [Cell(letter, style) for letter in text]


def track_rows(
    shown: Shown, letters: str, view: View, *, height: int, reach: tuple[float, float], edits: Collection[int] = ()
) -> list[Row]:
    """Bars and letters of what is in view: `height` rows of bars and one of letters.

    Args:
        reach: what the rows above and below 0 must have room for; with several tracks on one scale, that of them all.
        edits: bases that were changed.
    """
    above, below, unit = _shares(reach, height)
    spans = view.spans()
    values = [_extremes(shown.actual[first:last]) for first, last in spans]
    bases = [letters[_telling(shown.actual, first, last)] for first, last in spans]
    looks = [_look(base, span, view) for base, span in zip(bases, spans, strict=True)]
    rows = []
    for row in reversed(range(above)):
        mark = _figure(unit * above) if row == above - 1 else ""
        fill = (_eighths(top / unit, row) for top, _ in values)
        rows.append([*_margin(mark), *(_standing(part, base) for part, base in zip(fill, bases, strict=True))])
    rows.append([*_margin("0"), *_letters(bases, looks, spans, view, edits)])
    for row in range(below):
        mark = _figure(-unit * below) if row == below - 1 else ""
        fill = (_eighths(-bottom / unit, row) for _, bottom in values)
        rows.append([*_margin(mark), *(_hanging(part, base) for part, base in zip(fill, bases, strict=True))])
    return rows


def boxes(marks: Sequence[Mark], view: View, lines: int = 2) -> list[Row]:
    """A bracket under every motif in view with its name in it, or under it where there is no room; `lines` rows."""
    width = len(view.spans())
    brackets, names = [" "] * width, [" "] * width
    for mark in sorted(marks, key=lambda mark: mark.start):
        if mark.end <= view.start or mark.start >= view.end:
            continue
        first = view.column(max(mark.start, view.start))
        last = min(view.column(min(mark.end, view.end) - 1) + view.wide, width)
        label = cut(mark.name, _NAME) + {"+": "→", "-": "←"}.get(mark.strand, "")
        opens, closes = mark.start >= view.start, mark.end <= view.end
        brackets[first:last] = _bracket(last - first, label, opens, closes)
        if last - first < len(label) + 2:
            _place(names, label, first)
    found = [brackets, names][:lines]
    return [[*_margin(""), *cells("".join(line), "box")] for line in found]


def ruler(view: View) -> Row:
    """Ticks at round numbers, counted from 1, and a mark under the cursor."""
    width = len(view.spans())
    line = [" "] * width
    step = _step(view)
    for place in range(-(-(view.start + 1) // step) * step, view.end + 1, step):
        column = view.column(place - 1)
        text = f"╵{place}"
        if column + len(text) <= width:
            line[column : column + len(text)] = text
    found = cells("".join(line), "ruler")
    column = view.column(view.cursor)
    for place in range(column, min(column + view.wide, width)):
        found[place] = Cell("▴", "caret")
    return [*_margin(""), *found]


def overview(shown: Shown, view: View) -> Row:
    """The whole sequence on one row, what is in view set off."""
    width = min(view.columns, view.length)
    text = shown.silhouette(width)
    first, last = (round(place / view.length * width) for place in (view.start, view.end))
    return [
        *cells(f"{'all':>{MARGIN - 1}} ", "scale"),
        *(Cell(glyph, "seen" if first <= place < last else "unseen") for place, glyph in enumerate(text)),
    ]


def _shares(reach: tuple[float, float], height: int) -> tuple[int, int, float]:
    """Rows above and below 0, and what one row is worth; nothing is cut off."""
    up, down = reach
    if up <= 0 and down <= 0:
        return height, 0, 1.0
    if down <= 0.02 * up:
        return height, 0, up / height
    if up <= 0:
        return 0, height, down / height
    above = min(max(round(height * up / (up + down)), 1), max(height - 1, 1))
    below = max(height - above, 1)
    return above, below, max(up / above, down / below)


def _extremes(values: Sequence[float]) -> tuple[float, float]:
    return max(0.0, *values), min(0.0, *values)


def _telling(actual: Sequence[float], first: int, last: int) -> int:
    """Which of the bases of a column is shown: the one that matters most."""
    return max(range(first, last), key=lambda base: abs(actual[base]))


def _look(base: str, span: tuple[int, int], view: View) -> str:
    return f"{base} cursor" if span[0] <= view.cursor < span[1] else base


def _letters(
    bases: Sequence[str], looks: Sequence[str], spans: Sequence[tuple[int, int]], view: View, edits: Collection[int]
) -> Row:
    row = []
    for column, (base, look, (first, last)) in enumerate(zip(bases, looks, spans, strict=True)):
        edited = any(place in edits for place in range(first, last)) if edits else False
        # A base that takes several columns has its letter in the middle one.
        middle = column % view.wide == view.wide // 2
        glyph = base if middle else " "
        if view.dense > 1:
            glyph = base.lower()
        row.append(Cell(glyph, f"{look} letter{' edit' if edited else ''}"))
    return row


def _eighths(rows: float, row: int) -> int:
    return min(max(round((rows - row) * 8), 0), 8)


def _standing(part: int, look: str) -> Cell:
    """A cell whose lower `part` eighths are filled."""
    return Cell(_RISING[part], look) if part else _NOTHING


def _hanging(part: int, look: str) -> Cell:
    """A cell whose upper `part` eighths are filled: the lower block of the rest, its colours exchanged."""
    return Cell("█", look) if part == 8 else Cell(_RISING[8 - part], f"-{look}") if part else _NOTHING


def _margin(mark: str) -> Row:
    return cells(f"{mark:>{MARGIN - 1}} ", "scale")


def _figure(value: float) -> str:
    """A figure with its sign, short enough for the margin."""
    text = f"{value:+.2g}"
    return text if len(text) < MARGIN else f"{value:+.0e}"


def _bracket(width: int, label: str, opens: bool, closes: bool) -> str:
    if width == 1:
        return "╵"
    inner = label if len(label) + 2 <= width else ""
    return f"{'╰' if opens else '─'}{inner:─^{width - 2}}{'╯' if closes else '─'}"


def _place(line: list[str], text: str, first: int) -> None:
    """Write a label where it belongs, or as near as there is room; a label without room is left out."""
    text = text[: len(line)]
    for shift in sorted(range(-12, 13), key=abs):
        start = first + shift
        if start < 0 or start + len(text) > len(line):
            continue
        if all(glyph == " " for glyph in line[max(start - 1, 0) : start + len(text) + 1]):
            line[start : start + len(text)] = text
            return


def _step(view: View) -> int:
    """A round number of bases between ticks, so that their numbers have room."""
    step = 10
    while step * view.wide / view.dense < 9:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step
