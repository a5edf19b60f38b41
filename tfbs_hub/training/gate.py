"""Training a gate over cached embeddings of frozen experts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tfbs_hub.cards import GateSetScore, Training
from tfbs_hub.errors import UsageError
from tfbs_hub.experts.contract import Recipe
from tfbs_hub.gate.gate_sets import GateSet
from tfbs_hub.gate.model import Gate
from tfbs_hub.metrics import auroc
from tfbs_hub.progress import Report, silent
from tfbs_hub.seeding import derive, generator
from tfbs_hub.training.checkpoint import Checkpoint, fingerprint
from tfbs_hub.training.fit import Rows, cross_entropy, fit, validation_auroc

__all__ = ["RECIPES", "GateRecipe", "GateTask", "TrainedGate", "mean_auroc", "scores", "suggest", "train_gate"]


@dataclass(frozen=True, kw_only=True)
class GateRecipe(Recipe):
    """Optimiser settings of a gate.

    Attributes:
        standardise: train on embeddings of mean 0 and variance 1; the finished gate takes raw ones all the same,
            because its weights absorb the change of scale.
        balance: every gate set has as many rows in an epoch as every other, drawn anew each time; without it a
            large set drowns a small one.
        expert_dropout: probability that an expert may not speak for a training row, so that the others learn to.
        centre: fit the bias anew together with the temperature (Platt scaling); without it only the temperature.
    """

    standardise: bool = False
    balance: bool = False
    expert_dropout: float = 0.0
    centre: bool = False


RECIPES: Final[Mapping[str, GateRecipe]] = {
    "balanced": GateRecipe(
        learning_rate=2e-3,
        weight_decay=1e-2,
        epochs=20,
        patience=5,
        batch=512,
        standardise=True,
        balance=True,
        expert_dropout=0.1,
        centre=True,
    ),
    "paper": GateRecipe(
        optimiser="sgd",
        learning_rate=0.01,
        momentum=0.98,
        weight_decay=0.0,
        schedule="constant",
        epochs=500,
        patience=10,
        batch=256,
        clip=0.0,
    ),
}
"""Gate recipes by name; both train the same network, equations 1-9 of Tripathi et al. 2024.

"paper" is the optimiser of its section III-B. With a dozen experts it falls silent about some of them: over the twelve
TFs of the shipped experts and of tfbs-experts-encode the quietest expert's mean alpha is .001, and a TF's own expert
has .35 on its sites. "balanced", the default, gives the quietest .044 and a TF's own expert .42, at equal accuracy:
mean validation AUROC .920 against .919, on the TFs' own test files .956 and .956, with each TF's expert and gate set
left out in turn .874 against .876 (tests/benchmarks/generalisation.py). It also keeps a small gate set from being
drowned by a large one, and calibrates the bias as well as the temperature. It does not start from the gate before: the
same experts, sets and seed give the same bytes, whatever came earlier.
"""

MIN_STRONG: Final = 50
"""Strong rows that a gate set must have for its temperature to be fitted to them alone."""

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class GateTask:
    """What a gate is to learn from.

    Attributes:
        names: the experts' names, in the gate's order.
        widths: the experts' embedding widths.
        gate_sets: sequences, labels, split.
        embeddings: for each gate set float32 (2, n, sum of widths): as given, reverse complement.
        seed: from which every random choice follows.
    """

    names: Sequence[str]
    widths: Sequence[int]
    gate_sets: Sequence[GateSet]
    embeddings: Sequence[Array]
    seed: int


@dataclass(frozen=True, eq=False)
class TrainedGate:
    """A trained gate, in eval mode, on the CPU, with what its card says."""

    gate: Gate
    temperature: float
    training: Training
    scores: tuple[GateSetScore, ...]


def train_gate(
    task: GateTask,
    *,
    recipe: GateRecipe = RECIPES["balanced"],
    hidden: int = 32,
    device: torch.device | None = None,
    checkpoints: Path | None = None,
    watch: Callable[[int, float], None] | None = None,
    report: Report = silent,
) -> TrainedGate:
    """Fit a gate; the weights are those of the epoch with the best mean validation AUROC over the gate sets.

    Both strands of every sequence are training rows; validation averages their logits, as prediction does.
    """
    if not task.gate_sets:
        raise UsageError("a gate needs at least one gate set")
    place = device or torch.device("cpu")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(task.seed, "gate"))
        gate = Gate(task.widths, hidden)
    raw = [torch.from_numpy(array).to(place) for array in task.embeddings]
    standard = _standard(task, raw) if recipe.standardise else None
    parts = raw if standard is None else [(part - standard[0]) / standard[1] for part in raw]
    rows = _Rows(task, parts, balance=recipe.balance)
    digest = fingerprint(
        sets=[gate_set.digest for gate_set in task.gate_sets],
        # They stand for the experts: a name alone does not say which version.
        embeddings=[hashlib.sha256(array.tobytes()).hexdigest() for array in task.embeddings],
        widths=list(task.widths),
        names=list(task.names),
        recipe=recipe.as_dict(),
        hidden=hidden,
        seed=task.seed,
        torch=str(torch.__version__),
        device=place.type,
    )
    gate.to(place)
    result = fit(
        gate,
        recipe,
        rows=rows,
        prepare=lambda embeddings: embeddings,
        validate=lambda: mean_auroc(gate, task, parts),
        seed=task.seed,
        loss=_loss(recipe.expert_dropout),
        checkpoint=None if checkpoints is None else Checkpoint(checkpoints, digest),
        watch=watch,
        report=report,
        task="training the gate",
    )
    if standard is not None:
        gate.fold(*standard)
    temperature, offset = _calibration(gate, task, raw, centre=recipe.centre)
    with torch.no_grad():
        gate.classifier.bias.add_(offset)
    found = tuple(
        _score(gate, task, gate_set, part, temperature) for gate_set, part in zip(task.gate_sets, raw, strict=True)
    )
    if checkpoints is not None:
        Checkpoint(checkpoints, digest).clear()
    held_out = sum(int(gate_set.validation.sum()) for gate_set in task.gate_sets)
    training = Training(
        seed=task.seed,
        recipe=recipe.as_dict(),
        fitted=rows.sequences,
        held_out=held_out,
        curve=result.curve,
    )
    return TrainedGate(gate.cpu().eval(), temperature, training, found)


class _Rows:
    """Training rows of an epoch: both strands of what is not held out, drawn set by set if they are balanced."""

    def __init__(self, task: GateTask, parts: Sequence[Tensor], *, balance: bool) -> None:
        self._seed = task.seed
        self._sets = []
        for gate_set, part in zip(task.gate_sets, parts, strict=True):
            fitted = torch.from_numpy(~gate_set.validation).to(part.device)
            labels = torch.from_numpy(gate_set.labels.astype(np.float32)).to(part.device)[fitted]
            self._sets.append(Rows(part[:, fitted].flatten(0, 1), labels.repeat(2)))
        sizes = [len(each.labels) for each in self._sets]
        self.sequences = sum(sizes) // 2
        self._each = math.ceil(sum(sizes) / len(sizes)) if balance else None
        self._all = Rows(
            torch.cat([each.inputs for each in self._sets]), torch.cat([each.labels for each in self._sets])
        )

    def __call__(self, epoch: int) -> Rows:
        if self._each is None:
            return self._all
        starts = np.cumsum([0, *(len(each.labels) for each in self._sets)])
        drawn = []
        for place, rows in enumerate(self._sets):
            size = len(rows.labels)
            # Whole passes over a small set and a part of one: no row is drawn twice as often as another, plus one.
            order = generator(self._seed, "gate", epoch, place).permutation(size)
            drawn.append(starts[place] + np.resize(order, self._each))
        index = torch.from_numpy(np.concatenate(drawn)).to(self._all.labels.device)
        return Rows(self._all.inputs[index], self._all.labels[index])


def _standard(task: GateTask, parts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each embedding dimension over the training rows, every gate set alike."""
    fitted = [
        part[:, torch.from_numpy(~gate_set.validation).to(part.device)].flatten(0, 1)
        for gate_set, part in zip(task.gate_sets, parts, strict=True)
    ]
    centre = torch.stack([rows.mean(dim=0) for rows in fitted]).mean(dim=0)
    square = torch.stack([((rows - centre) ** 2).mean(dim=0) for rows in fitted]).mean(dim=0)
    return centre, square.sqrt().clamp_min(1e-6)


def _loss(dropout: float) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """Binary cross-entropy; with some experts silenced at random, a row's last one never."""
    if not dropout:
        return cross_entropy

    def loss(model: nn.Module, embeddings: Tensor, labels: Tensor) -> Tensor:
        if not isinstance(model, Gate):
            raise TypeError("experts can only be silenced in a gate")
        keep = torch.rand(len(labels), len(model.embedding_dims), device=labels.device) >= dropout
        keep |= ~keep.any(dim=1, keepdim=True)
        return nn.functional.binary_cross_entropy_with_logits(model.mix(embeddings, keep).logit, labels)

    return loss


@torch.inference_mode()
def scores(gate: Gate, embeddings: Tensor) -> tuple[Array, Array, Array]:
    """Strand-averaged logit (n,), alpha and contribution (n, experts) for embeddings (2, n, width)."""
    ahead, back = gate.mix(embeddings[0]), gate.mix(embeddings[1])
    logit, alpha, contribution = (((left + right) / 2).cpu().numpy() for left, right in zip(ahead, back, strict=True))
    return logit, alpha, contribution


def mean_auroc(gate: Gate, task: GateTask, parts: Sequence[Tensor]) -> float:
    """Mean validation AUROC over the gate sets, so that a large set does not drown a small one."""
    values = []
    for gate_set, part in zip(task.gate_sets, parts, strict=True):
        held_out = gate_set.validation
        values.append(validation_auroc(gate_set.labels[held_out], scores(gate, part[:, held_out])[0]))
    return float(np.mean(values))


def _calibration(gate: Gate, task: GateTask, parts: Sequence[Tensor], *, centre: bool) -> tuple[float, float]:
    """Temperature and offset that minimise the cross-entropy of (logit + offset) / temperature; 0 without `centre`.

    Guo et al. 2017 (ICML) and Platt 1999, on rows that no expert was fitted to. Where a set knows its strongest peaks
    these are taken, else its validation rows: a weak peak is not surely a site, and what is fitted to peaks of every
    strength is too modest about the sites that are. The price is that weak peaks are called a little too surely.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - slow to import, needed once

    chosen = [_telling(gate_set) for gate_set in task.gate_sets]
    logit = np.concatenate([scores(gate, part[:, rows])[0] for part, rows in zip(parts, chosen, strict=True)])
    label = np.concatenate([gate_set.labels[rows] for gate_set, rows in zip(task.gate_sets, chosen, strict=True)])
    sign = np.where(label == 1, -1.0, 1.0)
    # Alike rows of either label: a set may hold more of one, and a probability shall be that of even odds.
    weight = np.where(label == 1, 0.5 / max(label.sum(), 1), 0.5 / max((label == 0).sum(), 1))

    def cross_entropy(place: NDArray[np.float64]) -> float:
        offset = place[1] if centre else 0.0
        return float((weight * np.logaddexp(0, sign * (logit + offset) / np.exp(place[0]))).sum())

    limit = [(-3.0, 3.0), (-5.0, 5.0)][: 1 + centre]
    best = minimize(
        cross_entropy, np.zeros(1 + centre), method="Nelder-Mead", bounds=limit, options={"xatol": 1e-6, "fatol": 1e-12}
    )
    return float(np.exp(best.x[0])), float(best.x[1]) if centre else 0.0


def _telling(gate_set: GateSet) -> NDArray[np.bool_]:
    strong = gate_set.strong
    return gate_set.validation if strong is None or strong.sum() < MIN_STRONG else strong


def _score(gate: Gate, task: GateTask, gate_set: GateSet, part: Tensor, temperature: float) -> GateSetScore:
    held_out = gate_set.validation
    labels = gate_set.labels[held_out]
    logit, alpha, contribution = scores(gate, part[:, held_out])
    bound = labels == 1

    def by_name(values: Array) -> dict[str, float]:
        return {name: float(value) for name, value in zip(task.names, values, strict=True)}

    return GateSetScore(
        name=gate_set.name,
        digest=gate_set.digest,
        kind="simulated" if gate_set.simulated else gate_set.kind,
        rows=len(gate_set),
        auroc=auroc(labels, logit),
        alpha=by_name(alpha[bound].mean(axis=0)),
        contribution=by_name(contribution[bound].mean(axis=0) / temperature),
    )


def suggest(trial: Any, recipe: GateRecipe) -> dict[str, Any]:
    """One point of the search space around a recipe: changes to it, and the gate's hidden width."""
    rate = recipe.learning_rate
    changes = {
        "learning_rate": trial.suggest_float("learning_rate", rate / 5, rate * 5, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        "hidden": trial.suggest_categorical("hidden", [16, 32, 64]),
    }
    if recipe.optimiser == "sgd":
        changes["momentum"] = trial.suggest_float("momentum", 0.8, 0.99)
    if recipe.expert_dropout:
        changes["expert_dropout"] = trial.suggest_float("expert_dropout", 0.0, 0.5)
    return changes
