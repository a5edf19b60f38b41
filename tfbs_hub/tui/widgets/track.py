"""The track on the screen: layers one above the other, a cursor, mouse and keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tfbs_hub.tui.text import cut
from tfbs_hub.tui.track.rows import MARGIN, Cell, Row, Shown, boxes, cells, overview, ruler, track_rows
from tfbs_hub.tui.track.view import View

__all__ = ["TrackView"]

_LEAST: Final = 2
"""Rows of bars, one above and one below zero, that come before the brackets under motifs."""
_MOST: Final = 40
_WITH_OVERVIEW: Final = 8
"""Rows a layer from which on there is one to spare."""
_PARTS: Final = ("A", "C", "G", "T", "N", "title", "scale", "ruler", "box", "caret", "seen", "unseen")


class TrackView(Widget, can_focus=True):
    """Draws layers of one sequence; posts where the cursor goes and which base is wanted there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"track--{part.lower()}" for part in _PARTS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Left", show=False, id="track.left"),
        Binding("right", "step(1)", "Right", show=False, id="track.right"),
        Binding("shift+left", "step(-10)", "Ten to the left", show=False, id="track.left-ten"),
        Binding("shift+right", "step(10)", "Ten to the right", show=False, id="track.right-ten"),
        Binding("home", "to_end(-1)", "First base", show=False, id="track.home"),
        Binding("end", "to_end(1)", "Last base", show=False, id="track.end"),
        Binding("pageup", "pan(-1)", "Pan left", show=False, id="track.pan-left"),
        Binding("pagedown", "pan(1)", "Pan right", show=False, id="track.pan-right"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom", key_display="+/-", id="track.zoom-in"),
        Binding("minus", "zoom(-1)", "Zoom out", show=False, id="track.zoom-out"),
        Binding("0", "fit", "Fit", show=False, id="track.fit"),
        Binding("n", "next(1)", "Next motif", id="track.next"),
        Binding("N,p", "next(-1)", "Previous motif", show=False, id="track.previous"),
        *(
            Binding(base.lower(), f"mutate('{base}')", f"Mutate to {base}", show=False, id=f"track.{base.lower()}")
            for base in "ACGT"
        ),
    ]

    class Moved(Message):
        """The cursor is on another base, or the view has changed."""

    class Mutated(Message):
        """A base is wanted under the cursor."""

        def __init__(self, place: int, base: str) -> None:
            super().__init__()
            self.place, self.base = place, base

    def __init__(self) -> None:
        super().__init__(id="track")
        self.view = View(0, 1)
        self.shown: list[Shown] = []
        self._letters = ""
        self._edits: Collection[int] = ()
        self._common = False
        self._sized = False
        self._kept = False
        self._strips: list[Strip] | None = None
        self._styles: dict[str, Style] = {}

    # -- what is shown ------------------------------------------------------------------------------

    def show(
        self, letters: str, shown: Sequence[Shown], *, edits: Collection[int] = (), fresh: bool, common: bool
    ) -> None:
        """Layers of a sequence; a `fresh` one is fitted into view, else cursor and zoom stay."""
        if fresh or len(letters) != self.view.length:
            cursor = min(self.view.cursor, max(len(letters) - 1, 0)) if not fresh else len(letters) // 2
            self.view = View(len(letters), max(self.size.width - MARGIN, 1), cursor=cursor)
            self.view.fit()
        self._letters, self.shown, self._edits, self._common = letters, list(shown), edits, common
        self._redraw()

    def go(self, cursor: int, level: int | None) -> None:
        """To a base, at a zoom that was left before; None keeps the present one."""
        self.view.move(cursor)
        if level is not None:
            self.view.zoom(level - self.view.level)
        self._kept = level is not None
        self._redraw()

    def _redraw(self) -> None:
        self._strips = None
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """More or less room; a sequence that was wholly in view stays so."""
        fitted = self.view.whole or not (self._sized or self._kept)
        self.view.resize(event.size.width - MARGIN)
        if fitted:
            self.view.fit()
        elif not self._sized:
            self.view.centre()
        self._sized = True
        self._redraw()

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._styles.clear()
        self._strips = None

    # -- drawing ------------------------------------------------------------------------------------

    def _drawn(self) -> list[Row]:
        """All rows: an overview if part of the sequence is out of view, the layers, the ruler."""
        if not self._letters or not self.shown:
            return []
        rows: list[Row] = []
        if not self.view.whole and self.size.height // len(self.shown) >= _WITH_OVERVIEW:
            rows.append(overview(self.shown[0], self.view))
        height, lines = self._room(len(rows))
        reach = tuple(max(parts) for parts in zip(*(each.reach for each in self.shown), strict=True))
        for each in self.shown:
            title = f"{each.label}   logit {each.logit:+.2f}"
            rows.append(cells(cut(title, self.size.width), "title"))
            own = (reach[0], reach[1]) if self._common else each.reach
            rows += track_rows(each, self._letters, self.view, height=height, reach=own, edits=self._edits)
            rows += boxes(each.marks, self.view, lines)
        rows.append(ruler(self.view))
        return rows

    def _room(self, taken: int) -> tuple[int, int]:
        """Rows of bars a layer, and rows under it for motifs."""
        count = len(self.shown)
        for lines, least in ((2, 2 * _LEAST), (1, _LEAST), (0, 1)):
            height = (self.size.height - taken - 1) // count - 2 - lines
            if height >= least:
                return min(height, _MOST), lines
        return max(height, 1), 0

    def render_line(self, y: int) -> Strip:
        """One row."""
        if self._strips is None:
            width = self.size.width
            rows = [*self._drawn(), []]
            self._strips = [self._strip(row[:width], width) for row in rows]
        return self._strips[min(y, len(self._strips) - 1)]

    def _strip(self, row: Row, width: int) -> Strip:
        segments = [Segment(text, self._style(style)) for text, style in _runs(row)]
        if len(row) < width:
            segments.append(Segment(" " * (width - len(row)), self._style("")))
        return Strip(segments, width)

    def _style(self, name: str) -> Style:
        """A style by the names of a cell: always one with colours, for filters stumble over none."""
        found = self._styles.get(name)
        if found is None:
            part, *more = name.removeprefix("-").split(" ")
            found = self.get_component_rich_style(f"track--{part.lower()}") if part in _PARTS else self.rich_style
            if name.startswith("-"):
                found = Style(color=found.bgcolor, bgcolor=found.color)
            if "letter" in more:
                found += Style(bold=True)
                if "cursor" in more:
                    found += Style(reverse=True)
                if "edit" in more:
                    found += Style(underline=True, italic=True)
            self._styles[name] = found
        return found

    # -- keys and mouse -----------------------------------------------------------------------------

    def action_step(self, bases: int) -> None:
        """Move the cursor; zoomed out, by columns."""
        self.view.move(self.view.cursor + bases * self.view.dense)
        self._redraw()

    def action_to_end(self, side: int) -> None:
        """To the first or the last base."""
        self.view.move(0 if side < 0 else self.view.length - 1)
        self._redraw()

    def action_pan(self, side: int) -> None:
        """Half a view."""
        self.view.pan(side * max(self.view.room // 2, 1))
        self._redraw()

    def action_zoom(self, steps: int) -> None:
        """Nearer or farther."""
        self.view.zoom(steps)
        self._redraw()

    def action_fit(self) -> None:
        """The usual zoom."""
        self.view.fit()
        self._redraw()

    def action_next(self, side: int) -> None:
        """To the middle of the next motif of any layer, around the end if need be."""
        middles = sorted({(mark.start + mark.end - 1) // 2 for each in self.shown for mark in each.marks})
        if not middles:
            self.app.notify("No motif stands out here (or they are still being looked for).")
            return
        cursor = self.view.cursor
        beyond = [place for place in middles if (place > cursor if side > 0 else place < cursor)]
        self.view.move((beyond or middles)[0 if side > 0 else -1])
        self._redraw()

    def action_mutate(self, base: str) -> None:
        """Put a base under the cursor."""
        if self._letters and self.view.dense == 1:
            self.post_message(self.Mutated(self.view.cursor, base))
        elif self._letters:
            self.app.notify("Zoom in (+) to see single bases first.")

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there."""
        if event.x >= MARGIN and self._letters:
            self.view.move(self.view.base(event.x - MARGIN))
            self._redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """To the left; with control, nearer."""
        self._scrolled(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """To the right; with control, farther."""
        self._scrolled(event, 1)

    def _scrolled(self, event: events.MouseEvent, side: int) -> None:
        event.stop()
        if event.ctrl:
            self.view.zoom(-side)
        else:
            self.view.pan(side * 5 * self.view.dense)
        self._redraw()


def _runs(row: Sequence[Cell]) -> list[tuple[str, str]]:
    """Neighbours of one style, joined."""
    found: list[tuple[str, str]] = []
    begun = 0
    for place in range(1, len(row) + 1):
        if place == len(row) or row[place].style != row[begun].style:
            found.append(("".join(cell.glyph for cell in row[begun:place]), row[begun].style))
            begun = place
    return found
