"""The experts: a table to filter, and everything about the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tfbs_hub.tui.charts import axis_start, interval_strip
from tfbs_hub.tui.desk import Desk, short_architecture
from tfbs_hub.tui.screens.base import HubScreen
from tfbs_hub.tui.text import line
from tfbs_hub.tui.widgets.dialogs import Choice, Confirm, Pick
from tfbs_hub.tui.widgets.expert_detail import ExpertDetail
from tfbs_hub.tui.widgets.table import Table
from tfbs_hub.workbench.messages import Change, Changed

if TYPE_CHECKING:
    from tfbs_hub.hookspecs import ExpertSpec

__all__ = ["ExpertsScreen"]

_COLUMNS: Final = ("name", "TF", "family", "cell", "architecture", "AUROC", "interval", "source", "on", "gate")
_SPARED: Final = ("family", "architecture", "TF", "source", "cell")
"""Columns that go, one after another, where there is little room; what they say is in the details."""
_STRIP: Final = 12
_WIDE_STRIP: Final = 22


class ExpertsScreen(HubScreen):
    """Look at experts, turn them on and off, add one, compare two."""

    NAME = "experts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", id="experts.add"),
        Binding("e", "switch", "On/off", id="experts.toggle"),
        Binding("c", "compare", "Compare", id="experts.compare"),
        Binding("x", "explain", "Explain with", id="experts.explain"),
        Binding("m", "learn", "Motifs", id="experts.learn"),
        Binding("w", "assess", "What it brings", id="experts.assess"),
        Binding("delete", "remove", "Remove", show=False, id="experts.remove"),
        Binding("slash", "filter", "Filter", key_display="/", id="experts.filter"),
        Binding("escape", "clear", "Clear the filter", show=False, id="experts.clear"),
    ]

    def body(self) -> ComposeResult:
        """Table and details side by side, or one above the other."""
        with Horizontal(classes="split"):
            with Vertical(classes="pane list") as pane:
                pane.border_title = "experts"
                yield Input(placeholder="filter: name, TF, family, cell, source …", id="filter", compact=True)
                yield Table(_COLUMNS, id="experts")
            yield ExpertDetail(classes="pane detail")

    def on_mount(self) -> None:
        """The table has the focus."""
        super().on_mount()
        self.set_focus(self.query_one("#experts"))

    @on(Table.Widened, "#experts")
    def _widened(self) -> None:
        """Other columns have room."""
        if self.hub_app.desk is not None:
            self.show_desk(self.hub_app.desk)

    def show_desk(self, desk: Desk) -> None:
        """All rows that the filter lets through."""
        wanted = self.query_one("#filter", Input).value.lower().split()
        specs = [spec for spec in desk.specs if all(part in _searched(spec) for part in wanted)]
        table = self.query_one("#experts", Table)
        chosen = table.chosen or self.hub_app.session.expert.get(str(desk.path))
        start = axis_start(low for spec in desk.specs for low in _lows(spec))
        cells = {spec.card.name: _cells(spec, desk, start, _STRIP) for spec in specs}
        columns, room = _fitting(list(cells.values()), table.size.width or self.size.width)
        if room >= _WIDE_STRIP - _STRIP:
            cells = {spec.card.name: _cells(spec, desk, start, _WIDE_STRIP) for spec in specs}
        titles = [f"{start:.2f} to 1" if column == "interval" else column for column in columns]
        rows = [(name, [row[column] for column in columns]) for name, row in cells.items()]
        table.fill(rows, chosen=chosen, titles=titles)
        pane = self.query_one(".list", Vertical)
        pane.border_title = (
            "experts" if len(specs) == len(desk.specs) else f"experts · {len(specs)} of {len(desk.specs)}"
        )
        if not specs:
            self.query_one(ExpertDetail).empty(desk, filtered=bool(desk.specs))

    @on(Input.Changed, "#filter")
    def _filtered(self) -> None:
        if self.hub_app.desk is not None:
            self.show_desk(self.hub_app.desk)

    @on(Input.Submitted, "#filter")
    def _done_filtering(self) -> None:
        self.set_focus(self.query_one("#experts"))

    @on(Table.RowHighlighted, "#experts")
    def _highlighted(self) -> None:
        desk, spec = self.hub_app.desk, self.chosen
        if desk is not None and spec is not None:
            self.hub_app.session.expert[str(desk.path)] = spec.card.name
            self.query_one(ExpertDetail).show(spec, desk)

    @on(Table.RowSelected, "#experts")
    def _selected(self) -> None:
        self.set_focus(self.query_one(ExpertDetail))

    @property
    def chosen(self) -> ExpertSpec | None:
        """The expert under the cursor."""
        name = self.query_one("#experts", Table).chosen
        return None if name is None or self.hub_app.desk is None else self.hub_app.desk.spec(name)

    def action_filter(self) -> None:
        """Type what to look for."""
        self.set_focus(self.query_one("#filter"))

    def action_clear(self) -> None:
        """Show all again."""
        self.query_one("#filter", Input).value = ""
        self.set_focus(self.query_one("#experts"))

    def action_add(self) -> None:
        """The wizard."""
        from tfbs_hub.tui.screens.add_expert import AddExpertScreen  # noqa: PLC0415 - when it is wanted

        if self.hub_app.may_change():
            self.app.push_screen(AddExpertScreen(), self._add)

    def _add(self, asked: dict[str, object] | None) -> None:
        if asked is not None and self.hub_app.start_job(f"train {asked['tf']}", "add-expert", asked) is not None:
            self.app.notify("5 Jobs shows how far it is; it will be in this table when it is done.", title="Training")

    @work(exclusive=True, group="change")
    async def action_switch(self) -> None:
        """Mix it next time, or do not."""
        spec = self.chosen
        if spec is None:
            return
        name = spec.card.name
        if spec.origin != "registry":
            await self.hub_app.guarded(self._copy_in(name))
        elif spec.enabled:
            await self.hub_app.guarded(self.hub_app.change(lambda hub: hub.disable(name)))
        else:
            await self.hub_app.guarded(self.hub_app.change(lambda hub: hub.enable(name)))

    async def _copy_in(self, name: str) -> None:
        changed = await self.hub_app.ask(Change(enable=name), Changed, patient=True)
        await self.hub_app.change(lambda hub: None)
        self.app.notify(f"{changed.name} is in the registry now", title="Copied in")

    def action_remove(self) -> None:
        """Take it out, after a question."""
        spec = self.chosen
        if spec is None:
            return
        name = spec.card.name
        detail = "Its bytes stay until `tfbs-hub gc`; rolling back brings it back."
        question = Confirm(f"Take {name} out of the registry?", detail, yes="Remove", no="Keep")
        self.confirm(question, lambda: self._remove(name))

    @work(exclusive=True, group="change")
    async def _remove(self, name: str) -> None:
        await self.hub_app.guarded(self.hub_app.change(lambda hub: hub.remove(name)))

    def action_learn(self) -> None:
        """Ask the network what it has learned."""
        self.query_one(ExpertDetail).learn()

    def action_assess(self) -> None:
        """Compare it with the others on its own sequences."""
        from tfbs_hub.tui.screens.assess import AssessScreen  # noqa: PLC0415 - when it is wanted

        spec = self.chosen
        if spec is not None:
            self.app.push_screen(AssessScreen(spec.card.name))

    def action_explain(self) -> None:
        """To the explain screen, with this expert."""
        spec = self.chosen
        if spec is not None:
            self.hub_app.explain_with([spec.card.name])

    def action_compare(self) -> None:
        """With another one."""
        desk, spec = self.hub_app.desk, self.chosen
        if desk is None or spec is None:
            return
        others = [
            Choice(other.card.name, other.card.name, other.card.cell) for other in desk.specs if other is not spec
        ]
        if not others:
            self.app.notify("There is nothing to compare it with: add another expert with a.")
            return
        self.app.push_screen(Pick(f"compare {spec.card.name} with", others), self._compare)

    def _compare(self, name: str | None) -> None:
        from tfbs_hub.tui.screens.compare import CompareScreen  # noqa: PLC0415 - when it is wanted

        desk, spec = self.hub_app.desk, self.chosen
        other = None if desk is None or name is None else desk.spec(name)
        if desk is not None and spec is not None and other is not None:
            self.app.push_screen(CompareScreen(spec, other, desk))


def _searched(spec: ExpertSpec) -> str:
    card = spec.card
    return " ".join(
        [card.name, card.tf, card.family, card.cell, card.architecture, card.provenance.source, spec.origin]
    ).lower()


def _lows(spec: ExpertSpec) -> list[float]:
    metric = spec.card.metric()
    return [] if metric is None or metric.ci95 is None else [metric.ci95[0]]


def _fitting(rows: list[dict[str, Text]], width: int) -> tuple[list[str], int]:
    """The columns that have room side by side, and what is left of it."""
    columns = list(_COLUMNS)
    widths = {name: max([len(name), *(row[name].cell_len for row in rows)]) + 2 for name in columns}
    for spared in _SPARED:
        if sum(widths[name] for name in columns) <= width:
            break
        columns.remove(spared)
    return columns, width - sum(widths[name] for name in columns)


def _cells(spec: ExpertSpec, desk: Desk, start: float, room: int) -> dict[str, Text]:
    card = spec.card
    metric = card.metric()
    strip = Text("")
    if metric is not None and metric.ci95 is not None:
        strip = interval_strip(metric.value, *metric.ci95, room, span=(start, 1.0))
    source = card.provenance.source + (" (simulated)" if card.provenance.simulated else "")
    return {
        "name": line(card.name, "bold" if spec.enabled else "dim"),
        "TF": line(card.tf),
        "family": line(card.family),
        "cell": line(card.cell),
        "architecture": line(short_architecture(card.architecture)),
        "AUROC": Text("" if metric is None else f"{metric.value:.3f}"),
        "interval": strip,
        "source": line(source if spec.origin == "registry" else f"{source} in {spec.origin}"),
        "on": Text("●" if spec.enabled else "○", "" if spec.enabled else "dim"),
        "gate": Text("●" if desk.in_gate(spec) else "·", "" if desk.in_gate(spec) else "dim"),
    }
