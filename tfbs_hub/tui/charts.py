"""Charts of letters and blocks: what they draw is styled text, so that any widget can show it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from rich.style import Style
from rich.text import Text

__all__ = ["axis_start", "bar", "blend", "curve", "heat", "interval_strip", "plane", "signed_bar", "sparkline"]

_RISING: Final = "▁▂▃▄▅▆▇█"
_LEFT: Final = " ▏▎▍▌▋▊▉█"
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def sparkline(values: Sequence[float], width: int, *, low: float | None = None, high: float | None = None) -> str:
    """Values as blocks of eighths, thinned out to a width (each column shows the largest of its values)."""
    if not values or width < 1:
        return ""
    columns = min(width, len(values))
    edges = [round(place * len(values) / columns) for place in range(columns + 1)]
    tops = [max(values[first:last]) for first, last in pairwise(edges)]
    bottom = min(values) if low is None else low
    span = (max(values) if high is None else high) - bottom
    return "".join(_RISING[min(max(round((top - bottom) / span * 7), 0), 7) if span > 0 else 3] for top in tops)


def bar(share: float, width: int) -> str:
    """A horizontal bar of `share` (0 to 1) of `width` columns, in eighths of a column."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    whole, rest = divmod(eighths, 8)
    text = "█" * whole + (_LEFT[rest] if rest else "")
    return f"{text:<{width}}"


def signed_bar(value: float, scale: float, width: int) -> tuple[str, str]:
    """A bar to the left of an axis (for what is below 0) and one to its right, each of `width` columns."""
    share = min(abs(value) / scale, 1.0) if scale else 0.0
    if value >= 0:
        return " " * width, bar(share, width)
    # Blocks fill from the left; half blocks are all that fill from the right in every font.
    halves = round(share * width * 2)
    whole, rest = divmod(halves, 2)
    return f"{'▐' * rest}{'█' * whole}".rjust(width), " " * width


def interval_strip(value: float, low: float, high: float, width: int, *, span: tuple[float, float]) -> Text:
    """An interval to scale: `├──●──┤` on an axis from `span[0]` to `span[1]`; what lies outside is cut off."""
    first, last = span

    def column(number: float) -> int:
        place = (number - first) / ((last - first) or 1.0)
        return min(max(round(place * (width - 1)), 0), width - 1)

    cells = ["·" if place % 5 == 0 else " " for place in range(width)]
    left, right, middle = column(low), column(high), column(value)
    for place in range(left, right + 1):
        cells[place] = "─"
    cells[left], cells[right] = ("├", "┤") if left < right else ("│", "│")
    cells[middle] = "●"
    text = Text("".join(cells), style="dim", end="")
    text.stylize("not dim", left, right + 1)
    text.stylize("bold not dim", middle, middle + 1)
    return text


def axis_start(lows: Iterable[float]) -> float:
    """A round number below all of these figures: where an axis that ends at 1 may begin; 0.5 where there are none."""
    return max(math.floor(min(lows, default=0.51) * 20 - 0.2) / 20, 0.0)


def blend(low: str, high: str, share: float) -> str:
    """The colour `share` (0 to 1) of the way from one "#rrggbb" to another; of other colours, the nearer."""
    share = min(max(share, 0.0), 1.0)
    if not low.startswith("#") or not high.startswith("#"):
        return high if share >= 0.5 else low
    pairs = ((int(low[place : place + 2], 16), int(high[place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(start + (end - start) * share):02x}" for start, end in pairs)


def heat(share: float, text: str, width: int, *, low: str, high: str, dark: str, light: str) -> Text:
    """One cell of a heat map: the darker or lighter ink that can be read on its colour."""
    ground = blend(low, high, share)
    if not ground.startswith("#"):
        return Text(f"{text:^{width}}"[:width], style=Style(reverse=share >= 0.5), end="")
    luminance = sum(
        part * int(ground[place : place + 2], 16) / 255 for part, place in ((0.299, 1), (0.587, 3), (0.114, 5))
    )
    ink = light if luminance < 0.55 else dark
    return Text(f"{text:^{width}}"[:width], style=Style(color=ink, bgcolor=ground), end="")


def curve(points: Sequence[tuple[float, float]], width: int, height: int) -> list[list[int]]:
    """A line through points in the unit square as braille bits (height, width): 2 x 4 dots a cell."""
    cells = [[0] * width for _ in range(height)]
    columns, rows = width * 2 - 1, height * 4 - 1

    def dot(x: float, y: float) -> None:
        column, row = round(x * columns), rows - round(y * rows)
        if 0 <= column <= columns and 0 <= row <= rows:
            cells[row // 4][column // 2] |= _DOTS[row % 4][column % 2]

    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(math.ceil(abs(x1 - x0) * columns), math.ceil(abs(y1 - y0) * rows), 1)
        for step in range(steps + 1):
            share = step / steps
            dot(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
    return cells


def plane(
    curves: Sequence[tuple[Sequence[tuple[float, float]], str, str]], width: int, height: int, *, diagonal: str = "dim"
) -> list[Text]:
    """Curves in the unit square, each in its style, the last on top; with the diagonal beneath them.

    On each curve stands its mark, a letter, which tells it from the others where colours do not.
    """
    layers = [(curve([(0.0, 0.0), (1.0, 1.0)], width, height), diagonal)]
    layers += [(curve(points, width, height), style) for points, style, _ in curves]
    marks: dict[tuple[int, int], tuple[str, str]] = {}
    for number, ((cells, look), (*_, mark)) in enumerate(zip(layers[1:], curves, strict=True), 1):
        # Beside each other, so that those of curves that lie on each other can be read; on the left they lie apart.
        column = number * 2 * width // (3 * (len(curves) + 1))
        row = next((row for row in range(height) if cells[row][column]), None)
        if row is not None:
            marks[row, column] = mark, f"bold {look}"
    rows = []
    for row in range(height):
        text = Text(end="")
        for column in range(width):
            bits, style = 0, ""
            for cells, look in layers:
                if cells[row][column]:
                    bits, style = (cells[row][column] if look != style else bits | cells[row][column]), look
            text.append(*marks.get((row, column), (chr(0x2800 + bits) if bits else " ", style)))
        rows.append(text)
    return rows
