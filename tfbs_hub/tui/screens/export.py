"""Write what is shown to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.progress import Event
from tfbs_hub.tui.text import line, told
from tfbs_hub.tui.widgets.dialogs import Dialog, Trouble
from tfbs_hub.tui.widgets.paths import PathInput
from tfbs_hub.workbench.messages import Export, Exported, Layer

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["ExportScreen"]


class ExportScreen(Dialog[None]):
    """The layers of one sequence, as a drawing, a table or arrays.

    Args:
        name, letters: of the sequence, with its changes.
        layers: as they are shown.
        both_strands: as they were explained.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "write", "Write", id="export.write")]

    def __init__(self, name: str, letters: str, layers: list[Layer], both_strands: bool) -> None:
        super().__init__()
        self._ask = Export(names=[name], letters=[letters], layers=layers, path="", both_strands=both_strands)

    def compose(self) -> ComposeResult:
        """A path; its ending says the format."""
        with Vertical(classes="box medium") as box:
            box.border_title = "export"
            box.border_subtitle = "enter write · esc close"
            yield Static("file; its ending says how: .svg .png (logos), .tsv, .h5, .npz", classes="dim")
            yield PathInput("explained.svg", value="explained.svg", id="path")
            yield Trouble()
            with Horizontal(classes="buttons"):
                yield Button("Write", id="write", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Ready to be renamed."""
        self.set_focus(self.query_one("#path"))

    @on(Button.Pressed, "#write")
    @on(Input.Submitted)
    def action_write(self) -> None:
        """Write it."""
        self._write()

    @work(exclusive=True)
    async def _write(self) -> None:
        app = cast("HubApp", self.app)
        trouble = self.query_one(Trouble)
        path = self.query_one("#path", PathInput).path or "explained.svg"
        ask = Export(
            names=self._ask.names,
            letters=self._ask.letters,
            layers=self._ask.layers,
            path=path,
            both_strands=self._ask.both_strands,
        )

        def report(event: Event) -> None:
            trouble.update(line(event.task, "dim"))

        trouble.update(line("writing…", "dim"))
        try:
            done = await app.ask(ask, Exported, patient=True, report=report)
        except TfbsHubError as error:
            trouble.update(told(error))
            return
        app.notify(f"{done.path}  {done.size:,} bytes", title="Written")
        self.dismiss(None)
