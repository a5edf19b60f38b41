"""Good files of every kind, small ones, made anew: what the damage is done to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tfbs_hub.cards import ExpertCard, GateCard, GateMember, GateSetSpec, Metric, Provenance, Training
from tfbs_hub.experts import BUILTIN
from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.golden import make_golden
from tfbs_hub.experts.weights import pack_expert
from tfbs_hub.gate import gate_sets
from tfbs_hub.gate.model import Gate, MixtureOfExperts
from tfbs_hub.plugins import resolve
from tfbs_hub.registry import Registry
from tfbs_hub.registry.bundle import export_expert
from tfbs_hub.workflows.models import pack_gate

__all__ = ["Corpus", "make_corpus"]

WINDOW = 31
CONFIGS = {
    "deepbind": {"window": WINDOW, "detectors": 4, "width": 8, "embedding_dim": 6},
    "residual": {"window": WINDOW, "filters": 6, "width": 7, "blocks": 1, "embedding_dim": 5},
}


@dataclass(frozen=True)
class Corpus:
    """Good files.

    Attributes:
        registry: two experts and their gate.
        folder: where they lie, and where more may be written.
        cards, weights: of the experts, by name.
        gate: card and weights of the gate.
        bundles: one of each expert.
    """

    folder: Path
    registry: Path
    cards: dict[str, ExpertCard]
    weights: dict[str, bytes]
    gate: tuple[GateCard, bytes]
    bundles: dict[str, bytes]


def make_corpus(folder: Path) -> Corpus:
    """Make all of it in a new folder: untrained experts, so that it takes a second."""
    torch.manual_seed(0)
    registry = Registry.create(folder / "registry")
    cards, weights, experts = {}, {}, []
    for name, config in CONFIGS.items():
        expert = _expert(name, config)
        experts.append(expert)
        data = pack_expert(expert, BUILTIN[name])
        rows = np.random.default_rng(0).integers(0, 4, (12, WINDOW)).astype(np.uint8)
        gate_set = gate_sets.build(name, rows, 0)
        card = _card(name, expert, data, gate_set.digest)
        registry.add_expert(
            card, {"weights.safetensors": data, "gate-set.h5": gate_sets.stored_bytes(gate_set)}, enabled=True
        )
        cards[name], weights[name] = card, data
    gate_card, gate_weights = _gate(experts, list(cards.values()))
    registry.add_gate(gate_card, gate_weights)
    bundles = {name: export_expert(registry, name, folder / f"{name}.tfbs").read_bytes() for name in cards}
    return Corpus(folder, registry.path, cards, weights, (gate_card, gate_weights), bundles)


def _expert(name: str, config: dict[str, int]) -> Expert:
    expert: Expert = resolve(BUILTIN[name]).from_config(config)
    return expert.eval()


def _card(name: str, expert: Expert, weights: bytes, gate_set: str) -> ExpertCard:
    return ExpertCard(
        name=name,
        tf=name.upper(),
        architecture=BUILTIN[name],
        config=expert.config,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        window=expert.window,
        embedding_dim=expert.embedding_dim,
        provenance=Provenance(source="files", simulated=False, positives=12),
        training=Training(seed=0, recipe={"epochs": 1}),
        metrics=(Metric(name="auroc", value=0.5, data="validation", rows=12, ci95=(0.4, 0.6)),),
        golden=make_golden(expert, expert.window),
        gate_set=GateSetSpec(kind="stored", digest=gate_set),
        extra={"why": ["to be", "damaged"]},
    )


def _gate(experts: list[Expert], cards: list[ExpertCard]) -> tuple[GateCard, bytes]:
    gate = Gate([expert.embedding_dim for expert in experts], 4)
    weights = pack_gate(gate)
    mixture = MixtureOfExperts(experts, gate, 1.5)
    members = tuple(
        GateMember(name=card.name, digest=card.weights_sha256, embedding_dim=card.embedding_dim, window=card.window)
        for card in cards
    )
    card = GateCard(
        recipe_name="paper",
        config=gate.config,
        members=members,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        window=mixture.window,
        temperature=1.5,
        simulated=False,
        training=Training(seed=0),
        golden=make_golden(mixture, mixture.window),
    )
    return card, weights
