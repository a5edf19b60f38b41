"""Small changes of a registry, made through its storage layer: no networks, so thousands of them take seconds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tfbs_hub.cards import ExpertCard, GateCard, GateMember, GateSetSpec, Golden, Provenance, Training
from tfbs_hub.registry import Registry

__all__ = ["ADD", "EVALUATION", "GATE", "STEPS", "Step", "adding", "make_base", "open_folder"]

GOLDEN = Golden(sequences=("ACGT",), logits=(0.5,))
LATER = 10_000.0
"""Seconds by which a folder is made to look older, so that `gc` takes it."""


@dataclass(frozen=True)
class Step:
    """One change.

    Attributes:
        name: what it is called.
        run: does it to the registry in a folder, and returns when it is done.
        done: whether a registry has it.
    """

    name: str
    run: Callable[[Path], object]
    done: Callable[[Registry], bool]


def open_folder(folder: Path) -> Registry:
    return Registry.open(folder, read_only=False)


def add(folder: Path, name: str, weights: bytes | None = None, gate_set: bytes = b"") -> None:
    data = weights or f"weights of {name}".encode() * 20
    card = ExpertCard(
        name=name,
        tf=name,
        architecture="tfbs_hub.experts.deepbind:DeepBind",
        config={},
        weights_sha256=hashlib.sha256(data).hexdigest(),
        window=101,
        embedding_dim=32,
        provenance=Provenance(source="files", simulated=False),
        golden=GOLDEN,
        gate_set=GateSetSpec(kind="stored" if gate_set else "none", digest="0" * 64 if gate_set else ""),
    )
    files = {"weights.safetensors": data} | ({"gate-set.h5": gate_set} if gate_set else {})
    open_folder(folder).add_expert(card, files)


def promote(folder: Path, weights: bytes) -> None:
    registry = open_folder(folder)
    members = tuple(
        GateMember(name=spec.card.name, digest=spec.card.weights_sha256, embedding_dim=32, window=101)
        for spec in registry.experts()
        if spec.enabled
    )
    card = GateCard(
        recipe_name="paper",
        config={"hidden": 32},
        members=members,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        window=101,
        temperature=1.0,
        simulated=False,
        training=Training(seed=0),
        golden=GOLDEN,
    )
    registry.add_gate(card, weights)


def adding(name: str) -> Step:
    """Adding an expert of this name."""
    return Step(f"add {name}", lambda folder: add(folder, name), lambda registry: has(registry, name))


def has(registry: Registry, name: str) -> bool:
    return name in registry.head().experts


def enabled(registry: Registry, name: str) -> bool:
    return registry.head().experts[name].enabled


def _collect(folder: Path) -> None:
    registry = open_folder(folder)
    for path in folder.glob("experts/GONE/*"):
        for each in (path, *path.iterdir()):
            os.utime(each, (each.stat().st_mtime - LATER,) * 2)
    registry.gc(keep=1, apply=True)


RUN = b"a finished run" * 50
GATE_DIGEST = hashlib.sha256(b"gate" * 90).hexdigest()

ADD = Step("add", lambda f: add(f, "REST", gate_set=b"sequences" * 30), lambda registry: has(registry, "REST"))
GATE = Step("gate", lambda f: promote(f, b"gate" * 90), lambda registry: registry.head().gate == GATE_DIGEST)
EVALUATION = Step(
    "evaluation",
    lambda f: open_folder(f).place_evaluation("run", RUN),
    lambda registry: [path.read_bytes() for path in registry.evaluations()] == [RUN],
)
STEPS = (
    ADD,
    GATE,
    EVALUATION,
    Step("disable", lambda f: open_folder(f).set_enabled("STAT3", False), lambda r: not enabled(r, "STAT3")),
    Step("enable", lambda f: open_folder(f).set_enabled("OFF", True), lambda registry: enabled(registry, "OFF")),
    Step("remove", lambda f: open_folder(f).remove("OFF"), lambda registry: not has(registry, "OFF")),
    Step("rollback", lambda f: open_folder(f).rollback(2), lambda registry: not has(registry, "OFF")),
    Step("collect", _collect, lambda registry: len(registry.generations()) == 1),
)
"""Every kind of change, each possible on the base by itself."""


def make_base(folder: Path) -> None:
    """A registry with an expert and its gate, a disabled expert, and the bytes of one that was removed."""
    Registry.create(folder)
    add(folder, "STAT3")
    promote(folder, b"first gate" * 40)
    add(folder, "GONE")
    open_folder(folder).remove("GONE")
    add(folder, "OFF")
    open_folder(folder).set_enabled("OFF", False)
