"""Retraining the gate over frozen experts, without touching a byte of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tfbs_hub.about import __version__
from tfbs_hub.cards import ExpertCard, GateCard, GateMember
from tfbs_hub.errors import UsageError
from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.golden import make_golden
from tfbs_hub.gate.embeddings import Embedded, EmbeddingCache
from tfbs_hub.gate.gate_sets import GateSet
from tfbs_hub.gate.model import Gate, MixtureOfExperts
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.metrics import auroc
from tfbs_hub.prediction import choose_device
from tfbs_hub.progress import Report, silent
from tfbs_hub.registry import Registry
from tfbs_hub.training.checkpoint import fingerprint
from tfbs_hub.training.gate import RECIPES, GateRecipe, GateTask, TrainedGate, scores, suggest, train_gate
from tfbs_hub.training.search import search
from tfbs_hub.workflows.gather import gather
from tfbs_hub.workflows.models import pack_gate
from tfbs_hub.workflows.outcomes import Retrained, unchanged
from tfbs_hub.workflows.shelf import Shelf

__all__ = ["BuiltGate", "Member", "Previous", "build_gate", "retrain"]


@dataclass(frozen=True, eq=False)
class Member:
    """An expert that the gate shall mix."""

    card: ExpertCard
    expert: Expert

    @property
    def digest(self) -> str:
        """Digest of its weights."""
        return self.card.weights_sha256


@dataclass(frozen=True, eq=False)
class Previous:
    """The gate that was current before: its network, and its members' digests in order."""

    gate: Gate
    digests: Sequence[str]


@dataclass(frozen=True, eq=False)
class BuiltGate:
    """A trained gate.

    Attributes:
        card: complete.
        weights: bytes of its weights file.
        embedded: how many embeddings were computed and reused.
        before: AUROC of the gate before, by gate set; None where it cannot be said.
        mixture: the model, in eval mode, on the CPU.
    """

    card: GateCard
    weights: bytes
    embedded: Embedded
    before: Mapping[str, float | None]
    mixture: MixtureOfExperts


def retrain(
    registry: Registry,
    shelf: Shelf,
    specs: Sequence[ExpertSpec],
    *,
    gate: str,
    data: Sequence[Path],
    simulated_gate_sets: bool,
    trials: int,
    device: str,
    seed: int,
    cache: Path,
    report: Report,
) -> Retrained:
    """Train a gate over the experts of `specs` and make it current; see `Hub.retrain_gate`.

    Raises:
        BusyError: somebody else made another gate current meanwhile.
        IntegrityError: a weights file changed meanwhile.
    """
    place = choose_device(device)
    before = registry.snapshot_digests()
    members = [Member(spec.card, shelf.expert(spec)) for spec in specs]
    gate_sets = gather(specs, data, simulated=simulated_gate_sets, seed=seed, report=report)
    record = registry.gate()
    previous = None
    if record is not None:
        previous = Previous(shelf.mixture(record).gate, [member.digest for member in record.card.members])
    built = build_gate(
        members,
        gate_sets,
        recipe_name=gate,
        previous=previous,
        trials=trials,
        seed=seed,
        device=place,
        cache=cache,
        report=report,
    )
    old = None if record is None else record.digest
    promoted = registry.add_gate(built.card, built.weights, expected=old)
    return Retrained(
        card=promoted.card,
        previous=old,
        before=built.before,
        computed=built.embedded.computed,
        reused=built.embedded.reused,
        embedding_seconds=built.embedded.seconds,
        untouched={path: digest for path, digest in unchanged(registry, before).items() if path.startswith("experts/")},
    )


def build_gate(
    members: Sequence[Member],
    gate_sets: Sequence[GateSet],
    *,
    recipe_name: str = "balanced",
    previous: Previous | None = None,
    trials: int = 0,
    seed: int = 0,
    device: torch.device | None = None,
    cache: Path,
    report: Report = silent,
) -> BuiltGate:
    """Train a gate over `members` on `gate_sets` and write its card.

    Raises:
        UsageError: no experts, no gate sets, or an unknown recipe.
    """
    if not members or not gate_sets:
        raise UsageError("a gate needs at least one expert and one gate set", hint="add one: tfbs-hub add-expert TF")
    if recipe_name not in RECIPES:
        raise UsageError(f"unknown gate {recipe_name!r}", hint=f"use one of {', '.join(RECIPES)}")
    place = device or torch.device("cpu")
    embedded = EmbeddingCache(cache / "embeddings").embeddings(
        {member.digest: member.expert for member in members}, gate_sets, device=place, report=report
    )
    task = GateTask(
        names=[member.card.name for member in members],
        widths=[member.card.embedding_dim for member in members],
        gate_sets=gate_sets,
        embeddings=[_joined(embedded, members, gate_set) for gate_set in gate_sets],
        seed=seed,
    )
    run = _runner(task, RECIPES[recipe_name], place, cache, report)
    searched = fingerprint(
        sets=[gate_set.digest for gate_set in gate_sets],
        members=[member.digest for member in members],
        recipe=RECIPES[recipe_name].as_dict(),
        seed=seed,
    )
    changes = _searched(run, RECIPES[recipe_name], trials, seed, searched, cache, report) if trials else {}
    trained = run(changes, None)
    mixture = MixtureOfExperts([member.expert for member in members], trained.gate, trained.temperature)
    weights = pack_gate(trained.gate)
    card = GateCard(
        recipe_name=recipe_name,
        config=trained.gate.config,
        members=tuple(
            GateMember(
                name=member.card.name,
                digest=member.digest,
                embedding_dim=member.card.embedding_dim,
                window=member.card.window,
            )
            for member in members
        ),
        weights_sha256=sha256(weights).hexdigest(),
        window=mixture.window,
        temperature=trained.temperature,
        simulated=any(gate_set.simulated for gate_set in gate_sets),
        training=replace(trained.training, trials=trials),
        gate_sets=trained.scores,
        golden=make_golden(mixture, mixture.window),
        versions={"tfbs_hub": __version__, "torch": str(torch.__version__).split("+")[0]},
    )
    before = {gate_set.name: _before(previous, embedded, gate_set) for gate_set in gate_sets}
    return BuiltGate(card, weights, embedded, before, mixture)


def _joined(embedded: Embedded, members: Sequence[Member], gate_set: GateSet) -> np.ndarray[Any, np.dtype[np.float32]]:
    arrays = [embedded.arrays[member.digest, gate_set.digest] for member in members]
    return np.concatenate(arrays, axis=2)


_Run = Callable[[Mapping[str, Any], Callable[[int, float], None] | None], TrainedGate]


def _runner(task: GateTask, recipe: GateRecipe, device: torch.device, cache: Path, report: Report) -> _Run:
    def run(changes: Mapping[str, Any], watch: Callable[[int, float], None] | None) -> TrainedGate:
        settings = dict(changes)
        return train_gate(
            task,
            hidden=settings.pop("hidden", 32),
            recipe=replace(recipe, **settings),
            device=device,
            checkpoints=cache / "training",
            watch=watch,
            report=report if watch is None else silent,
        )

    return run


def _searched(
    run: _Run, recipe: GateRecipe, trials: int, seed: int, digest: str, cache: Path, report: Report
) -> Mapping[str, Any]:
    best = search(
        trials,
        lambda trial, watch: max(point.auroc for point in run(suggest(trial, recipe), watch).training.curve),
        folder=cache / "search",
        digest=digest,
        seed=seed,
        report=report,
        task="searching for the gate",
    )
    found: Mapping[str, Any] = best.params
    return found


def _before(previous: Previous | None, embedded: Embedded, gate_set: GateSet) -> float | None:
    """Validation AUROC of the gate before, from embeddings that are at hand; None if one is not."""
    if previous is None or any((digest, gate_set.digest) not in embedded.arrays for digest in previous.digests):
        return None
    joined = np.concatenate([embedded.arrays[digest, gate_set.digest] for digest in previous.digests], axis=2)
    held_out = gate_set.validation
    logit = scores(previous.gate, torch.from_numpy(joined[:, held_out]))[0]
    return auroc(gate_set.labels[held_out], logit)
