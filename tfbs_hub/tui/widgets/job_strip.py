"""A line that shows how far a job is, where its result will be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from tfbs_hub.tui.charts import bar
from tfbs_hub.tui.running import JobRecord
from tfbs_hub.tui.text import cut

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["JobStrip", "clock", "progress_line"]

_BAR: Final = 24


class JobStrip(Widget):
    """The newest running job of some kind; nothing is shown where none runs.

    Args:
        command: "evaluate", "retrain-gate" or "add-expert".
    """

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def on_mount(self) -> None:
        """Follow the jobs."""
        cast("HubApp", self.app).job_changed.subscribe(self, lambda _: self._follow())
        self.set_interval(1.0, self._follow)
        self._follow()

    @property
    def record(self) -> JobRecord | None:
        """The job that is shown."""
        running = cast("HubApp", self.app).jobs.running
        return next((record for record in running if record.command == self._command), None)

    def _follow(self) -> None:
        there = self.record is not None
        if self.display != there:
            self.display = there
        self.refresh()

    def render(self) -> RenderResult:
        """Title, task, bar, time."""
        record = self.record
        return (
            Text()
            if record is None
            else progress_line(record, self.size.width, cast("HubApp", self.app).colours["accent"])
        )


def progress_line(record: JobRecord, width: int, accent: str) -> Text:
    """A running job on one line."""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"▶ {cut(record.title, 40)}  ", "bold")
    if record.share is not None:
        room = _BAR if width >= 100 else 10
        text.append(bar(record.share, room), accent)
        text.append(f" {record.share:4.0%}  ")
    text.append(f"{cut(record.task, 50)} ", "dim")
    if record.message:
        text.append(cut(record.message, 50))
    text.append(f"  {clock(record.seconds)}", "dim")
    text.append("  z cancels", "dim")
    return text


def clock(seconds: float) -> str:
    """A duration, as short as it can be said."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
