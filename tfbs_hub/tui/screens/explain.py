"""Which bases made a model say what it said: the track of a sequence, and what happens when bases change."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from tfbs_hub.attribution.methods import DEFAULT
from tfbs_hub.tui.screens.asking import AskingScreen
from tfbs_hub.tui.screens.layered import MOST
from tfbs_hub.tui.text import cut, line
from tfbs_hub.tui.track.rows import Shown
from tfbs_hub.tui.widgets.dialogs import Confirm
from tfbs_hub.tui.widgets.gate_panel import GatePanel
from tfbs_hub.tui.widgets.readout import headline, motif_list, readout
from tfbs_hub.tui.widgets.track import TrackView
from tfbs_hub.workbench.messages import Layer, Learn, Learned, Sequences

__all__ = ["ExplainScreen"]


class ExplainScreen(AskingScreen):
    """Open sequences, choose layers, move along, change bases."""

    NAME = "explain"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open", "Open", id="explain.open"),
        Binding("l", "layer", "Add layer", id="explain.layer"),
        Binding("k", "drop", "Drop layer", show=False, id="explain.drop"),
        Binding("m", "model", "Model", id="explain.model"),
        Binding("h", "method", "Method", id="explain.method"),
        Binding("r", "flip", "Flip", id="explain.flip"),
        Binding("u", "undo", "Undo", id="explain.undo"),
        Binding("U", "undo_all", "Undo all", show=False, id="explain.undo-all"),
        Binding("b", "both", "Both strands", show=False, id="explain.both"),
        Binding("s", "scale", "One scale", show=False, id="explain.scale"),
        Binding("left_square_bracket", "turn(-1)", "Previous sequence", show=False, id="explain.previous"),
        Binding("right_square_bracket", "turn(1)", "Next sequence", key_display="[ ]", id="explain.next"),
        Binding("v", "export", "Export", id="explain.export"),
        Binding("d", "demonstrate", "Demonstration", show=False, id="explain.demonstrate"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.common = False

    def body(self) -> ComposeResult:
        """A line of what is shown, the track, the prediction beside it, the base under the cursor."""
        yield Static(id="subject")
        with Horizontal(id="explaining"):
            with Vertical(classes="pane", id="track-pane"):
                yield TrackView()
                yield Static(id="empty")
            with Vertical(id="beside"):
                yield GatePanel(classes="pane")
                with VerticalScroll(classes="pane", id="motifs-pane") as pane:
                    pane.border_title = "motifs"
                    yield Static(id="motifs")
        yield Static(id="readout")

    def on_mount(self) -> None:
        """Go on where the last session stopped."""
        super().on_mount()
        self.hub_app.wanted.subscribe(self, self._wanted)
        self.draw()
        self._wanted("explain")

    def _wanted(self, screen: str) -> None:
        """Another screen asks for models."""
        wanted = self.hub_app.wanted_models
        if screen != "explain" or not wanted:
            return
        self.hub_app.wanted_models = []
        method = self.asked[0].method if self.asked else DEFAULT
        self.asked = [Layer(model, method) for model in wanted][:MOST]
        self.explain()

    # -- what is shown ------------------------------------------------------------------------------

    def draw(self) -> None:
        """Everything, from what is known."""
        track, empty = self.query_one(TrackView), self.query_one("#empty", Static)
        there = self.explained is not None and bool(self.subject)
        track.display, empty.display = there, not there
        self.query_one("#subject", Static).update(headline(self.subject, self.asked, self.explained, self.both_strands))
        edited = bool(self.subject.changed)
        mixture = self.explained.mixture if self.explained else None
        before = self.before if edited else None
        self.query_one(GatePanel).show(mixture, before, asked=self.explained is not None)
        if self.explained is None:
            if not self.subject:
                self.say(_EMPTY)
            return
        shown = [
            Shown(layer.layer.label, layer.logit, layer.actual, self.marks.get(layer.layer, ()))
            for layer in self.explained.tracks
        ]
        self.query_one("#motifs", Static).update(motif_list(self.explained, self.marks))
        letters = self.subject.present
        if all(len(each.actual) == len(letters) for each in shown):
            track.show(letters, shown, edits=self.subject.changed, fresh=self.fresh, common=self.common)
            if self.fresh:
                self.set_focus(track)
                if self.left is not None:
                    track.go(self.left.cursor, self.left.level)
            self.fresh, self.left = False, None

    def say(self, text: Text) -> None:
        """In place of the track."""
        self.query_one(TrackView).display = False
        empty = self.query_one("#empty", Static)
        empty.display = True
        empty.update(text)

    def whisper(self, text: str) -> None:
        """Below the track."""
        self.query_one("#track-pane").border_subtitle = line(cut(text, 60))

    @on(TrackView.Moved)
    def _moved(self) -> None:
        view = self.query_one(TrackView).view
        place = view.cursor
        if self.left is None and not self.fresh:
            self.remember(place, None if view.level == view.fitting else view.level)
        if self.explained is None or place >= len(self.subject.present):
            self.query_one("#readout", Static).update("")
            return
        self.query_one("#readout", Static).update(readout(self.subject, place, self.explained, self.marks))

    # -- what can be done ---------------------------------------------------------------------------

    def action_open(self) -> None:
        """Paste or open sequences."""
        from tfbs_hub.tui.screens.sequences import SequencesScreen  # noqa: PLC0415 - when it is wanted

        self.app.push_screen(SequencesScreen(), self._opened)

    def _opened(self, found: Sequences | None) -> None:
        if found is not None:
            self.look_at(found.names, found.letters)

    def action_demonstrate(self) -> None:
        """A site of an expert's factor in random DNA, in place of what is open."""
        if self.subject:
            question = Confirm(
                "Show a demonstration?", "The sequences that are open are closed.", yes="Show", no="Stay"
            )
            self.confirm(question, self._demonstrate)
        else:
            self._demonstrate()

    @work(exclusive=True, group="demonstrate")
    async def _demonstrate(self) -> None:
        from tfbs_hub.tui.demonstration import planted  # noqa: PLC0415 - when it is wanted

        desk = self.hub_app.desk
        spec = next((spec for spec in reversed(desk.specs if desk else ()) if spec.enabled), None)
        if spec is None:
            self.app.notify("There is no expert yet: add one on screen 1.")
            return
        found = await self.hub_app.guarded(self.hub_app.ask(Learn(name=spec.card.name), Learned, patient=True))
        if found is not None:
            self.look_at([f"a {spec.card.tf} site in random DNA"], [planted(found.known, spec.card.window)])

    @on(TrackView.Mutated)
    def _mutated(self, event: TrackView.Mutated) -> None:
        if self.subject.mutate(event.place, event.base):
            self.explain()

    def action_undo(self) -> None:
        """Take the last change back."""
        if self.subject.undo() is not None:
            self.explain()

    def action_undo_all(self) -> None:
        """Back to the sequence as it was."""
        if self.subject.edits:
            self.subject.edits.clear()
            self.explain()

    def action_flip(self) -> None:
        """To the other strand; the cursor stays on its base."""
        if self.subject:
            self.subject.flip()
            view = self.query_one(TrackView).view
            view.move(view.length - 1 - view.cursor)
            self.marks.clear()
            self.explain()

    def action_turn(self, step: int) -> None:
        """To another sequence."""
        if len(self.subject.letters) > 1:
            self.subject.choose((self.subject.chosen + step) % len(self.subject.letters))
            self.anew()

    def action_both(self) -> None:
        """Average both strands, or explain the one in view."""
        self.both_strands = not self.both_strands
        self.marks.clear()
        self.explain()

    def action_scale(self) -> None:
        """One scale for all layers, or one each."""
        self.common = not self.common
        self.draw()
        self.app.notify("All layers share one scale." if self.common else "Each layer has its own scale.")

    def action_export(self) -> None:
        """What is shown, as a file."""
        from tfbs_hub.tui.screens.export import ExportScreen  # noqa: PLC0415 - when it is wanted

        if self.subject and self.asked:
            name = self.subject.name + (" " + " ".join(map(str, self.subject.edits)) if self.subject.edits else "")
            self.app.push_screen(ExportScreen(name, self.subject.present, list(self.asked), self.both_strands))


_EMPTY: Final = Text.assemble(
    ("Which bases matter?\n\n", "bold"),
    ("o", "bold"),
    "  paste sequences, or open a file (FASTA, .seq.gz, BED with a genome, plain)\n",
    ("d", "bold"),
    "  a demonstration: one site in random DNA\n\n",
    ("Then move with the arrows, change the base under the cursor with a, c, g or t,\n", "dim"),
    ("and stack methods or models with l.", "dim"),
)
