"""Attribution tracks as figures: letters as tall as their contributions, one track above the other, seqlets shaded.

matplotlib and tangermeme are imported when the first figure is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.drawing import Panel, line_length, magnitude
from tfbs_hub.report.style import BLUE, GRID, INK, MUTED, place, sheet, styled
from tfbs_hub.sequences.alphabet import UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LETTERS", "track_figure"]

LETTERS: Final = {"A": "#2e8b57", "C": "#2456c9", "G": "#e08a00", "T": "#cc2f2f"}
"""Colours of the bases."""

# Sizes in inches.
_BASE = 0.105
_LEFT, _RIGHT = 0.62, 0.2
_TOP, _BOTTOM = 0.14, 0.1
_HEADING, _TITLE, _LABEL, _RULER, _GAP = 0.26, 0.23, 0.13, 0.3, 0.1
_TRACK = 0.95
_LETTER = 0.072
"""Of a seqlet's name, a wide one."""
_AIR: Final = 1.08
_NAME = 90
"""Letters of a sequence's name that a heading shows."""


def track_figure(
    groups: Sequence[tuple[str, Sequence[Panel]]], *, own_scale: bool = False, columns: int = 120
) -> Figure:
    """The tracks of some sequences, each sequence under its name, in lines of at most `columns` bases each.

    Args:
        groups: the name and the tracks of each sequence; all tracks share one scale.
        own_scale: give each track its own scale instead.
    """
    columns = max(line_length(len(panels[0].track), columns) for _, panels in groups)
    widest = min(max(len(panels[0].track) for _, panels in groups), columns)
    lines = [(name, panels, _Line.broken(panels, columns)) for name, panels in groups]
    height = _TOP + _BOTTOM + sum(_HEADING + sum(line.height for line in those) for _, _, those in lines)
    every = [panel for _, panels in groups for panel in panels]
    with styled():
        figure = sheet(max(_LEFT + widest * _BASE + _RIGHT, 3.2), height)
        top = _TOP
        told = "each track has its own scale" if own_scale else "all tracks have one scale"
        _note(figure, told, top)
        for name, panels, those in lines:
            _heading(figure, name, top)
            top += _HEADING
            scales = [_scale([panel] if own_scale else every) for panel in panels]
            for line in those:
                _draw_line(figure, line, scales, top)
                top += line.height
    return figure


@dataclass(frozen=True)
class _Label:
    """A seqlet's name over its track: its middle in bases from the line's first, and how many names are under it."""

    text: str
    middle: float
    row: int


@dataclass(frozen=True, eq=False)
class _Line:
    """The bases from `low` to `high` of all tracks of a sequence, with the names over each track."""

    panels: Sequence[Panel]
    low: int
    high: int
    labels: Sequence[Sequence[_Label]]

    @classmethod
    def broken(cls, panels: Sequence[Panel], columns: int) -> list[Self]:
        """All lines of a sequence."""
        length = len(panels[0].track)
        spans = [(low, min(low + columns, length)) for low in range(0, length, columns)]
        return [cls(panels, low, high, [_labels(panel, low, high) for panel in panels]) for low, high in spans]

    @property
    def heads(self) -> list[float]:
        """Of each track, the height of its title and of the names over it."""
        return [_TITLE + _LABEL * max((label.row + 1 for label in labels), default=0) for labels in self.labels]

    @property
    def height(self) -> float:
        return sum(self.heads) + len(self.panels) * _TRACK + _RULER + _GAP


def _labels(panel: Panel, low: int, high: int) -> list[_Label]:
    """The names of the seqlets between two bases, stacked where they would overlap."""
    labels: list[_Label] = []
    taken: list[float] = []
    for named in sorted(panel.seqlets, key=lambda named: named.seqlet.start):
        first, last = _between(named, low, high)
        if first >= last:
            continue
        arrow = "" if named.match is None else {"+": " →", "-": " ←"}[named.match.strand]
        text = f"{named.name}{arrow}"
        half = (len(text) + 1) * _LETTER / _BASE / 2
        middle = max(min((first + last) / 2 - low, high - low - half), half)
        row = next((row for row, end in enumerate(taken) if end <= middle - half), len(taken))
        taken[row : row + 1] = [middle + half]
        labels.append(_Label(text, middle, row))
    return labels


def _between(named: Named, low: int, high: int) -> tuple[int, int]:
    return max(named.seqlet.start, low), min(named.seqlet.end, high)


def _heading(figure: Figure, name: str, top: float) -> None:
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    shown = shown if len(shown) <= _NAME else shown[: _NAME - 1] + "…"
    across, down = figure.get_size_inches()
    figure.text(0.12 / across, 1 - (top + 0.16) / down, shown, fontsize=9, fontweight="bold", color=INK)


def _note(figure: Figure, text: str, top: float) -> None:
    across, down = figure.get_size_inches()
    figure.text(1 - _RIGHT / across, 1 - (top + 0.16) / down, text, fontsize=7, color=MUTED, ha="right")


def _draw_line(figure: Figure, line: _Line, scales: Sequence[tuple[float, float]], top: float) -> None:
    low, high, last = line.low, line.high, len(line.panels) - 1
    across, down = figure.get_size_inches()
    for number, (panel, labels, head) in enumerate(zip(line.panels, line.labels, line.heads, strict=True)):
        label = f"{panel.track.label}   logit {panel.track.logit:+.2f}"
        figure.text(_LEFT / across, 1 - (top + 0.17) / down, label, fontsize=7.5, color=INK)
        top += head
        axes = place(figure, _LEFT, top, (high - low) * _BASE, _TRACK)
        _logo(axes, panel, low, high)
        _frame(axes, scales[number])
        axes.set_xlim(0, high - low)
        for named in panel.seqlets:
            _shade(axes, named, low, high)
        for each in labels:
            _name(axes, each)
        _ticks(axes, panel, low, high, ruler=number == last)
        top += _TRACK


def _logo(axes: Axes, panel: Panel, low: int, high: int) -> None:
    from tangermeme.plot import plot_logo  # noqa: PLC0415

    codes = panel.track.codes[low:high]
    heights = np.zeros((4, high - low), np.float32)
    known = np.flatnonzero(codes != UNKNOWN)
    heights[codes[known], known] = panel.track.actual[low:high][known]
    if heights.any():
        plot_logo(heights, ax=axes, color=LETTERS)


def _scale(panels: Sequence[Panel]) -> tuple[float, float]:
    """The lowest and the highest contribution that tracks of one scale have to show; never an empty range."""
    least = 0.04 * magnitude(panels)
    lowest = min(float(panel.track.actual.min(initial=0)) for panel in panels)
    highest = max(float(panel.track.actual.max(initial=0)) for panel in panels)
    return min(lowest, -least), max(highest, least)


def _frame(axes: Axes, scale: tuple[float, float]) -> None:
    lowest, highest = scale
    axes.set_ylim(lowest * _AIR, highest * _AIR)
    axes.axhline(0, color=MUTED, linewidth=0.5, zorder=0)
    axes.set_yticks([0, highest], labels=["0", f"{highest:.2g}"])
    axes.grid(visible=False)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_visible(True)


def _shade(axes: Axes, named: Named, low: int, high: int) -> None:
    first, last = _between(named, low, high)
    if first < last:
        # A little narrower than its bases: two that touch are two.
        axes.axvspan(first - low + 0.08, last - low - 0.08, color=GRID, zorder=-1, linewidth=0)


def _name(axes: Axes, label: _Label) -> None:
    axes.annotate(
        label.text,
        (label.middle, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 72 * _LABEL * label.row),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=7,
        color=BLUE,
        fontweight="bold",
    )


def _ticks(axes: Axes, panel: Panel, low: int, high: int, *, ruler: bool) -> None:
    locus = panel.track.locus
    start = 0 if locus is None else locus.start
    step = 10 if start < 10_000 else 20
    places = [place for place in range(low, high) if (start + place) % step == 0]
    axes.set_xticks([place - low + 0.5 for place in places], labels=[f"{start + place:,}" for place in places])
    axes.tick_params(axis="x", labelbottom=ruler, length=2.5 if ruler else 0)
    if ruler and locus is not None:
        axes.set_xlabel(
            "".join(letter if letter.isprintable() else "\ufffd" for letter in locus.chromosome), fontsize=7
        )
