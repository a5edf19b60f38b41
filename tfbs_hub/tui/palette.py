"""What the command palette offers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from tfbs_hub.tui.text import plain
from tfbs_hub.tui.widgets.bars import SCREENS

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["commands", "declared"]


def commands(app: HubApp, screen: Screen[Any]) -> Iterable[SystemCommand]:
    """What this screen can do, the other screens, experts, themes, and the rest."""
    for binding in declared(type(screen)):
        if not binding.id:
            continue
        run = partial(_run, app, binding.action, screen)
        yield SystemCommand(binding.description, f"key {app.get_key_display(binding)}", run)
    for name, title in SCREENS.items():
        yield SystemCommand(f"Go to {title}", "another screen", partial(app.action_go, name))
    if app.desk is not None:
        for spec in app.desk.specs:
            name = plain(spec.card.name)
            yield SystemCommand(f"Explain with {name}", plain(spec.card.tf), partial(app.explain_with, [name]))
    yield SystemCommand("Theme", "dark, light, or safe for colour-blind eyes", app.action_change_theme)
    yield SystemCommand("Keys", "see them all, and change them", app.action_keys)
    yield SystemCommand("Look again", "read the registry anew", app.action_look)
    yield SystemCommand("Screenshot", "as SVG", lambda: app.set_timer(0.1, app.deliver_screenshot))
    yield SystemCommand("Quit", "ctrl+q", app.action_quit)


def _run(app: HubApp, action: str, screen: Screen[Any]) -> None:
    app.call_next(app.run_action, action, screen)


def declared(kind: type[DOMNode]) -> Iterable[Binding]:
    """Bindings that our own classes declare, in their order; those that Textual brings are left out."""
    for own in kind.__mro__:
        if own.__module__.startswith("tfbs_hub."):
            yield from Binding.make_bindings(own.__dict__.get("BINDINGS", []))
