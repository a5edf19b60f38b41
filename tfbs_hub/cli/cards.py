"""Cards as rows of reports."""

from __future__ import annotations

from typing import Any

from tfbs_hub.experts import BUILTIN
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.registry import GateRecord

__all__ = ["architecture_name", "expert_row", "is_mixed"]


def architecture_name(reference: str) -> str:
    """The short name of a built-in architecture; of another, its class."""
    names = {value: name for name, value in BUILTIN.items()}
    return names.get(reference) or reference.rpartition(":")[2]


def is_mixed(spec: ExpertSpec, gate: GateRecord | None) -> bool:
    """True if the gate mixes this version of the expert."""
    return gate is not None and any(member.digest == spec.card.weights_sha256 for member in gate.card.members)


def expert_row(spec: ExpertSpec, gate: GateRecord | None) -> dict[str, Any]:
    """An expert as `experts --json` lists it, beside the current gate."""
    card = spec.card
    metric = card.metric()
    return {
        "name": card.name,
        "tf": card.tf,
        "cell": card.cell,
        "digest": card.weights_sha256,
        "enabled": spec.enabled,
        "in_gate": is_mixed(spec, gate),
        "architecture": architecture_name(card.architecture),
        "auroc": None if metric is None else metric.value,
        "auroc_ci95": None if metric is None or metric.ci95 is None else list(metric.ci95),
        "auroc_on": None if metric is None else metric.data,
        "source": card.provenance.source,
        "simulated": card.provenance.simulated,
        "origin": spec.origin,
    }
