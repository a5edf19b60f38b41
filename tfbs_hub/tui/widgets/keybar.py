"""The keys at the bottom of every screen: as many as there is room for, and the way to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import Binding
from textual.widget import Widget

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["KeyBar"]

_ALL: Final = "app.keys"


class KeyBar(Widget):
    """One line; no key is cut in half, and each can be clicked.

    Textual's own footer is a widget a key, mounted anew whenever the focus moves: that is felt.
    """

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> RenderResult:
        """The keys of what has the focus, then those of the screen; to the right, the way to all others."""
        every = self._entry(self._all)
        text = Text(end="", no_wrap=True)
        for binding in self._shown():
            entry = self._entry(binding)
            if text.cell_len + entry.cell_len + every.cell_len > self.size.width:
                break
            text.append_text(entry)
        text.append(" " * max(self.size.width - text.cell_len - every.cell_len, 0))
        return text.append_text(every)

    def _shown(self) -> list[Binding]:
        active = [each.binding for each in self.screen.active_bindings.values() if each.binding.show and each.enabled]
        return list({binding.action: binding for binding in reversed(active)}.values())[::-1]

    @property
    def _all(self) -> Binding:
        found = [each.binding for each in self.screen.active_bindings.values() if each.binding.id == _ALL]
        return next(reversed(found), Binding("question_mark", "keys", "All keys", key_display="?"))

    def on_click(self, event: events.Click) -> None:
        """Press the key that is clicked."""
        key = event.style.meta.get("press")
        if key is not None:
            self.app.simulate_key(key)

    def _entry(self, binding: Binding) -> Text:
        press = Style(meta={"press": binding.key})
        accent = cast("HubApp", self.app).colours["accent"]
        text = Text(end="")
        text.append(f" {self.app.get_key_display(binding)} ", Style.parse(f"bold {accent}") + press)
        text.append(f"{binding.description} ", Style(dim=True) + press)
        return text
