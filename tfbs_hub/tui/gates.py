"""A gate, drawn: who is loud on which sequences, what a retrain has changed, how it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tfbs_hub.names import short
from tfbs_hub.tui.charts import heat, sparkline
from tfbs_hub.tui.text import block, cut, line

if TYPE_CHECKING:
    from tfbs_hub.registry import GateRecord

__all__ = ["before_of", "drawn", "heat_map"]

_CELL: Final = 9


def drawn(
    gate: GateRecord,
    before: Mapping[str, float | None],
    previous: GateRecord | None,
    width: int,
    theme: Mapping[str, str],
) -> Group:
    """Everything about a gate.

    Args:
        before: AUROC of the gate before it, by gate set.
        previous: that gate.
    """
    parts: list[RenderableType] = [
        _title("mean weight of each expert, on the bound sequences of each gate set"),
        heat_map(gate, width, theme, contribution=False),
        Text(),
        _title("mean part of the logit"),
        heat_map(gate, width, theme, contribution=True),
        Text(),
        _title("validation AUROC" + (f", before ({short(previous.digest)[:8]}) and now" if previous else "")),
        _scores(gate, before, theme),
        Text(),
        _facts(gate, previous, width),
    ]
    return Group(*parts)


def heat_map(gate: GateRecord, width: int, theme: Mapping[str, str], *, contribution: bool) -> Text:
    """Gate sets by experts; colours say how much, and so do the figures."""
    members = [member.name for member in gate.card.members]
    sets = gate.card.gate_sets
    if not sets:
        return Text("nobody measured it", "dim")
    label = min(max(len(score.name) for score in sets), 16)
    fitting = members[: max((width - label - 2) // _CELL, 1)]
    values = [
        [(score.contribution if contribution else score.alpha).get(name, 0.0) for name in fitting] for score in sets
    ]
    reach = max((abs(value) for row in values for value in row), default=1.0) or 1.0
    text = Text(f"{'':<{label}}  ", no_wrap=True)
    for name in fitting:
        text.append(f"{cut(name, _CELL - 1):^{_CELL}}", "dim")
    for score, row in zip(sets, values, strict=True):
        text.append(f"\n{cut(score.name, label):<{label}}  ")
        for value in row:
            share = abs(value) / reach if contribution else value
            high = theme["error"] if value < 0 else theme["accent"]
            shown = f"{value:+.2f}" if contribution else f"{value:.2f}"
            text.append_text(
                heat(share, shown, _CELL, low=theme["background"], high=high, dark="#101214", light="#f4f6f8")
            )
    if len(fitting) < len(members):
        text.append(f"\nand {len(members) - len(fitting)} more experts: a wider terminal shows them", "dim")
    return text


def before_of(
    gate: GateRecord, previous: GateRecord | None, told: Mapping[str, float | None] | None
) -> dict[str, float | None]:
    """AUROC of the gate before on each gate set: as the retrain told, or as that gate's own card has it."""
    if told is not None:
        return dict(told)
    known = {} if previous is None else {score.digest: score.auroc for score in previous.card.gate_sets}
    return {score.name: known.get(score.digest) for score in gate.card.gate_sets}


def _scores(gate: GateRecord, before: Mapping[str, float | None], theme: Mapping[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("gate set", "kind", "rows", "before", "now", "change"):
        table.add_column(title, justify="left" if title in {"gate set", "kind"} else "right", no_wrap=True)
    for score in gate.card.gate_sets:
        old = before.get(score.name)
        change = Text("-", "dim")
        if old is not None:
            gained = score.auroc - old
            style = theme["success"] if gained > 0.0005 else theme["error"] if gained < -0.0005 else "dim"
            change = Text(f"{'▲' if gained > 0.0005 else '▼' if gained < -0.0005 else '='} {gained:+.3f}", style)
        table.add_row(
            line(cut(score.name, 24)),
            line(score.kind, "dim"),
            f"{score.rows:,}",
            "-" if old is None else f"{old:.3f}",
            Text(f"{score.auroc:.3f}", "bold"),
            change,
        )
    return table


def _facts(gate: GateRecord, previous: GateRecord | None, width: int) -> Table:
    card = gate.card
    aurocs = [point.auroc for point in card.training.curve]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    if aurocs:
        curve = Text(sparkline(aurocs, max(min(width - 30, 60), 10)))
        curve.append(f"  {max(aurocs):.3f} best of {len(aurocs)} epochs", "dim")
        table.add_row("training", curve)
    rows = [
        ("experts", _experts(gate, previous)),
        ("recipe", line(f"{card.recipe_name}{', on SIMULATED gate sets' if card.simulated else ''}")),
        ("temperature", Text(f"{card.temperature:.3f}")),
        (
            "sequences",
            Text(f"{card.training.fitted:,} fitted, {card.training.held_out:,} held out; seed {card.training.seed}"),
        ),
        ("window", Text(f"{card.window} bp")),
        ("digest", Text(gate.digest)),
    ]
    for label, value in rows:
        table.add_row(label, value)
    return table


def _experts(gate: GateRecord, previous: GateRecord | None) -> Text:
    """Who is mixed; who came and who went, against the gate before."""
    names = [member.name for member in gate.card.members]
    old = {member.digest: member.name for member in previous.card.members} if previous else {}
    text = Text()
    for place, member in enumerate(gate.card.members):
        new = previous is not None and member.digest not in old
        text.append(", " if place else "")
        text.append(cut(member.name, 30), "bold" if new else "")
        text.append(" (new)" if new else "", "dim")
    gone = [name for digest, name in old.items() if name not in names]
    if gone:
        text.append(f"; without {', '.join(cut(name, 30) for name in gone)}", "dim")
    return text


def _title(text: str) -> Text:
    return block(text, "bold")
