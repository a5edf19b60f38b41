"""The application: its screens, the keys that work everywhere, and how it is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.signal import Signal

from tfbs_hub import settings
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.tui import keys
from tfbs_hub.tui.core import CoreApp
from tfbs_hub.tui.screens.evaluate import EvaluateScreen
from tfbs_hub.tui.screens.experts import ExpertsScreen
from tfbs_hub.tui.screens.explain import ExplainScreen
from tfbs_hub.tui.screens.gate import GateScreen
from tfbs_hub.tui.screens.jobs import JobsScreen
from tfbs_hub.tui.screens.plugins import PluginsScreen
from tfbs_hub.tui.screens.small import SmallScreen
from tfbs_hub.tui.widgets.bars import SCREENS
from tfbs_hub.tui.widgets.dialogs import Confirm

__all__ = ["HubApp"]


class HubApp(CoreApp):
    """The terminal UI of tfbs-hub.

    Args:
        registry: folder of the registry; None looks for it as the command line does.
    """

    TITLE = "tfbs-hub"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (150, "-vast")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012
    MODES: ClassVar = {
        "experts": ExpertsScreen,
        "gate": GateScreen,
        "evaluate": EvaluateScreen,
        "explain": ExplainScreen,
        "jobs": JobsScreen,
        "plugins": PluginsScreen,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{number}", f"go('{name}')", title, show=False, id=f"app.{name}")
            for number, (name, title) in enumerate(SCREENS.items(), 1)
        ),
        Binding("f1,question_mark", "keys", "All keys", show=False, key_display="?", id="app.keys"),
        Binding("ctrl+p", "command_palette", "Palette", show=False, id="app.palette", system=True),
        Binding("f5", "look", "Look again", show=False, id="app.look"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
    ]

    def __init__(self, registry: str | None = None) -> None:
        super().__init__(registry)
        self.wanted: Signal[str] = Signal(self, "wanted")
        self.wanted_models: list[str] = []
        self.key_choices: dict[str, str] = {}

    def on_mount(self) -> None:
        """Show a screen at once, and open the registry behind it."""
        self.switch_mode(self.session.screen if self.session.screen in SCREENS else "experts")
        try:
            self.take_keys(keys.load(settings.config_folder()))
        except TfbsHubError as error:
            self.tell(error)
        self.call_after_refresh(self.open_registry)

    def run(self, *arguments: Any, **options: Any) -> None:
        """Run until the user leaves."""
        self.keeps_still = True
        super().run(*arguments, **options)

    # -- moving -------------------------------------------------------------------------------------

    def action_go(self, name: str) -> None:
        """To another screen."""
        if name in SCREENS and self.current_mode != name:
            self.session.screen = name
            self.switch_mode(name)

    def explain_with(self, models: list[str]) -> None:
        """To the explain screen, with these models."""
        self.wanted_models = models
        self.action_go("explain")
        self.wanted.publish("explain")

    def evaluate_models(self, models: list[str]) -> None:
        """To the form of a new evaluation, with these models."""
        self.wanted_models = models
        self.action_go("evaluate")
        self.wanted.publish("evaluate")

    def take_keys(self, chosen: dict[str, str]) -> None:
        """Use these keys, by binding, instead of the usual ones."""
        self.key_choices = chosen
        self.set_keymap(chosen)

    def action_keys(self) -> None:
        """All keys of this screen."""
        from tfbs_hub.tui.screens.keys import KeysScreen  # noqa: PLC0415 - seldom needed

        if not isinstance(self.screen, KeysScreen):
            self.push_screen(KeysScreen(self.screen))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: screens, what this screen can do, themes, experts."""
        from tfbs_hub.tui.palette import commands  # noqa: PLC0415

        yield from commands(self, screen)

    def on_resize(self, event: events.Resize) -> None:
        """Below 60 x 20 nothing can be shown well."""
        small = SmallScreen.fits_not(event.size)
        if small and not isinstance(self.screen, SmallScreen):
            self.push_screen(SmallScreen())
        elif not small and isinstance(self.screen, SmallScreen):
            self.pop_screen()

    # -- leaving ------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leave, after a question if jobs are running."""
        running = self.jobs.running
        if not running:
            self._leave(True)
        elif not isinstance(self.screen, Confirm):
            titles = "\n".join(f"· {record.title}" for record in running)
            one = len(running) == 1
            question = "A job is running." if one else f"{len(running)} jobs are running."
            ends = f"{titles}\n\nLeaving ends {'it' if one else 'them'}."
            self.push_screen(Confirm(question, ends, yes="Leave", no="Stay"), self._leave)

    def _leave(self, sure: bool | None) -> None:
        if sure:
            self._leaving = True
            self.session.theme = self.theme
            self.exit()
