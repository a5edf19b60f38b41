"""The form of a retrain."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Checkbox, Input, Select, SelectionList, Static
from textual.widgets.selection_list import Selection

from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.text import line
from tfbs_hub.tui.widgets.dialogs import Dialog, Trouble
from tfbs_hub.tui.widgets.paths import PathInput
from tfbs_hub.tui.widgets.ticks import Tick, Ticks

__all__ = ["RetrainScreen"]


class RetrainScreen(Dialog[dict[str, object]]):
    """Gives the options of a retrain-gate job, or None.

    Args:
        desk: which experts there are, and which are on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="retrain.start"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._specs = [spec for spec in desk.specs if spec.origin == "registry"]

    def compose(self) -> ComposeResult:
        """Experts and settings."""
        with VerticalScroll(classes="box medium") as box:
            box.border_title = "retrain the gate"
            box.border_subtitle = "ctrl+s start · esc close"
            yield Static("experts to mix; space ticks. Their weights stay as they are, byte for byte.", classes="dim")
            yield Ticks[str](
                *(Selection(line(spec.card.name), spec.card.name, spec.enabled) for spec in self._specs),
                id="experts-list",
                compact=True,
            )
            with Horizontal(classes="row gap"):
                yield Static("recipe", classes="label dim")
                yield Select(
                    [("balanced", "balanced"), ("paper", "paper")],
                    value="balanced",
                    allow_blank=False,
                    id="recipe",
                    compact=True,
                )
                yield Static("trials", classes="label dim")
                yield Input("0", type="integer", id="trials", compact=True)
                yield Static("seed", classes="label dim")
                yield Input("0", type="integer", id="seed", compact=True)
            yield Static("further labelled sequences to learn from (optional)", classes="dim gap")
            yield PathInput("path", id="data")
            yield Tick("simulate from JASPAR the gate sets that are not on this machine", id="simulated", compact=True)
            yield Trouble()
            with Horizontal(classes="buttons"):
                yield Button("Retrain", id="start", variant="primary", compact=True)

    @on(Button.Pressed, "#start")
    @on(Input.Submitted)
    def action_start(self) -> None:
        """Begin, if all is there."""
        trouble = self.query_one(Trouble)
        experts = self.query_one("#experts-list", SelectionList).selected
        numbers = [self.query_one(name, Input).value or "0" for name in ("#trials", "#seed")]
        data = self.query_one("#data", PathInput).path
        if not experts:
            trouble.update("tick at least one expert")
        elif not all(number.isdecimal() for number in numbers):
            trouble.update("trials and seed are whole numbers from 0")
        elif data and not Path(data).is_file():
            trouble.update(f"there is no file {line(data).plain}")
        else:
            self.dismiss(
                {
                    "experts": [spec.card.name for spec in self._specs if spec.card.name in experts],
                    "gate": str(self.query_one("#recipe", Select).value),
                    "data": [data] if data else [],
                    "simulated_gate_sets": self.query_one("#simulated", Checkbox).value,
                    "trials": int(numbers[0]),
                    "seed": int(numbers[1]),
                }
            )
