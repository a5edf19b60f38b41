"""What an expert brings beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.progress import Event
from tfbs_hub.tui.charts import bar
from tfbs_hub.tui.text import block, cut, line, told
from tfbs_hub.tui.widgets.dialogs import Dialog
from tfbs_hub.workbench.messages import Assess, Assessed

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["AssessScreen", "drawn"]

_BAR = 16


class AssessScreen(Dialog[None]):
    """How much of what an expert says the others say already, on sequences that it was not fitted to.

    Args:
        name: the expert.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._expert = name

    def compose(self) -> ComposeResult:
        """One text, once it is known."""
        with VerticalScroll(classes="box medium") as box:
            box.border_title = line(f"what {self._expert} brings")
            box.border_subtitle = "esc close"
            yield Static(id="brings")

    def on_mount(self) -> None:
        """Ask at once."""
        self._ask()

    @work(exclusive=True)
    async def _ask(self) -> None:
        app, place = cast("HubApp", self.app), self.query_one("#brings", Static)

        def report(event: Event) -> None:
            place.update(line(event.task, "dim"))

        place.update(Text("comparing it with the others on its own sequences…", "dim"))
        try:
            found = await app.ask(Assess(name=self._expert), Assessed, patient=True, report=report)
        except TfbsHubError as error:
            place.update(told(error))
            return
        place.update(drawn(found, app.colours))


def drawn(found: Assessed, colours: dict[str, str]) -> Group:
    """The assessment, its nearest neighbours first."""
    value, low, high = found.auroc
    head = Text()
    head.append(f"AUROC {value:.3f}", "bold")
    head.append(f" ({low:.3f}-{high:.3f}) on sequences that it was not fitted to", "dim")
    if found.gate is not None:
        head.append(f"\nthe current gate reaches {found.gate:.3f} there")
    parts: list[RenderableType] = [head, Text()]
    if found.neighbours:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for title in ("beside", "says the same", "", "its AUROC there", "motif", "shared"):
            table.add_column(title, justify="left" if title in {"beside", "says the same"} else "right", no_wrap=True)
        for other in found.neighbours:
            table.add_row(
                line(cut(other.name, 20)),
                Text(bar(other.similarity, _BAR), colours["accent"]),
                f"{other.similarity:.2f}",
                f"{other.auroc:.3f}",
                "" if other.motif is None else f"{other.motif:+.2f}",
                "" if other.shared is None else f"{other.shared:.1%}",
            )
        parts.append(table)
    else:
        parts.append(Text("There is no other expert that is on: nothing to compare it with.", "dim"))
    parts += [block(f"\n{warning}", colours["warning"]) for warning in found.warnings]
    return Group(*parts)
