"""Two experts side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.text import line
from tfbs_hub.tui.widgets.dialogs import Dialog
from tfbs_hub.tui.widgets.expert_detail import facts, measured, trained

if TYPE_CHECKING:
    from tfbs_hub.hookspecs import ExpertSpec
    from tfbs_hub.tui.app import HubApp

__all__ = ["CompareScreen"]


class CompareScreen(Dialog[None]):
    """Figures, training and data of two experts, and the way to their tracks.

    Args:
        one, other: the experts.
        desk: where they are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "explain", "Explain a sequence with both", id="compare.explain"),
        Binding("v", "evaluate", "Evaluate both", id="compare.evaluate"),
    ]

    def __init__(self, one: ExpertSpec, other: ExpertSpec, desk: Desk) -> None:
        super().__init__()
        self._both = (one, other)
        self._desk = desk

    def compose(self) -> ComposeResult:
        """One column each, and what they have in common."""
        with Vertical(classes="box large") as box:
            box.border_title = "compare"
            box.border_subtitle = "x explain with both · v evaluate both · esc close"
            yield Static(self._verdict(), classes="verdict")
            wide = self.app.size.width >= 100
            width = max(self.app.size.width * 94 // (200 if wide else 100) - 12, 30)
            with Horizontal(classes="columns"):
                for spec in self._both:
                    with VerticalScroll(classes="pane") as column:
                        column.border_title = line(spec.card.name)
                        yield Static(measured(spec.card, width), classes="charts")
                        yield Static(trained(spec.card, width), classes="charts")
                        yield Static(facts(spec, self._desk), classes="gap")

    def _verdict(self) -> Text:
        one, other = (spec.card for spec in self._both)
        first, second = one.metric(), other.metric()
        if first is None or second is None:
            return Text("One of them was never measured: evaluate both on the same files to compare them.", "dim")
        if first.data != second.data or first.data == "validation":
            return Text(
                "Their figures stand on different sequences and say little about each other: "
                "press v to measure both on the same files.",
                "dim",
            )
        better = one if first.value >= second.value else other
        return line(f"On {first.data} {better.name} is ahead by {abs(first.value - second.value):.3f}")

    def action_explain(self) -> None:
        """Both tracks, one above the other."""
        self.dismiss(None)
        cast("HubApp", self.app).explain_with([spec.card.name for spec in self._both])

    def action_evaluate(self) -> None:
        """The form, with both filled in."""
        self.dismiss(None)
        cast("HubApp", self.app).evaluate_models([spec.card.name for spec in self._both])
