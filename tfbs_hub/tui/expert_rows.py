"""What the table of experts shows of each, and what it can be sorted by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from tfbs_hub.tui.charts import axis_start, interval_strip
from tfbs_hub.tui.desk import Desk, short_architecture
from tfbs_hub.tui.text import line

if TYPE_CHECKING:
    from tfbs_hub.hookspecs import ExpertSpec

__all__ = ["COLUMNS", "ORDERS", "matches", "table_of"]

COLUMNS: Final = ("name", "TF", "family", "cell", "architecture", "AUROC", "interval", "source", "on", "gate")
_SPARED: Final = ("family", "architecture", "TF", "source", "cell")
"""Columns that go, one after another, where there is little room; what they say is in the details."""
ORDERS: Final[Mapping[str, Callable[[ExpertSpec, Desk], Any]]] = MappingProxyType(
    {
        "AUROC": lambda spec, desk: -_auroc(spec),
        "name": lambda spec, desk: spec.card.name.lower(),
        "TF": lambda spec, desk: spec.card.tf.lower(),
        "family": lambda spec, desk: spec.card.family.lower(),
        "cell": lambda spec, desk: spec.card.cell.lower(),
        "architecture": lambda spec, desk: short_architecture(spec.card.architecture).lower(),
        "source": lambda spec, desk: (spec.origin != "registry", spec.origin, spec.card.provenance.source),
        "on": lambda spec, desk: not spec.enabled,
        "gate": lambda spec, desk: not desk.in_gate(spec),
    }
)
"""What experts can be sorted by; equal ones stay as they were added."""
_STRIP: Final = 12
_WIDE_STRIP: Final = 22


def matches(spec: ExpertSpec, words: Sequence[str]) -> bool:
    """True if every word, in lower case, is somewhere in what the table or the details say of an expert."""
    searched = _searched(spec)
    return all(word in searched for word in words)


def table_of(specs: Sequence[ExpertSpec], desk: Desk, width: int) -> tuple[list[str], list[tuple[str, list[Text]]]]:
    """The titles of the columns that have room, and for every expert its name and cells."""
    start = axis_start(low for spec in desk.specs for low in _lows(spec))
    cells = {spec.card.name: _cells(spec, desk, start, _STRIP) for spec in specs}
    columns, room = _fitting(list(cells.values()), width)
    if room >= _WIDE_STRIP - _STRIP:
        cells = {spec.card.name: _cells(spec, desk, start, _WIDE_STRIP) for spec in specs}
    titles = [f"{start:.2f} to 1" if column == "interval" else column for column in columns]
    return titles, [(name, [row[column] for column in columns]) for name, row in cells.items()]


def _searched(spec: ExpertSpec) -> str:
    card = spec.card
    return " ".join(
        [card.name, card.tf, card.family, card.cell, card.architecture, card.provenance.source, spec.origin]
    ).lower()


def _auroc(spec: ExpertSpec) -> float:
    metric = spec.card.metric()
    return 0.0 if metric is None else metric.value


def _lows(spec: ExpertSpec) -> list[float]:
    metric = spec.card.metric()
    return [] if metric is None or metric.ci95 is None else [metric.ci95[0]]


def _fitting(rows: list[dict[str, Text]], width: int) -> tuple[list[str], int]:
    """The columns that have room side by side, and what is left of it."""
    columns = list(COLUMNS)
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
