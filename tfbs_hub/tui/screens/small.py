"""A terminal too small to show anything well."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

__all__ = ["SmallScreen"]

_WIDTH: Final = 60
_HEIGHT: Final = 20


class SmallScreen(ModalScreen[None]):
    """Says so, until there is room again; nothing is lost meanwhile."""

    @staticmethod
    def fits_not(size: Size) -> bool:
        """True below 60 x 20."""
        return size.width < _WIDTH or size.height < _HEIGHT

    def compose(self) -> ComposeResult:
        """What is needed, and what there is."""
        yield Static(id="small")

    def on_mount(self) -> None:
        """Now."""
        self._show()

    def on_resize(self) -> None:
        """And after every change."""
        self._show()

    def _show(self) -> None:
        size = self.app.size
        text = Text(justify="center")
        text.append("A little more room, please\n", "bold")
        text.append(f"{size.width} x {size.height}, and {_WIDTH} x {_HEIGHT} are needed\n", "dim")
        text.append("ctrl+q quits", "dim")
        self.query_one("#small", Static).update(text)
