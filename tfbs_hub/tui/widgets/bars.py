"""The two lines at the top of every screen: where we are, and where we can go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult, RenderResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from tfbs_hub.names import short
from tfbs_hub.tui.text import home, line, shortened

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["SCREENS", "NavBar", "TopBar"]

SCREENS: Final = {
    "experts": "Experts",
    "gate": "Gate",
    "evaluate": "Evaluate",
    "explain": "Explain",
    "jobs": "Jobs",
    "plugins": "Plug-ins",
}
_TURNING: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class TopBar(Widget):
    """The program, the registry, the gate, and the jobs that run."""

    def on_mount(self) -> None:
        """Listen to what is shown here."""
        app = self._hub_app
        for signal in (app.desk_changed, app.job_changed):
            signal.subscribe(self, lambda _: self.refresh())
        self.set_interval(0.5, self._turn)
        self._place = 0

    @property
    def _hub_app(self) -> HubApp:
        return cast("HubApp", self.app)

    def _turn(self) -> None:
        if self._hub_app.jobs.running or self._hub_app.busy:
            self._place += 1
            self.refresh()

    def render(self) -> RenderResult:
        """One line; what has no room is left out, the least important first."""
        app, desk = self._hub_app, self._hub_app.desk
        accent = app.colours["accent"]
        left = Text(" ", end="", no_wrap=True)
        left.append("tfbs-hub ", f"bold {accent}")
        right = self._right()
        if desk is None:
            left.append("  opening the registry…", "dim")
        else:
            room = max(self.size.width - len(left) - len(right) - 16, 8)
            left.append_text(line(" " + shortened(home(str(desk.path), app.user_home), room)))
            left.append(" read-only" if desk.read_only else f" #{desk.generation}", "dim")
        gap = self.size.width - left.cell_len - right.cell_len
        if gap < 1:
            return left
        left.append(" " * gap)
        return left.append_text(right)

    def _right(self) -> Text:
        app, desk = self._hub_app, self._hub_app.desk
        text = Text(end="", no_wrap=True)
        jobs = len(app.jobs.running)
        if jobs or app.busy:
            text.append(_TURNING[self._place % len(_TURNING)] + " ", "bold")
            text.append(f"{jobs} job{'s' if jobs > 1 else ''}  " if jobs else "thinking  ")
        if desk is not None and self.size.width >= 80:
            if desk.gate is None:
                text.append("no gate yet ", "dim")
            else:
                text.append("gate ", "dim")
                text.append(short(desk.gate.digest)[:8])
                count = len(desk.gate.card.members)
                text.append(f" · {count} expert{'s' if count > 1 else ''} ", "dim")
        return text


class NavTab(Static):
    """A name that leads to a screen."""

    def __init__(self, screen: str, number: int, *, here: bool) -> None:
        label = Text.assemble((f"{number} ", "" if here else "dim"), SCREENS[screen], end="")
        super().__init__(label, classes="-here" if here else "")
        self._target = screen

    async def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        await self.app.run_action(f"app.go('{self._target}')")


class NavBar(Horizontal):
    """All screens, the present one marked."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        """A name each."""
        for number, screen in enumerate(SCREENS, 1):
            yield NavTab(screen, number, here=screen == self._here)
        yield Static("^p palette  ^q quit", id="everywhere", markup=False)
