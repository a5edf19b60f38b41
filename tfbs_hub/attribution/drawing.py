"""Tracks as text: bars above and below a line of letters, wrapped to a width, with a ruler and boxes for seqlets.

Rows of cells, each one column wide: a glyph and the name of a style. Nothing here knows of colours or terminals, so
that the command line and the terminal UI draw the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.tracks import Track
from tfbs_hub.sequences.alphabet import decode

__all__ = ["MARGIN", "Cell", "Panel", "Row", "draw", "line_length", "magnitude"]

MARGIN: Final = 8
"""Columns at the left for the scale."""

_RISING: Final = " ▁▂▃▄▅▆▇█"
_HANGING: Final = " ▔▔▀▀▀▀██"
"""Bars that hang from the axis, where glyphs have to do: Unicode has but three such blocks that every font knows."""
_TICK: Final = 10
_LEAST: Final = 10


class Cell(NamedTuple):
    """One column of one row: a glyph, and the name of its style.

    A style is a letter (A, C, G, T, N), "title", "scale", "ruler" or "box"; "" is plain, and one that begins with "-"
    is shown with foreground and background exchanged.
    """

    glyph: str
    style: str = ""


Row = list[Cell]


@dataclass(frozen=True, eq=False)
class Panel:
    """A track to draw, with the seqlets that were found in it."""

    track: Track
    seqlets: Sequence[Named] = ()


def magnitude(panels: Sequence[Panel]) -> float:
    """The largest contribution, of either sign, in any of the tracks; 1 if all are 0."""
    return max((float(np.abs(panel.track.actual).max(initial=0)) for panel in panels), default=0.0) or 1.0


def draw(
    panels: Sequence[Panel], *, width: int, height: int = 4, scale: float | None = None, inverse: bool = True
) -> list[Row]:
    """Draw tracks of one sequence, one above the other, in lines of as many bases as fit.

    Args:
        panels: tracks of the same sequence, by different models or methods.
        width: columns of the picture, the margin included; at least 10 bases are drawn on a line.
        height: rows of the longest bar, on the side of the axis where it stands.
        scale: the contribution that fills the height, for all tracks; None gives each track its own.
        inverse: the terminal can exchange foreground and background, which lets bars below the axis have eighths
            of a row; without it they have quarters at best.
    """
    room = max(width - MARGIN, _LEAST)
    columns = line_length(len(panels[0].track), room)
    scales = [scale or magnitude([panel]) for panel in panels]
    length = len(panels[0].track)
    rows: list[Row] = []
    for low in range(0, length, columns):
        high = min(low + columns, length)
        for panel, full in zip(panels, scales, strict=True):
            if len(panels) > 1 or low == 0:
                rows.append(_title(panel.track, full, width))
            rows += _bars(panel.track, low, high, full, height, inverse=inverse)
            rows += _boxes(panel.seqlets, low, high, room)
        rows += _ruler(panels[0].track, low, high)
        rows.append([])
    return [_trimmed(row) for row in rows[:-1]]


def _trimmed(row: Row) -> Row:
    """Without the blanks at its end."""
    last = next((place for place in range(len(row), 0, -1) if row[place - 1].glyph != " "), 0)
    return row[:last]


def line_length(length: int, most: int) -> int:
    """Bases on each line, so that lines of at most `most` bases are about equally long; tens where that fits."""
    even = -(-length // -(-length // most))
    return min(-(-even // _TICK) * _TICK, most)


def _cells(text: str, style: str = "") -> Row:
    return [Cell(letter, style) for letter in text]


def _title(track: Track, scale: float, width: int) -> Row:
    text = f"{track.label}   logit {track.logit:+.2f}   full bar {scale:.3g}"
    return _cells(text if len(text) <= width else text[: width - 1] + "…", "title")


def _bars(track: Track, low: int, high: int, scale: float, height: int, *, inverse: bool) -> Iterator[Row]:
    """Bars above, the letters, bars below; rows that no bar of the whole track reaches are left out."""
    letters = decode(track.codes[low:high])
    eighths = np.rint(track.actual[low:high] / scale * height * 8).astype(int)
    whole = track.actual / scale * height
    above, below = (math.ceil(round(float(side.max(initial=0)), 6)) for side in (whole, -whole))
    for row in reversed(range(above)):
        mark = f"{scale * above / height:+.2g}" if row == above - 1 else ""
        fill = np.clip(eighths - 8 * row, 0, 8)
        yield [*_margin(mark), *(Cell(_RISING[part], base) for part, base in zip(fill, letters, strict=True))]
    yield [*_margin("0"), *(Cell(base, base) for base in letters)]
    for row in range(below):
        mark = f"{-scale * below / height:+.2g}" if row == below - 1 else ""
        fill = np.clip(-eighths - 8 * row, 0, 8)
        yield [*_margin(mark), *(_hanging(int(part), base, inverse) for part, base in zip(fill, letters, strict=True))]


def _hanging(part: int, base: str, inverse: bool) -> Cell:
    """A cell whose upper `part` eighths are filled."""
    if inverse and 0 < part < 8:
        # The lower block of the rest, its two colours exchanged.
        return Cell(_RISING[8 - part], f"-{base}")
    return Cell(_HANGING[part], base)


def _margin(mark: str) -> Row:
    return _cells(f"{mark:>{MARGIN - 1}} ", "scale")


def _ruler(track: Track, low: int, high: int) -> list[Row]:
    """A mark and a number at every tenth base; with coordinates, at every twentieth."""
    start = 0 if track.locus is None else track.locus.start
    step = _TICK if len(str(start + len(track))) < _TICK - 1 else 2 * _TICK
    line = [" "] * (high - low)
    for place in range(low, high):
        # Ticks stand at round numbers of whatever is counted.
        text = f"╵{start + place}"
        if (start + place) % step == 0 and place - low + len(text) <= len(line):
            line[place - low : place - low + len(text)] = text
    head = "" if track.locus is None else track.locus.chromosome[: MARGIN - 1]
    return [[*_cells(f"{head:>{MARGIN - 1}} ", "ruler"), *_cells("".join(line), "ruler")]]


def _boxes(seqlets: Sequence[Named], low: int, high: int, room: int) -> Iterator[Row]:
    """A bracket under every seqlet, and its name with the strand's arrow under that, in as many rows as they need."""
    inside = sorted(
        (named for named in seqlets if named.seqlet.start < high and named.seqlet.end > low),
        key=lambda named: named.seqlet.start,
    )
    if not inside:
        return
    brackets = [" "] * (high - low)
    labels: list[list[str]] = []
    for named in inside:
        first, last = max(named.seqlet.start, low) - low, min(named.seqlet.end, high) - low
        brackets[first:last] = _bracket(last - first, named.seqlet.start >= low, named.seqlet.end <= high)
        _place(_label(named), first, labels, room)
    for line in (brackets, *labels):
        yield [*_margin(""), *_cells("".join(line), "box")]


def _bracket(width: int, opens: bool, closes: bool) -> str:
    if width == 1:
        return "╵"
    return f"{'╰' if opens else '─'}{'─' * (width - 2)}{'╯' if closes else '─'}"


def _label(named: Named) -> str:
    arrow = "" if named.match is None else {"+": "→", "-": "←"}[named.match.strand]
    return f"{named.name}{arrow}"


def _place(text: str, first: int, lines: list[list[str]], columns: int) -> None:
    """Write a label into the first line that has room for it and a blank before it, near where it belongs."""
    first = max(min(first, columns - len(text)), 0)
    text = text[:columns]
    for line in lines:
        if all(letter == " " for letter in line[max(first - 1, 0) : first + len(text)]):
            line[first : first + len(text)] = text
            return
    line = [" "] * columns
    line[first : first + len(text)] = text
    lines.append(line)
