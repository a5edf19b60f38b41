"""Evaluations: past runs, what they say, and new ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar, Final

from rich.console import RenderableType
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import TabbedContent, TabPane

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.tui import results
from tfbs_hub.tui.desk import UNFINISHED, Desk
from tfbs_hub.tui.running import JobRecord
from tfbs_hub.tui.screens.base import HubScreen
from tfbs_hub.tui.text import cut, line, plain, told
from tfbs_hub.tui.widgets.drawing import Drawing
from tfbs_hub.tui.widgets.job_strip import JobStrip
from tfbs_hub.tui.widgets.table import Table
from tfbs_hub.workbench.messages import Exported, OpenRun, Report, RunView

__all__ = ["EvaluateScreen"]

_PARTS: Final = {"auroc": "AUROC", "roc": "ROC curves", "tests": "Tests", "about": "About"}


class EvaluateScreen(HubScreen):
    """Open a run, move through its data sets, start another."""

    NAME = "evaluate"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", id="evaluate.new"),
        Binding("o", "open", "Open file", id="evaluate.open"),
        Binding("r", "report", "HTML report", id="evaluate.report"),
        Binding("left_square_bracket", "turn(-1)", "Previous data set", show=False, id="evaluate.previous"),
        Binding("right_square_bracket", "turn(1)", "Data set", key_display="[ ]", id="evaluate.next"),
        Binding("t", "part", "Next tab", id="evaluate.part"),
        Binding("z", "cancel", "Cancel", show=False, id="evaluate.cancel"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.run_view: RunView | None = None
        self.data = 0
        self._known: dict[str, RunView | str] = {}
        self._paths: list[Path] = []
        self._from_elsewhere: list[Path] = []

    def body(self) -> ComposeResult:
        """Runs beside what they say; below, the one that runs."""
        with Horizontal(classes="split"):
            with Vertical(classes="pane list", id="runs-pane") as pane:
                pane.border_title = "runs"
                yield Table(("when", "data", ">models"), id="runs")
            with Vertical(classes="pane detail", id="result-pane"), TabbedContent(id="parts"):
                for name, title in _PARTS.items():
                    with TabPane(title, id=f"tab-{name}"), VerticalScroll():
                        yield Drawing(id=name)
        yield JobStrip("evaluate")

    def on_mount(self) -> None:
        """Follow jobs and wishes of other screens."""
        super().on_mount()
        self.hub_app.wanted.subscribe(self, self._wanted)
        self.hub_app.job_changed.subscribe(self, self._job)
        self.set_focus(self.query_one("#runs"))
        self._wanted("evaluate")

    def _wanted(self, screen: str) -> None:
        if screen == "evaluate" and self.hub_app.wanted_models:
            wanted, self.hub_app.wanted_models = self.hub_app.wanted_models, []
            self._form(wanted)

    def _job(self, record: JobRecord) -> None:
        """One has finished: show what it found, where it is this screen that is looked at."""
        if record.command == "evaluate" and record.state == "done" and "path" in record.result:
            self._load(Path(str(record.result["path"])))

    # -- runs ---------------------------------------------------------------------------------------

    def show_desk(self, desk: Desk) -> None:
        """Files that were opened, then the registry's runs, the newest first."""
        self._list()
        if not self._paths:
            self._say(_EMPTY)
        self._learn()

    def _list(self, chosen: Path | None = None) -> None:
        table, desk = self.query_one("#runs", Table), self.hub_app.desk
        runs = () if desk is None else desk.runs
        self._paths = [*(path for path in self._from_elsewhere if path not in runs), *runs]
        left = None if desk is None else self.hub_app.session.run.get(str(desk.path))
        rows = [(str(path), _row(path, self._known.get(str(path)))) for path in self._paths]
        table.fill(rows, chosen=str(chosen) if chosen is not None else table.chosen or left)

    @work(exclusive=True, group="learn")
    async def _learn(self) -> None:
        """Read those that nobody has read yet, one after another."""
        for path in list(self._paths)[:30]:
            if str(path) not in self._known:
                await self._read(path)

    async def _read(self, path: Path) -> RunView | str:
        """What the run says, or why it cannot be read; its row shows it."""
        found: RunView | str
        try:
            found = await self.hub_app.ask(OpenRun(path=str(path)), RunView, patient=True)
        except TfbsHubError as error:
            found = told(error).plain
        self._known[str(path)] = found
        self._list()
        return found

    @on(Table.RowHighlighted, "#runs")
    def _highlighted(self) -> None:
        chosen, desk = self.query_one("#runs", Table).chosen, self.hub_app.desk
        if chosen is not None and desk is not None:
            self.hub_app.session.run[str(desk.path)] = chosen
            self._load(Path(chosen))

    @work(exclusive=True, group="load")
    async def _load(self, path: Path) -> None:
        """Show a run."""
        known = self._known.get(str(path)) or await self._read(path)
        if isinstance(known, RunView):
            if self.run_view is None or self.run_view.path != known.path:
                self.data = 0
            self.run_view = known
            self._show()
        else:
            self.run_view = None
            self._say(Text(known))

    # -- what is shown ------------------------------------------------------------------------------

    def _say(self, text: Text) -> None:
        self.query_one("#auroc", Drawing).tell(text)
        for name in ("roc", "tests", "about"):
            self.query_one(f"#{name}", Drawing).tell("")
        self.query_one("#result-pane").border_title = ""

    def _show(self) -> None:
        run = self.run_view
        if run is None:
            return
        self.data %= max(len(run.datasets), 1)
        data = run.datasets[self.data]
        pane = self.query_one("#result-pane")
        pane.border_title = line(f"run {run.run}")
        many = len(run.datasets)
        pane.border_subtitle = line(f"data set {self.data + 1} of {many}: {cut(data.called, 30)}" if many > 1 else "")
        styles = results.model_styles(run.models, self.hub_app.colours)

        def curves(width: int) -> RenderableType:
            return results.roc(data, width, min(max(pane.size.height - 9, 6), 34), styles)

        # Only what is looked at is drawn: the others have no width yet.
        self.query_one("#auroc", Drawing).draw(lambda width: results.intervals(run, data, width, styles))
        self.query_one("#roc", Drawing).draw(curves)
        self.query_one("#tests", Drawing).draw(lambda width: results.tests(run, data, width, styles))
        self.query_one("#about", Drawing).draw(lambda width: results.about(run))

    # -- what can be done ---------------------------------------------------------------------------

    def action_turn(self, step: int) -> None:
        """To another data set."""
        self.data += step
        self._show()

    def action_part(self) -> None:
        """The next of the four parts."""
        tabs = self.query_one("#parts", TabbedContent)
        names = [f"tab-{name}" for name in _PARTS]
        tabs.active = names[(names.index(tabs.active) + 1) % len(names)]

    def action_new(self) -> None:
        """The form."""
        self._form(None)

    def _form(self, models: list[str] | None) -> None:
        from tfbs_hub.tui.screens.new_evaluation import NewEvaluationScreen  # noqa: PLC0415 - when it is wanted

        desk = self.hub_app.desk
        if desk is None or not desk.models:
            self.app.notify("There is no model to evaluate yet: add an expert on screen 1.")
            return
        self.app.push_screen(NewEvaluationScreen(desk, self.hub_app.session.files, models), self._begin)

    def _begin(self, options: dict[str, object] | None) -> None:
        if options is None:
            return
        files = [str(name) for name in options["files"]]  # type: ignore[attr-defined]
        self.hub_app.session.files = files
        folder = self.hub_app.state / "evaluations"
        folder.mkdir(parents=True, exist_ok=True)
        options["output"] = str(folder / f"{UNFINISHED}{time.time_ns()}.h5")
        what = Path(files[0]).name if len(files) == 1 else f"{len(files)} files"
        self.hub_app.start_job(f"evaluate {cut(what, 40)}", "evaluate", options)

    def action_open(self) -> None:
        """A run's file from anywhere."""
        from tfbs_hub.tui.widgets.ask_path import AskPath  # noqa: PLC0415 - when it is wanted

        self.app.push_screen(AskPath("open a run", "path of an .h5 file that tfbs-hub evaluate wrote"), self._opened)

    def _opened(self, path: str | None) -> None:
        if path:
            place = Path(path).absolute()
            self._known.pop(str(place), None)
            self._from_elsewhere = [place, *(each for each in self._from_elsewhere if each != place)]
            self._list(chosen=place)
            self._load(place)

    def action_report(self) -> None:
        """Write the HTML report, and open it where there is a browser."""
        from tfbs_hub.tui.widgets.ask_path import AskPath  # noqa: PLC0415 - when it is wanted

        if self.run_view is not None:
            value = f"{plain(self.run_view.run)}.html"
            self.app.push_screen(AskPath("HTML report", "where to write it", value=value), self._report_to)

    def _report_to(self, path: str | None) -> None:
        if path:
            self._report(path)

    @work(exclusive=True, group="report")
    async def _report(self, path: str) -> None:
        if self.run_view is None:
            return
        self.app.notify("writing the report…", timeout=3)
        ask = Report(run=self.run_view.path, path=path)
        done = await self.hub_app.guarded(self.hub_app.ask(ask, Exported, patient=True))
        if done is not None:
            self.app.notify(f"{done.path}  {done.size:,} bytes", title="Report written")
            self.hub_app.open_in_browser(Path(done.path))

    def action_cancel(self) -> None:
        """Stop the evaluation that runs."""
        record = self.query_one(JobStrip).record
        if record is not None:
            self.hub_app.cancel_job(record)


def _row(path: Path, known: RunView | str | None) -> list[str | Text]:
    try:
        when = time.strftime("%d %b %H:%M", time.localtime(path.stat().st_mtime))
    except OSError:
        when = "gone"
    if isinstance(known, RunView):
        first = known.datasets[0].called if known.datasets else ""
        data = cut(first, 16) if len(known.datasets) < 2 else f"{cut(first, 12)} +{len(known.datasets) - 1}"
        return [when, data, f"{len(known.models)}"]
    return [line(when, "dim"), line("cannot be read" if known else "…", "dim"), line(cut(path.stem, 14), "dim")]


_EMPTY: Final = Text.assemble(
    ("No evaluation yet.\n\n", "bold"),
    ("n", "bold"),
    "  measure models on labelled sequences: AUROC with intervals, tests of every difference\n",
    ("o", "bold"),
    "  open a run from a file",
)
