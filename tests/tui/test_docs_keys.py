"""The table of keys in the guide is the application's own."""

from __future__ import annotations

import re
from pathlib import Path

from textual.binding import Binding

from tfbs_hub.tui.app import HubApp
from tfbs_hub.tui.palette import declared
from tfbs_hub.tui.widgets.bars import SCREENS
from tfbs_hub.tui.widgets.track import TrackView

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ui.md"


def rows(app):
    """A row for each binding: where, keys, what it does, its name."""
    places = [("everywhere", HubApp), *((SCREENS[name], screen) for name, screen in HubApp.MODES.items())]
    for where, kind in [*places, ("the track", TrackView)]:
        found = {}
        for binding in declared(kind):
            if binding.id:
                key = app.get_key_display(Binding(binding.key, "", ""))
                found.setdefault((binding.description, binding.id), []).append(f"`{key}`")
        for (description, name), keys in found.items():
            yield f"| {where} | {' '.join(keys)} | {description} | `{name}` |"


def test_the_guide_shows_every_key_as_it_is():
    shown = [line for line in PAGE.read_text().split("\n") if re.match(r"\| .* \| `.*` \| .* \| `[a-z.-]+` \|$", line)]
    assert shown == list(rows(HubApp()))


def test_every_key_that_has_a_name_has_its_own():
    names = [line.rpartition("`")[0].rpartition("`")[2] for line in rows(HubApp())]
    assert len(names) == len(set(names)) > 50
