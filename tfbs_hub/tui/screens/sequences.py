"""Paste sequences, or open a file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static, TextArea

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.tui.text import told
from tfbs_hub.tui.widgets.dialogs import Dialog, Trouble
from tfbs_hub.tui.widgets.paths import PathInput
from tfbs_hub.workbench.messages import ReadSequences, Sequences

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["SequencesScreen"]


class SequencesScreen(Dialog[Sequences]):
    """Gives the sequences, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "take", "Take", id="sequences.take")]

    def compose(self) -> ComposeResult:
        """A place to paste, a line for a file, one for a genome."""
        with Vertical(classes="box medium") as box:
            box.border_title = "sequences"
            box.border_subtitle = "ctrl+s take · esc close"
            yield Static("paste FASTA or plain letters", classes="dim")
            yield TextArea(id="pasted", soft_wrap=True, compact=True)
            yield Static("or open a file: FASTA, .seq.gz, BED, plain, gzip or not", classes="dim gap")
            yield PathInput("path", id="path")
            with Vertical(id="genome-field"):
                yield Static("the genome that the BED file refers to", classes="dim gap")
                yield PathInput("path of a FASTA file", id="genome")
            yield Trouble()
            with Horizontal(classes="buttons"):
                yield Button("Take", id="take", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Ready to paste."""
        self.query_one("#genome-field").display = False
        self.set_focus(self.query_one("#pasted"))

    @on(Input.Changed, "#path")
    def _named(self, event: Input.Changed) -> None:
        name = event.value.strip().lower().removesuffix(".gz")
        self.query_one("#genome-field").display = name.endswith((".bed", ".narrowpeak"))

    @on(Button.Pressed, "#take")
    @on(Input.Submitted)
    def action_take(self) -> None:
        """Read them."""
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        app = cast("HubApp", self.app)
        path, genome = (self.query_one(name, PathInput).path for name in ("#path", "#genome"))
        text = self.query_one("#pasted", TextArea).text
        trouble = self.query_one(Trouble)
        if not path and not text.strip():
            trouble.update("Paste something, or name a file.")
            return
        window = app.desk.gate.card.window if app.desk is not None and app.desk.gate is not None else 101
        ask = ReadSequences(path=path, genome=genome or None, window=window) if path else ReadSequences(text=text)
        trouble.update("reading…")
        try:
            found = await app.ask(ask, Sequences)
        except TfbsHubError as error:
            trouble.update(told(error))
            return
        if found.more:
            app.notify(f"The first {len(found.names):,} sequences; there are more.")
        if found.ambiguous:
            app.notify(f"{found.ambiguous:,} IUPAC letters were read as N.")
        self.dismiss(found)
