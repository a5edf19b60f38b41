"""All keys of a screen, and the way to change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static

from tfbs_hub import settings
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.tui import keys
from tfbs_hub.tui.palette import declared
from tfbs_hub.tui.text import line
from tfbs_hub.tui.widgets.dialogs import Dialog
from tfbs_hub.tui.widgets.table import Table

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["KeysScreen"]


class KeysScreen(Dialog[None]):
    """Keys of the screen beneath, of what is focused in it, and of everywhere.

    Args:
        beneath: the screen whose keys are shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace", "usual", "The usual key", show=False, id="keys.usual"),
    ]

    def __init__(self, beneath: Screen[Any]) -> None:
        super().__init__()
        self._bindings_shown = _all(beneath)
        self._waiting: str | None = None

    def compose(self) -> ComposeResult:
        """A table; enter changes a key."""
        with Vertical(classes="box medium tall") as box:
            box.border_title = "keys"
            box.border_subtitle = "enter change · delete the usual · esc close"
            yield Table(("key", "does", "where"), id="keys")
            yield Static(id="waiting")

    def on_mount(self) -> None:
        """Show them."""
        self._list()
        self.set_focus(self.query_one("#keys"))

    @property
    def _hub_app(self) -> HubApp:
        return cast("HubApp", self.app)

    def _list(self) -> None:
        chosen = self._hub_app.key_choices
        rows = []
        for binding, where in self._bindings_shown:
            own = chosen.get(binding.id or "")
            shown = " ".join(self.app.get_key_display(Binding(key, "", "")) for key in (own or binding.key).split(","))
            rows.append(
                (binding.id or binding.action, [line(shown, "bold"), line(binding.description), line(where, "dim")])
            )
        self.query_one("#keys", Table).fill(rows)

    @on(Table.RowSelected, "#keys")
    def _change(self, event: Table.RowSelected) -> None:
        name = event.row_key.value
        if name in keys.FIXED:
            self._say("This key stays: nobody shall be locked in.")
        elif name is not None:
            self._waiting = name
            self._say("Press the new key, or escape to leave it.")

    async def on_key(self, event: events.Key) -> None:
        """The new key, if one is waited for."""
        if self._waiting is None:
            return
        event.stop()
        event.prevent_default()
        name, self._waiting = self._waiting, None
        if event.key in {"escape", "ctrl+q"}:
            self._say("")
            return
        taken = next((binding for binding, _ in self._bindings_shown if self._key(binding) == event.key), None)
        if taken is not None and taken.id != name:
            self._say(f"That key is taken: {taken.description}.")
            return
        self._choose(self._hub_app.key_choices | {name: event.key})

    def _key(self, binding: Binding) -> str:
        return self._hub_app.key_choices.get(binding.id or "", binding.key)

    def action_leave(self) -> None:
        """Leave, or stop waiting for a key."""
        if self._waiting is not None:
            self._waiting = None
            self._say("")
        else:
            self.dismiss(None)

    def action_usual(self) -> None:
        """Take a change back."""
        name = self.query_one("#keys", Table).chosen
        self._choose({key: value for key, value in self._hub_app.key_choices.items() if key != name})

    def _choose(self, chosen: dict[str, str]) -> None:
        try:
            keys.save(settings.config_folder(), chosen)
        except TfbsHubError as error:
            self._hub_app.tell(error)
            return
        self._hub_app.take_keys(chosen)
        self._list()
        self._say("")

    def _say(self, text: str) -> None:
        self.query_one("#waiting", Static).update(Text(text, "bold"))


def _all(screen: Screen[Any]) -> list[tuple[Binding, str]]:
    """Bindings with an id, each with the place it belongs to."""
    found = [(binding, "this screen") for binding in declared(type(screen)) if binding.id]
    for widget in screen.query("*"):
        if widget.can_focus:
            found += [(binding, widget.id or "") for binding in declared(type(widget)) if binding.id]
    found += [(binding, "everywhere") for binding in declared(type(screen.app)) if binding.id]
    return list({binding.id: (binding, where) for binding, where in found}.values())
