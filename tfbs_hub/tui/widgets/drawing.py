"""A place for a chart that is drawn anew whenever there is more or less room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import RenderableType
from textual import events
from textual.widgets import Static

__all__ = ["Drawing"]


class Drawing(Static):
    """Shows what a function makes of the columns there are."""

    def __init__(self, **options: Any) -> None:
        super().__init__("", **options)
        self._how: Callable[[int], RenderableType] | None = None
        self._width = 0

    def draw(self, how: Callable[[int], RenderableType]) -> None:
        """Draw by this function from now on."""
        self._how, self._width = how, self.content_size.width
        if self._width:
            self.update(how(self._width))

    def tell(self, text: RenderableType) -> None:
        """Show a text; there is nothing to draw."""
        self._how = None
        self.update(text)

    def on_resize(self, event: events.Resize) -> None:
        """Other room: another drawing."""
        del event
        width = self.content_size.width
        if self._how is not None and width and width != self._width:
            self._width = width
            self.update(self._how(width))
