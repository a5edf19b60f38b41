"""The experts: a table to filter and to sort, and everything about the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.expert_rows import COLUMNS, ORDERS, matches, table_of
from tfbs_hub.tui.screens.base import HubScreen
from tfbs_hub.tui.widgets.dialogs import Choice, Confirm, Pick
from tfbs_hub.tui.widgets.expert_detail import ExpertDetail
from tfbs_hub.tui.widgets.table import Table
from tfbs_hub.workbench.messages import Change, Changed

if TYPE_CHECKING:
    from tfbs_hub.hookspecs import ExpertSpec

__all__ = ["ExpertsScreen"]


class ExpertsScreen(HubScreen):
    """Look at experts, turn them on and off, add one, compare two."""

    NAME = "experts"
    order: str | None = None
    """The column that the table is sorted by; None: as the experts were added."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", id="experts.add"),
        Binding("e", "switch", "On/off", id="experts.toggle"),
        Binding("c", "compare", "Compare", id="experts.compare"),
        Binding("x", "explain", "Explain with", id="experts.explain"),
        Binding("m", "learn", "Motifs", id="experts.learn"),
        Binding("w", "assess", "What it brings", id="experts.assess"),
        Binding("s", "sort", "Sort", id="experts.sort"),
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
                yield Table(COLUMNS, id="experts")
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
        words = self.query_one("#filter", Input).value.lower().split()
        specs = [spec for spec in desk.specs if matches(spec, words)]
        if self.order is not None:
            order = ORDERS[self.order]
            specs.sort(key=lambda spec: order(spec, desk))
        table = self.query_one("#experts", Table)
        chosen = table.chosen or self.hub_app.session.expert.get(str(desk.path))
        titles, rows = table_of(specs, desk, table.size.width or self.size.width)
        table.fill(rows, chosen=chosen, titles=titles)
        said = ["experts"]
        if len(specs) != len(desk.specs):
            said.append(f"{len(specs)} of {len(desk.specs)}")
        if self.order is not None:
            said.append(f"by {self.order}")
        self.query_one(".list", Vertical).border_title = " · ".join(said)
        if not specs:
            self.query_one(ExpertDetail).empty(desk, filtered=bool(desk.specs))

    @on(Input.Changed, "#filter")
    def _filtered(self) -> None:
        if self.hub_app.desk is not None:
            self.show_desk(self.hub_app.desk)

    @on(Input.Submitted, "#filter")
    def _done_filtering(self) -> None:
        self.set_focus(self.query_one("#experts"))

    @on(Table.HeaderSelected, "#experts")
    def _sort_by(self, event: Table.HeaderSelected) -> None:
        title = event.label.plain
        column = title if title in COLUMNS else "AUROC"
        self._sort(None if self.order == column else column)

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

    def action_sort(self) -> None:
        """By the next column."""
        orders = [None, *ORDERS]
        self._sort(orders[(orders.index(self.order) + 1) % len(orders)])

    def _sort(self, order: str | None) -> None:
        self.order = order
        if self.hub_app.desk is not None:
            self.show_desk(self.hub_app.desk)

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
