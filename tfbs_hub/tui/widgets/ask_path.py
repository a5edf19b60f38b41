"""A dialogue that asks for a file's name."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from tfbs_hub.tui.widgets.dialogs import Dialog
from tfbs_hub.tui.widgets.paths import PathInput

__all__ = ["AskPath"]


class AskPath(Dialog[str]):
    """Gives a path, `~` written out, or None.

    Args:
        title: what it is for.
        hint: what to type.
        value: what stands there already.
    """

    def __init__(self, title: str, hint: str, *, value: str = "") -> None:
        super().__init__()
        self._label, self._hint, self._value = title, hint, value

    def compose(self) -> ComposeResult:
        """One line."""
        with Vertical(classes="box medium") as box:
            box.border_title = self._label
            box.border_subtitle = "tab complete · enter take · esc close"
            yield Static(self._hint, classes="dim", markup=False)
            yield PathInput("path", value=self._value, id="path")

    @on(Input.Submitted)
    def _take(self) -> None:
        path = self.query_one("#path", PathInput).path
        if path:
            self.dismiss(path)
