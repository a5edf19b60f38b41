"""Boxes that are ticked or empty: what is chosen can be told without colours."""

from __future__ import annotations

from typing import Any, Final

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Checkbox, RadioButton, SelectionList
from textual.widgets.selection_list import SelectionType

__all__ = ["Dot", "Tick", "Ticks"]

_TICK: Final = "✓"
_DOT: Final = "●"


class Tick(Checkbox):
    """One box."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.BUTTON_INNER = _TICK if self.value else " "

    def watch_value(self) -> None:
        """Show it."""
        self.BUTTON_INNER = _TICK if self.value else " "
        super().watch_value()


class Dot(RadioButton):
    """One of several, of which one is chosen."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.BUTTON_INNER = _DOT if self.value else " "

    def watch_value(self) -> None:
        """Show it."""
        self.BUTTON_INNER = _DOT if self.value else " "
        super().watch_value()


class Ticks(SelectionList[SelectionType]):
    """A list of boxes."""

    def render_line(self, y: int) -> Strip:
        """One row: its box, then what it stands for."""
        strip = super().render_line(y)
        segments = list(strip)
        place = self.scroll_offset.y + y
        if len(segments) < 3 or place >= self.option_count:
            return strip
        chosen = self.get_option_at_index(place).value in self.selected
        segments[1] = Segment(_TICK if chosen else " ", segments[1].style)
        return Strip(segments, strip.cell_length)
