"""The one fit loop: experts and gates, CPU or GPU, seeded, stoppable, resumable.

Every random choice of an epoch follows from the seed and the epoch's number, so a run that was killed and goes
on from its last checkpoint ends with the same bytes as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, optim

from tfbs_hub.cards import CurvePoint
from tfbs_hub.errors import TrainingError, UsageError
from tfbs_hub.experts.contract import Recipe
from tfbs_hub.metrics import auroc
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.seeding import derive
from tfbs_hub.training.checkpoint import Checkpoint, optimiser_tensors, restore_optimiser

__all__ = ["Fit", "Rows", "cross_entropy", "fit", "learning_rate", "validation_auroc"]

_DIVERGED: Final = "lower the learning rate or look at the sequences"
_FINAL_RATE: Final = 1e-4
"""Learning rate at the end of a one-cycle schedule, as a share of the peak."""


@dataclass(frozen=True)
class Rows:
    """One epoch's training rows, on the device.

    Attributes:
        inputs: (n, …), whatever `prepare` takes.
        labels: float (n,), 0 or 1.
    """

    inputs: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Fit:
    """How a run went: one point an epoch, and the epoch (1-based) whose weights were kept."""

    curve: tuple[CurvePoint, ...]
    best_epoch: int
    best_auroc: float


def cross_entropy(model: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy of the model's logits."""
    return nn.functional.binary_cross_entropy_with_logits(model(x), labels)


def validation_auroc(labels: NDArray[np.int8], scores: NDArray[np.float32]) -> float:
    """AUROC of a model in training; raises `TrainingError` if a score is not finite: its weights ran away."""
    if not np.isfinite(scores).all():
        raise TrainingError("the model's scores are no longer finite", hint=_DIVERGED)
    return auroc(labels, scores)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of a step (0-based) of `steps`: one cycle up and down, or constant; raises `UsageError`."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule != "one-cycle":
        raise UsageError(f"unknown schedule {recipe.schedule!r}", hint="use one-cycle or constant")
    rise = max(1.0, recipe.warm_up * steps)
    if step < rise:
        return recipe.learning_rate * (0.04 + 0.96 * step / rise)
    fall = (step - rise) / max(1.0, steps - rise)
    return recipe.learning_rate * (_FINAL_RATE + (1 - _FINAL_RATE) * (1 + math.cos(math.pi * fall)) / 2)


def fit(
    model: nn.Module,
    recipe: Recipe,
    *,
    rows: Callable[[int], Rows],
    prepare: Callable[[Tensor], Tensor],
    validate: Callable[[], float],
    seed: int,
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor] = cross_entropy,
    checkpoint: Checkpoint | None = None,
    watch: Callable[[int, float], None] | None = None,
    report: Report = silent,
    task: str = "training",
) -> Fit:
    """Train a model where it stands (its device, in place) and leave it with the best epoch's weights, in eval mode.

    Args:
        model: anything `loss` can score.
        recipe: optimiser settings.
        rows: training rows of an epoch (0-based); their number must not change.
        prepare: rows to the model's input, batch by batch (one-hot, for instance).
        validate: validation AUROC of the model as it is.
        seed: from which every random choice follows.
        checkpoint: where the state is kept between epochs; the run goes on from it if it exists.
        watch: told (epoch, AUROC) after each epoch, those before a resumption too; may raise to end the run.

    Raises:
        TrainingError: the loss is not finite.
        UsageError: an unknown optimiser or schedule.
    """
    optimiser = _optimiser(model, recipe)
    run = _Run(model, optimiser)
    if checkpoint is not None:
        run.resume(checkpoint, watch)
    report(Event(task, run.epoch, recipe.epochs, run.message()))
    peak = math.ceil(recipe.warm_up * recipe.epochs) if recipe.schedule == "one-cycle" else 0
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        while run.epoch < recipe.epochs and not run.patience_over(recipe.patience, peak):
            _seed(device, derive(seed, "epoch", run.epoch))
            mean = _epoch(model, optimiser, recipe, rows(run.epoch), prepare, loss, run.epoch)
            model.eval()
            value = validate()
            run.note(mean, value)
            if checkpoint is not None:
                checkpoint.save(run.state(), run.tensors())
            report(Event(task, run.epoch, recipe.epochs, run.message()))
            if watch is not None:
                watch(run.epoch, value)
    if run.epoch < recipe.epochs:
        report(Event(task, recipe.epochs, recipe.epochs, run.message()))
    model.load_state_dict(run.best)
    model.eval()
    return Fit(tuple(run.curve), run.best_epoch, run.best_auroc)


def _seed(device: torch.device, seed: int) -> None:
    # `torch.manual_seed` would also reach GPUs whose state nobody put aside.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _optimiser(model: nn.Module, recipe: Recipe) -> optim.Optimizer:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if recipe.optimiser == "adamw":
        return optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    if recipe.optimiser == "sgd":
        return optim.SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=recipe.momentum > 0,
            weight_decay=recipe.weight_decay,
        )
    raise UsageError(f"unknown optimiser {recipe.optimiser!r}", hint="use adamw or sgd")


def _epoch(
    model: nn.Module,
    optimiser: optim.Optimizer,
    recipe: Recipe,
    rows: Rows,
    prepare: Callable[[Tensor], Tensor],
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor],
    epoch: int,
) -> float:
    """One pass over the rows; the mean loss. Nothing is read back from the device before the end."""
    model.train()
    total = torch.zeros((), device=rows.labels.device)
    count = math.ceil(len(rows.labels) / recipe.batch)
    for number, picked in enumerate(_batches(len(rows.labels), count, rows.labels.device)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, epoch * count + number, recipe.epochs * count)
        optimiser.zero_grad()
        value = loss(model, prepare(rows.inputs[picked]), rows.labels[picked])
        value.backward()  # type: ignore[no-untyped-call]
        if recipe.clip:
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimiser.step()
        total += value.detach()
    mean = float(total) / count
    if not math.isfinite(mean):
        raise TrainingError(f"the loss is not finite after epoch {epoch + 1}", hint=_DIVERGED)
    return mean


def _batches(rows: int, count: int, device: torch.device) -> Iterator[Tensor]:
    """A random order of the rows, cut into `count` parts of (almost) equal size."""
    yield from torch.randperm(rows).to(device).tensor_split(count)


class _Run:
    """State of a run between epochs."""

    def __init__(self, model: nn.Module, optimiser: optim.Optimizer) -> None:
        self.model = model
        self.optimiser = optimiser
        self.curve: list[CurvePoint] = []
        self.best = _copy(model.state_dict())
        self.best_epoch = 0
        self.best_auroc = -math.inf

    @property
    def epoch(self) -> int:
        return len(self.curve)

    def note(self, loss: float, auroc: float) -> None:
        self.curve.append(CurvePoint(epoch=self.epoch + 1, loss=loss, auroc=auroc))
        if auroc > self.best_auroc:
            self.best_epoch, self.best_auroc = self.epoch, auroc
            self.best = _copy(self.model.state_dict())

    def patience_over(self, patience: int, peak: int) -> bool:
        return self.epoch - max(self.best_epoch, peak) >= patience

    def message(self) -> str:
        return f"validation AUROC {self.best_auroc:.4f} (epoch {self.best_epoch})" if self.curve else ""

    def state(self) -> dict[str, Any]:
        return {"curve": [asdict(point) for point in self.curve], "best_epoch": self.best_epoch}

    def tensors(self) -> dict[str, Tensor]:
        return {
            **{f"model.{name}": tensor for name, tensor in self.model.state_dict().items()},
            **{f"best.{name}": tensor for name, tensor in self.best.items()},
            **optimiser_tensors(self.optimiser),
        }

    def resume(self, checkpoint: Checkpoint, watch: Callable[[int, float], None] | None) -> None:
        found = checkpoint.load()
        if found is None:
            return
        state, tensors = found
        self.curve = [CurvePoint(**point) for point in state["curve"]]
        self.best_epoch = state["best_epoch"]
        self.best_auroc = self.curve[self.best_epoch - 1].auroc if self.best_epoch else -math.inf
        self.model.load_state_dict(_under("model.", tensors))
        device = next(self.model.parameters()).device
        self.best = {name: tensor.to(device) for name, tensor in _under("best.", tensors).items()}
        restore_optimiser(self.optimiser, tensors)
        if watch is not None:
            for point in self.curve:
                watch(point.epoch, point.auroc)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _copy(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state.items()}
