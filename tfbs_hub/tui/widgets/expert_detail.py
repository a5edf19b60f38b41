"""Everything about one expert: what it is worth, how it learned, what it looks for, where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.table import Table
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.progress import Event
from tfbs_hub.tui.charts import axis_start, interval_strip, sparkline
from tfbs_hub.tui.desk import Desk, short_architecture
from tfbs_hub.tui.logo import consensus, logo
from tfbs_hub.tui.text import block, cut, line, pairs, told
from tfbs_hub.tui.widgets.drawing import Drawing
from tfbs_hub.workbench.messages import Learn, Learned, Motif

if TYPE_CHECKING:
    from tfbs_hub.cards import ExpertCard, Training
    from tfbs_hub.hookspecs import ExpertSpec
    from tfbs_hub.tui.app import HubApp

__all__ = ["ExpertDetail", "base_styles", "facts", "measured", "trained"]

_LOGO_ROWS = 5


class ExpertDetail(VerticalScroll):
    """The pane beside the table."""

    def __init__(self, classes: str) -> None:
        super().__init__(classes=classes)
        self._spec: ExpertSpec | None = None

    def compose(self) -> ComposeResult:
        """Facts, then the motif, which takes a moment longer, then the rest."""
        yield Drawing(id="measured", classes="charts")
        yield Static(id="motif", classes="gap")
        yield Static(id="facts", classes="gap")

    def empty(self, desk: Desk, *, filtered: bool) -> None:
        """There is nothing to show."""
        self._spec = None
        self.border_title = ""
        if desk.trouble is not None:
            text = told(desk.trouble)
        elif filtered:
            text = Text("No expert matches the filter. Escape clears it.")
        else:
            text = Text.assemble(
                ("No experts yet.\n\n", "bold"),
                "Press ",
                ("a", "bold"),
                " to train one: on ENCODE's data, on your own peaks or sequences,\n"
                "on sequences simulated from JASPAR, or straight from a matrix.\n\n",
                ("Packages bring experts too: tfbs-hub plugins", "dim"),
            )
        self.query_one("#facts", Static).update(text)
        self.query_one("#measured", Drawing).tell("")
        self.query_one("#motif", Static).update("")

    def show(self, spec: ExpertSpec, desk: Desk) -> None:
        """An expert."""
        same = self._spec is not None and self._spec.card == spec.card
        self._spec = spec
        self.border_title = line(spec.card.name)
        self.query_one("#measured", Drawing).draw(lambda width: _charts(spec.card, min(width, 100)))
        self.query_one("#facts", Static).update(facts(spec, desk))
        if not same:
            self.query_one("#motif", Static).update(Text("motif…", "dim"))
            self._ask(compute=False)

    def learn(self) -> None:
        """Compute the motifs, if nobody has yet."""
        if self._spec is not None:
            self._ask(compute=True)

    @work(exclusive=True, group="motif")
    async def _ask(self, *, compute: bool) -> None:
        app = cast("HubApp", self.app)
        spec = self._spec
        if spec is None:
            return
        place = self.query_one("#motif", Static)

        def report(event: Event) -> None:
            share = f" {event.done / event.total:.0%}" if event.total else ""
            place.update(line(f"{event.task}{share}", "dim"))

        try:
            found = await app.ask(Learn(name=spec.card.name, compute=compute), Learned, patient=True, report=report)
        except TfbsHubError as error:
            place.update(told(error))
            return
        place.update(self._drawn(found))

    def _drawn(self, found: Learned) -> Text:
        styles = base_styles(cast("HubApp", self.app))
        parts = [_motif("learned", motif, styles) for motif in found.motifs]
        if found.known is not None:
            parts.append(_motif("known", found.known, styles))
        if not found.computed:
            hint = Text.assemble("press ", ("m", "bold"), " to see what it has learned itself", style="dim")
            parts.append(hint)
        elif found.note:
            parts.append(line(found.note, "dim"))
        return Text("\n\n").join(parts) if parts else Text("no motif is known", "dim")


def base_styles(app: HubApp) -> dict[str, str]:
    """How each base is written."""
    return {base: f"bold {app.colours[f'base-{base.lower()}']}" for base in "ACGT"}


def _motif(kind: str, motif: Motif, styles: dict[str, str]) -> Text:
    head = Text.assemble((f"{kind:<9}", "dim"), (cut(motif.name, 24), "bold"), "  ", (cut(motif.note, 70), "dim"))
    rows = [Text(" " * 9).append_text(row) for row in logo(motif.share, _LOGO_ROWS, styles)]
    while len(rows) > 1 and not rows[0].plain.strip():
        rows.pop(0)
    foot = Text(" " * 9).append(consensus(motif.share), "dim")
    return Text("\n").join([head, *rows, foot])


def _charts(card: ExpertCard, width: int) -> Text:
    return Text("\n").join([measured(card, width), trained(card, width)])


def measured(card: ExpertCard, width: int) -> Text:
    """Figures with their intervals to scale, the headline first."""
    head = card.metric()
    rows = []
    span, strip = (_floor(card), 1.0), min(max(width - 42, 8), 24)
    for metric in sorted(card.metrics, key=lambda metric: (metric is not head, metric.name != "auroc")):
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{metric.name.upper():<7}", "bold" if metric is head else "")
        text.append(f"{metric.value:.3f} ", "bold" if metric is head else "")
        if metric.ci95 is None:
            text.append(" " * (strip + 12))
        else:
            text.append_text(interval_strip(metric.value, *metric.ci95, strip, span=span))
            text.append(f" {metric.ci95[0]:.3f}-{metric.ci95[1]:.3f}", "dim")
        room = width - text.cell_len - 2
        name = "" if metric.data == "validation" else f": {metric.data}"
        text.append(f"  {'test' if name else 'validation'}{cut(name, room - 4) if room > 12 else ''}", "dim")
        rows.append(text)
    return Text("\n").join(rows) if rows else Text("never measured", "dim")


def _floor(card: ExpertCard) -> float:
    """Where the axis of intervals begins."""
    return axis_start(metric.ci95[0] for metric in card.metrics if metric.ci95 is not None)


def trained(card: ExpertCard, width: int) -> Text:
    """The training curve."""
    training: Training | None = card.training
    if training is None:
        return Text("\nnot trained: the weights are a matrix", "dim")
    if not training.curve:
        return Text()
    aurocs = [point.auroc for point in training.curve]
    losses = [point.loss for point in training.curve]
    best = max(training.curve, key=lambda point: point.auroc)
    room = max(min(width - 42, 3 * len(aurocs)), 6)
    text = Text("\n")
    text.append("validation   ", "dim")
    text.append(sparkline(_stretched(aurocs, room), room))
    text.append(f"  {best.auroc:.3f}", "bold")
    text.append(f" at epoch {best.epoch} of {len(aurocs)}\n", "dim")
    text.append("loss         ", "dim")
    text.append(sparkline(_stretched(losses, room), room), "dim")
    text.append(f"  {losses[0]:.3f} → {losses[-1]:.3f}", "dim")
    return text


def _stretched(values: list[float], width: int) -> list[float]:
    return [values[place * len(values) // width] for place in range(width)] if len(values) < width else values


def facts(spec: ExpertSpec, desk: Desk) -> Table:
    """The card."""
    card = spec.card
    data = card.provenance
    state = "on: the next gate mixes it" if spec.enabled else "off: the next gate leaves it out"
    gate = "in the current gate" if desk.in_gate(spec) else "not in the current gate"
    dropped = f", {data.dropped:,} dropped (a 32-mer shared with a test file)" if data.dropped else ""
    config = ", ".join(f"{key} {value}" for key, value in card.config.items())
    rows: list[tuple[str, str | Text]] = [
        ("factor", f"{card.tf}{f' ({card.family})' if card.family else ''}"),
        ("cell", card.cell),
        ("state", f"{state}; {gate}"),
        ("network", f"{short_architecture(card.architecture)} ({config})" if config else card.architecture),
        ("window", f"{card.window} bp, {card.embedding_dim} numbers out"),
        ("data", block(f"{data.source}{', SIMULATED' if data.simulated else ''}  {data.note}")),
        ("files", "\n".join(f"{file.name}  {file.rows:,} rows, {file.sha256[:12]}…" for file in data.files)),
        ("sequences", f"{data.positives:,} bound{dropped}; against: {data.negatives}" if data.positives else ""),
        ("training", _training(card.training)),
        ("gate set", f"{card.gate_set.kind}{', simulated' if card.gate_set.simulated else ''}"),
        ("from", "" if spec.origin == "registry" else spec.origin),
        ("licence", card.licence),
        ("cite", card.citation),
        ("digest", card.weights_sha256),
    ]
    return pairs(rows)


def _training(training: Training | None) -> str:
    if training is None:
        return ""
    trials = f", {training.trials} trials" if training.trials else ""
    return f"seed {training.seed}{trials}; {training.fitted:,} fitted, {training.held_out:,} held out"
