"""The application: what all screens share, keys that work everywhere, and how it ends."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import msgspec
from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.signal import Signal

from tfbs_hub import settings
from tfbs_hub.errors import ReadOnlyError, TfbsHubError
from tfbs_hub.progress import Report, silent
from tfbs_hub.tui import keys, session
from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.running import JobRecord, Jobs
from tfbs_hub.tui.screens.evaluate import EvaluateScreen
from tfbs_hub.tui.screens.experts import ExpertsScreen
from tfbs_hub.tui.screens.explain import ExplainScreen
from tfbs_hub.tui.screens.gate import GateScreen
from tfbs_hub.tui.screens.jobs import JobsScreen
from tfbs_hub.tui.screens.plugins import PluginsScreen
from tfbs_hub.tui.screens.small import SmallScreen
from tfbs_hub.tui.text import block, plain, told
from tfbs_hub.tui.themes import BASES, LINE, THEMES, rich_colours
from tfbs_hub.tui.widgets.bars import SCREENS
from tfbs_hub.tui.widgets.dialogs import Confirm
from tfbs_hub.workbench.client import Workbench
from tfbs_hub.workbench.messages import Ask

if TYPE_CHECKING:
    from tfbs_hub.hub import Hub

__all__ = ["HubApp"]

_LOOK: Final = 2.0
"""Seconds between two looks at whether somebody else has changed the registry."""

A = TypeVar("A", bound=msgspec.Struct)
T = TypeVar("T")


class HubApp(App[None]):
    """The terminal UI of tfbs-hub.

    Args:
        registry: folder of the registry; None looks for it as the command line does.
    """

    TITLE = "tfbs-hub"
    CSS_PATH = "app.tcss"
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
        Binding("f1,question_mark", "keys", "Keys", show=False, key_display="?", id="app.keys"),
        Binding("ctrl+p", "command_palette", "Palette", show=False, id="app.palette", system=True),
        Binding("f5", "look", "Look again", show=False, id="app.look"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
    ]

    def __init__(self, registry: str | None = None) -> None:
        super().__init__()
        self._asked_for = registry
        self.user_home = str(Path("~").expanduser())
        self.state = settings.state_folder()
        self.session = session.load(self.state)
        self.desk: Desk | None = None
        self.desk_changed: Signal[Desk] = Signal(self, "desk")
        self.job_changed: Signal[JobRecord] = Signal(self, "job")
        self.wanted: Signal[str] = Signal(self, "wanted")
        self.wanted_models: list[str] = []
        self.jobs = Jobs(self.state / "jobs", self._job_said)
        self._benches: list[Workbench] = []
        self._hub: Hub | None = None
        self._leaving = False
        self.key_choices: dict[str, str] = {}
        for theme in THEMES:
            self.register_theme(theme)
        known = self.session.theme in self.available_themes
        self.theme = self.session.theme if known else THEMES[0].name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of bases for themes that name none."""
        return {**BASES, "line": LINE}

    @property
    def colours(self) -> dict[str, str]:
        """Colours of the theme, for rich text."""
        return rich_colours(self.theme_variables)

    # -- opening ------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show a screen at once, and open the registry behind it."""
        self.switch_mode(self.session.screen if self.session.screen in SCREENS else "experts")
        try:
            self.take_keys(keys.load(settings.config_folder()))
        except TfbsHubError as error:
            self.tell(error)
        self.call_after_refresh(self._open)

    @work(group="open")
    async def _open(self) -> None:
        await asyncio.to_thread(self.jobs.load)
        await self._look()
        if self.desk is not None:
            self.set_interval(_LOOK, self._watch)

    async def _look(self) -> None:
        """Read the registry anew."""
        warnings: list[str] = []
        try:
            self.desk = await asyncio.to_thread(self._read, warnings.append)
        except TfbsHubError as error:
            self.tell(error, lasting=True)
            return
        for warning in warnings:
            self.notify(warning, title="Plug-in", severity="warning", timeout=8)
        self.desk_changed.publish(self.desk)

    def _read(self, warn: Callable[[str], None]) -> Desk:
        from tfbs_hub.hub import Hub  # noqa: PLC0415 - the first picture does not need it

        if self._hub is None:
            self._hub = Hub.open(self._asked_for, warn=warn)
        return Desk.look(self._hub, self.state / "evaluations")

    def _watch(self) -> None:
        """Look again if there is another generation or evaluation."""
        if self.desk is not None and _stamp(self.desk.path) != self._stamped:
            self._stamped = _stamp(self.desk.path)
            self.action_look()

    _stamped: tuple[int, ...] = ()

    @work(group="look", exclusive=True)
    async def action_look(self) -> None:
        """Read the registry anew."""
        await self._look()

    # -- asking -------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """True while a model is asked."""
        return any(bench.busy for bench in self._benches)

    async def ask(self, request: Ask, kind: type[A], *, patient: bool = False, report: Report = silent) -> A:
        """Ask the workbench; `patient` asks another one, where long answers keep nobody waiting."""
        if self.desk is None:
            raise TfbsHubError("there is no registry open", hint="leave with ctrl+q, and name one with --registry")
        if not self._benches:
            self._benches = [
                Workbench(self.desk.path, read_only=self.desk.read_only, nice=nice, warn=self._plugin_failed)
                for nice in (0, 5)
            ]
        return await self._benches[int(patient)].ask(request, kind, report)

    def _plugin_failed(self, line: str) -> None:
        self.notify(line, title="Plug-in", severity="warning", timeout=8)

    async def change(self, what: Callable[[Hub], object]) -> None:
        """Change the registry in a thread, and look at what came of it; for changes that need no network."""
        if self._hub is not None:
            await asyncio.to_thread(what, self._hub)
            await self._look()

    def may_change(self) -> bool:
        """True if the registry may be written; else the user is told what to do."""
        if self.desk is None:
            return False
        if self.desk.read_only:
            hint = "start with --registry FOLDER, and name one of your own"
            self.tell(ReadOnlyError("this registry is read-only", where=str(self.desk.path), hint=hint))
        return not self.desk.read_only

    # -- jobs ---------------------------------------------------------------------------------------

    def start_job(self, title: str, command: str, options: dict[str, object]) -> JobRecord | None:
        """Begin a job on the registry; None if it cannot be."""
        if self.desk is None:
            return None
        try:
            record = self.jobs.start(title, command, self.desk.path, options, read_only=self.desk.read_only)
        except TfbsHubError as error:
            self.tell(error)
            return None
        self.job_changed.publish(record)
        return record

    def _job_said(self, record: JobRecord) -> None:
        """In the job's thread."""
        with suppress(RuntimeError):  # the loop is closed
            loop = self._loop
            if loop is not None and not self._leaving:
                loop.call_soon_threadsafe(self._job_heard, record)

    def _job_heard(self, record: JobRecord) -> None:
        if record.command == "evaluate" and record.state == "done" and "path" not in record.result:
            with suppress(OSError):
                record.result["path"] = str(settled(record.result, self.desk, self.state / "evaluations"))
        self.job_changed.publish(record)
        if record.state == "done":
            self.notify(record.title, title="Done")
            self.action_look()
        elif record.state == "failed":
            message = record.error + (f"\n→ {record.hint}" if record.hint else "")
            self.notify(message, title=f"Failed: {record.title}", severity="error", timeout=12)

    @work(group="cancel")
    async def cancel_job(self, record: JobRecord) -> None:
        """Stop a job; what it has finished is kept."""
        await asyncio.to_thread(self.jobs.cancel, record.id)

    def open_in_browser(self, path: Path) -> None:
        """Show a file, where there is a browser to show it in."""
        if self.is_web or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return
        self.open_url(path.absolute().as_uri())

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a message as it stands: most of them hold names from data."""
        del markup
        super().notify(block(message).plain, title=plain(title), severity=severity, timeout=timeout, markup=False)

    # -- telling ------------------------------------------------------------------------------------

    def tell(self, error: TfbsHubError, *, lasting: bool = False) -> None:
        """Show an error as a message."""
        self.notify(told(error).plain, severity="error", timeout=3600 if lasting else 12)

    async def guarded(self, doing: Awaitable[T]) -> T | None:
        """The result, or None after its error was shown."""
        try:
            return await doing
        except TfbsHubError as error:
            self.tell(error)
            return None

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
            question = "A job is running." if len(running) == 1 else f"{len(running)} jobs are running."
            self.push_screen(Confirm(question, f"{titles}\n\nLeaving ends it.", yes="Leave", no="Stay"), self._leave)

    def _leave(self, sure: bool | None) -> None:
        if sure:
            self._leaving = True
            self.session.theme = self.theme
            self.exit()

    async def on_unmount(self) -> None:
        """Leave nothing behind."""
        self._leaving = True
        await asyncio.to_thread(self.shut)

    def shut(self) -> None:
        """End all processes, and remember the session."""
        self._leaving = True
        # At once: each may take its time to die.
        closing = [*(bench.close for bench in self._benches), self.jobs.close]
        ending = [threading.Thread(target=each) for each in closing]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()
        session.save(self.state, self.session)


def settled(result: Mapping[str, Any], desk: Desk | None, folder: Path) -> Path:
    """Where a finished run is: in the registry, or (where that may not be written) in a folder of our own."""
    output, run = Path(str(result["output"])), str(result["run"])
    kept = None if desk is None else desk.path / "evaluations" / f"{run}.h5"
    if kept is not None and kept.is_file():
        output.unlink(missing_ok=True)
        return kept
    return output.replace(folder / f"{run}.h5")


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes when something is added to the registry."""
    found = []
    for name in ("generations", "evaluations"):
        try:
            found.append(os.stat(path / name).st_mtime_ns)  # noqa: PTH116 - cheap, and often
        except OSError:
            found.append(0)
    return tuple(found)
