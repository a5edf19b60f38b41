"""What stands behind all screens: the registry, the models, the jobs, messages, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from textual import work
from textual.app import App
from textual.notifications import SeverityLevel
from textual.signal import Signal

from tfbs_hub import settings
from tfbs_hub.errors import ReadOnlyError, TfbsHubError
from tfbs_hub.progress import Report, silent
from tfbs_hub.tui import session
from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.running import JobRecord, Jobs
from tfbs_hub.tui.text import block, plain, told
from tfbs_hub.tui.themes import BASES, LINE, ROW, THEMES, rich_colours
from tfbs_hub.workbench.client import Workbench
from tfbs_hub.workbench.messages import Ask

if TYPE_CHECKING:
    from tfbs_hub.hub import Hub

__all__ = ["CoreApp"]

_LOOK: Final = 2.0
"""Seconds between two looks at whether somebody else has changed the registry."""

_NEVER: Final = 1 << 30

A = TypeVar("A", bound=msgspec.Struct)
T = TypeVar("T")


class CoreApp(App[None]):
    """Everything but the screens.

    Args:
        registry: folder of the registry; None looks for it as the command line does.

    Attributes:
        session: what is remembered for the next start.
        desk: the registry as it was last seen; None until it is open.
        desk_changed, job_changed: told when that changes, and whenever a job says something.
        jobs: those that run and those that ran.
        keeps_still: what is there once the registry is open is left out of garbage collection, and the rest is
            collected often: looking through everything that has gathered takes a tenth of a second and more. For a
            process of one application.
    """

    def __init__(self, registry: str | None = None) -> None:
        super().__init__()
        self._asked_for = registry
        self.keeps_still = False
        self._settled_screens: set[str] = set()
        self.user_home = str(Path("~").expanduser())
        self.state = settings.state_folder()
        self.session = session.load(self.state)
        self.desk: Desk | None = None
        self.desk_changed: Signal[Desk] = Signal(self, "desk")
        self.job_changed: Signal[JobRecord] = Signal(self, "job")
        self.jobs = Jobs(self.state / "jobs", self._job_said)
        self._benches: list[Workbench] = []
        self._hub: Hub | None = None
        self._leaving = False
        for theme in THEMES:
            self.register_theme(theme)
        known = self.session.theme in self.available_themes
        self.theme = self.session.theme if known else THEMES[0].name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of bases for themes that name none."""
        return {**BASES, "line": LINE, "row": ROW}

    @property
    def colours(self) -> dict[str, str]:
        """Colours of the theme, for rich text."""
        return rich_colours(self.theme_variables)

    # -- opening ------------------------------------------------------------------------------------

    @work(group="open")
    async def open_registry(self) -> None:
        """Read past jobs and the registry, and go on watching it."""
        await asyncio.to_thread(self.jobs.load)
        await self._look()
        if self.keeps_still:
            gc.freeze()
            gc.set_threshold(*gc.get_threshold()[:2], _NEVER)
            self.set_interval(_LOOK, self._tidy)
        if self.desk is not None:
            self.set_interval(_LOOK, self._watch)

    def _tidy(self) -> None:
        """Collect what is not used any more, if anything was made since; a screen that is new here stays for good."""
        if gc.get_count()[2]:
            gc.collect()
        if self.current_mode not in self._settled_screens:
            self._settled_screens.add(self.current_mode)
            gc.freeze()

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
                record.result["path"] = str(_settled(record.result, self.desk, self.state / "evaluations"))
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

    # -- leaving ------------------------------------------------------------------------------------

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


def _settled(result: Mapping[str, Any], desk: Desk | None, folder: Path) -> Path:
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
