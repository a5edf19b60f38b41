"""The gate: its versions, whom it listens to, retraining it, and going back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll

from tfbs_hub.names import short
from tfbs_hub.tui import gates
from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.screens.base import HubScreen
from tfbs_hub.tui.text import line, told
from tfbs_hub.tui.widgets.dialogs import Confirm
from tfbs_hub.tui.widgets.drawing import Drawing
from tfbs_hub.tui.widgets.job_strip import JobStrip
from tfbs_hub.tui.widgets.table import Table

if TYPE_CHECKING:
    from tfbs_hub.registry import GateRecord

__all__ = ["GateScreen"]


class GateScreen(HubScreen):
    """Look at gates, train another, roll back."""

    NAME = "gate"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "retrain", "Retrain", id="gate.retrain"),
        Binding("b", "rollback", "Roll back to here", id="gate.rollback"),
        Binding("z", "cancel", "Cancel", show=False, id="gate.cancel"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._current: str | None = None

    def body(self) -> ComposeResult:
        """Versions and history beside what the chosen gate does."""
        with Horizontal(classes="split"):
            with Vertical(id="gate-lists"):
                with Vertical(classes="pane", id="gates-pane") as pane:
                    pane.border_title = "gates"
                    yield Table(("", "gate", "recipe", ">experts", ">AUROC"), id="gates")
                with Vertical(classes="pane", id="history-pane") as pane:
                    pane.border_title = "history of the registry"
                    yield Table(("", ">", "what was done"), id="history")
            with VerticalScroll(classes="pane detail", id="gate-detail"):
                yield Drawing(id="gate-shown")
        yield JobStrip("retrain-gate")

    def on_mount(self) -> None:
        """The versions have the focus."""
        super().on_mount()
        self.set_focus(self.query_one("#gates"))

    def show_desk(self, desk: Desk) -> None:
        """All gates, the newest first, and all generations."""
        table = self.query_one("#gates", Table)
        current = None if desk.gate is None else desk.gate.digest
        known = {gate.digest for gate in desk.gates}
        # Whoever looks at the current gate wants to see the one that takes its place.
        chosen = table.chosen if table.chosen in known and table.chosen != self._current else current
        self._current = current
        table.fill([(gate.digest, _row(gate)) for gate in reversed(desk.gates)], chosen=chosen)
        rows = [
            (str(row.number), [Text("●" if row.head else ""), Text(f"{row.number}"), _action(row.action, row.damaged)])
            for row in reversed(desk.history)
        ]
        self.query_one("#history", Table).fill(rows)
        if not desk.gates:
            self.query_one("#gate-detail").border_title = ""
            self.query_one("#gate-shown", Drawing).tell(told(desk.trouble) if desk.trouble else _EMPTY)
        else:
            self._show()

    @on(Table.RowHighlighted, "#gates")
    def _highlighted(self) -> None:
        self._show()

    def _show(self) -> None:
        desk, chosen = self.hub_app.desk, self.query_one("#gates", Table).chosen
        if desk is None or chosen is None:
            return
        place = next((place for place, gate in enumerate(desk.gates) if gate.digest == chosen), None)
        if place is None:
            return
        gate, previous = desk.gates[place], desk.gates[place - 1] if place else None
        pane = self.query_one("#gate-detail")
        pane.border_title = f"gate {short(gate.digest)}{' · current' if gate.current else ''}"
        before = gates.before_of(gate, previous, self._told(gate.digest))
        colours = self.hub_app.colours
        shown = self.query_one("#gate-shown", Drawing)
        shown.draw(lambda width: gates.drawn(gate, before, previous, width, colours))

    def _told(self, digest: str) -> dict[str, float | None] | None:
        """What the retrain that made a gate said of the one before."""
        for record in self.hub_app.jobs.records:
            if record.command == "retrain-gate" and record.result.get("digest") == digest:
                before = record.result.get("before")
                # Retraining to the very same gate has no before.
                return before if record.result.get("previous") != digest else None
        return None

    def action_retrain(self) -> None:
        """The form."""
        from tfbs_hub.tui.screens.retrain import RetrainScreen  # noqa: PLC0415 - when it is wanted

        desk = self.hub_app.desk
        if desk is None or not any(spec.origin == "registry" for spec in desk.specs):
            self.app.notify("There is no expert to mix yet: add one on screen 1.")
            return
        if self.hub_app.may_change():
            self.app.push_screen(RetrainScreen(desk), self._retrain)

    def _retrain(self, options: dict[str, object] | None) -> None:
        if options is not None:
            names = options["experts"]
            count = len(names) if isinstance(names, list) else 0
            self.hub_app.start_job(f"retrain the gate over {count} experts", "retrain-gate", options)

    def action_rollback(self) -> None:
        """To the generation under the cursor, after a question."""
        desk, chosen = self.hub_app.desk, self.query_one("#history", Table).chosen
        if desk is None or chosen is None:
            return
        number = int(chosen)
        row = next((row for row in desk.history if row.number == number), None)
        if row is None or row.head:
            self.set_focus(self.query_one("#history"))
            self.app.notify("Choose an earlier state in the history first; this one is the present.")
            return
        question = f"Go back to state {number}?"
        detail = (
            f"{row.action}\n\nExperts, switches and the gate become what they were then. Nothing is lost: "
            "this is a new state, and it can be undone in the same way."
        )
        self.confirm(Confirm(question, detail, yes="Go back", no="Stay"), lambda: self._roll(number))

    @work(exclusive=True, group="change")
    async def _roll(self, number: int) -> None:
        await self.hub_app.guarded(self.hub_app.change(lambda hub: hub.rollback(number)))

    def action_cancel(self) -> None:
        """Stop the retrain that runs."""
        record = self.query_one(JobStrip).record
        if record is not None:
            self.hub_app.cancel_job(record)


def _row(gate: GateRecord) -> list[Text]:
    scores = [score.auroc for score in gate.card.gate_sets]
    return [
        Text("●" if gate.current else ""),
        Text(short(gate.digest)[:8], "bold" if gate.current else ""),
        line(gate.card.recipe_name + (" (simulated)" if gate.card.simulated else "")),
        Text(f"{len(gate.card.members)}"),
        Text(f"{sum(scores) / len(scores):.3f}" if scores else ""),
    ]


def _action(action: str, damaged: str) -> Text:
    return line(f"damaged: {damaged}", "italic") if damaged else line(action)


_EMPTY: Final = Text.assemble(
    ("No gate yet.\n\n", "bold"),
    "A gate mixes the experts into one prediction, for factors that no expert was trained on too.\n\n",
    ("t", "bold"),
    "  train one over the experts that are on; it takes seconds",
)
