"""Jobs: those that run and those that ran, with what they said."""

from __future__ import annotations

import time
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import RichLog, Static

from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.running import JobRecord, Said
from tfbs_hub.tui.screens.base import HubScreen
from tfbs_hub.tui.text import block, cut, home, plain
from tfbs_hub.tui.widgets.dialogs import Confirm
from tfbs_hub.tui.widgets.job_strip import clock, progress_line
from tfbs_hub.tui.widgets.table import Table

__all__ = ["JobsScreen"]

_SIGNS: Final = {"running": "▶", "done": "✓", "failed": "✗", "cancelled": "○"}


class JobsScreen(HubScreen):
    """Follow a job, stop it, start it again."""

    NAME = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "cancel", "Cancel", id="jobs.cancel"),
        Binding("r", "again", "Run again", id="jobs.again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._logged: tuple[str, int, str] = ("", 0, "")

    def body(self) -> ComposeResult:
        """The jobs beside the log of one."""
        with Horizontal(classes="split"):
            with Vertical(classes="pane list", id="jobs-pane") as pane:
                pane.border_title = "jobs"
                yield Table(("", "what", "when", ">time"), id="jobs")
            with Vertical(classes="pane detail", id="log-pane") as pane:
                pane.border_title = "log"
                yield Static(id="job-head")
                yield RichLog(id="log", wrap=True, markup=False, highlight=False, auto_scroll=True)

    def on_mount(self) -> None:
        """Follow the jobs."""
        super().on_mount()
        self.hub_app.job_changed.subscribe(self, lambda _: self._list())
        self.set_interval(1.0, self._tick)
        self.set_focus(self.query_one("#jobs"))
        self._list()

    def show_desk(self, desk: Desk) -> None:
        """Past jobs are known by now."""
        self._list()

    def _tick(self) -> None:
        if self.is_current and self.hub_app.jobs.running:
            self._list()

    def _list(self) -> None:
        records = self.hub_app.jobs.records
        self.query_one("#jobs", Table).fill([(record.id, _row(record, self.hub_app.colours)) for record in records])
        self._show()

    @property
    def chosen(self) -> JobRecord | None:
        """The job under the cursor."""
        name = self.query_one("#jobs", Table).chosen
        return next((record for record in self.hub_app.jobs.records if record.id == name), None)

    @on(Table.RowHighlighted, "#jobs")
    def _highlighted(self) -> None:
        self._show()

    def _show(self) -> None:
        record, head, log = self.chosen, self.query_one("#job-head", Static), self.query_one(RichLog)
        if record is None:
            head.update(_EMPTY)
            log.clear()
            return
        head.update(self._head(record))
        last = record.log[-1].text if record.log else ""
        logged = (record.id, len(record.log), last)
        if logged != self._logged:
            self._logged = logged
            log.clear()
            for said in record.log:
                log.write(_said(said, self.hub_app.colours))

    def _head(self, record: JobRecord) -> Text:
        if record.state == "running":
            return progress_line(record, self.query_one("#log-pane").size.width, self.hub_app.colours["accent"])
        text = Text()
        text.append(cut(record.title, 60), "bold")
        text.append(f"  {record.state} after {clock(record.seconds)}\n", "dim")
        text.append(f"in {plain(home(record.registry, self.hub_app.user_home))}", "dim")
        if record.error:
            text.append("\n").append_text(block(record.error, self.hub_app.colours["error"]))
        if record.hint:
            text.append("\n→ ").append_text(block(record.hint))
        return text

    def action_cancel(self) -> None:
        """Stop it, after a question."""
        record = self.chosen
        if record is None or record.state != "running":
            self.app.notify("This job does not run.")
            return
        question = Confirm(f"Stop this job?\n{record.title}", "What it has finished is kept.", yes="Stop", no="Go on")
        self.confirm(question, lambda: self.hub_app.cancel_job(record))

    def action_again(self) -> None:
        """The same once more."""
        record = self.chosen
        if record is not None and record.state != "running":
            self.hub_app.start_job(record.title, record.command, dict(record.options))


def _row(record: JobRecord, theme: dict[str, str]) -> list[Text | str]:
    colour = {"running": theme["accent"], "done": theme["success"], "failed": theme["error"]}.get(record.state, "dim")
    return [
        Text(_SIGNS[record.state], colour),
        cut(record.title, 44),
        time.strftime("%d %b %H:%M", time.localtime(record.started)),
        clock(record.seconds),
    ]


def _said(said: Said, theme: dict[str, str]) -> Text:
    colours = {"warning": theme["warning"], "error": theme["error"], "result": theme["success"], "start": "dim"}
    text = Text(f"{clock(said.after):>8}  ", "dim")
    whole = Text().append_text(text)
    return whole.append_text(block(said.text, colours.get(said.kind, "")))


_EMPTY: Final = Text.assemble(
    ("No job yet.\n\n", "bold"),
    "Training an expert (screen 1, a), retraining the gate (screen 2, t) and evaluating (screen 3, n)\n"
    "run here, each in a process of its own. What they said stays.",
)
