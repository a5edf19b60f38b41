"""Training one expert from positives and a way to get negatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tfbs_hub.cards import Training
from tfbs_hub.errors import InputError
from tfbs_hub.experts.contract import Expert, Recipe
from tfbs_hub.prediction import logits
from tfbs_hub.progress import Report, silent
from tfbs_hub.seeding import derive, generator
from tfbs_hub.sequences.alphabet import UNKNOWN
from tfbs_hub.sequences.onehot import one_hot, reverse_complement_one_hot
from tfbs_hub.sequences.windows import fit_window
from tfbs_hub.training.checkpoint import Checkpoint, fingerprint
from tfbs_hub.training.fit import Rows, fit, validation_auroc
from tfbs_hub.training.negatives import Negatives

__all__ = ["HELD_OUT", "MAX_HELD_OUT", "MIN_HELD_OUT", "MIN_POSITIVES", "Task", "Trained", "split", "train"]

HELD_OUT: Final = 0.15
"""Share of positives that choose the epoch; the gate learns from them later."""
MIN_HELD_OUT: Final = 10
"""As many as a gate set needs; fewer would choose the epoch by chance."""
MAX_HELD_OUT: Final = 4000
MIN_POSITIVES: Final = 20

Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Task:
    """What an expert is to learn.

    Attributes:
        tf: the transcription factor, for progress messages.
        positives: uint8 (n, length).
        negatives: where negatives come from.
        seed: from which every random choice follows.
        digest: of everything that `positives` and `negatives` were made from; names the run's checkpoint.
    """

    tf: str
    positives: Codes
    negatives: Negatives
    seed: int
    digest: str


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained expert.

    Attributes:
        expert: in eval mode, on the CPU.
        training: for its card.
        labels, scores: of the validation rows: int8 (m,), strand-averaged logits (m,).
        held_out: positions in the positives that were not fitted.
    """

    expert: Expert
    training: Training
    labels: NDArray[np.int8]
    scores: NDArray[np.float32]
    held_out: NDArray[np.int64]


def split(rows: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions to fit and positions held out, each ascending; files are ordered by peak rank, so at random."""
    order = generator(seed, "split").permutation(rows)
    cut = min(max(MIN_HELD_OUT, round(rows * HELD_OUT)), MAX_HELD_OUT)
    return np.sort(order[cut:]), np.sort(order[:cut])


def train(
    task: Task,
    architecture: type[Expert],
    *,
    config: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
    device: torch.device | None = None,
    checkpoints: Path | None = None,
    watch: Callable[[int, float], None] | None = None,
    report: Report = silent,
) -> Trained:
    """Train a fresh network; the weights are those of the epoch with the best validation AUROC.

    Args:
        config: arguments of `architecture.from_config`; the window is the sequences' length unless given.
        recipe: optimiser settings; the architecture's own by default.
        checkpoints: folder in which an interrupted run leaves its state, and from which it goes on.
        watch: told (epoch, AUROC) after each epoch, those before a resumption too; may raise to end the run.

    Raises:
        InputError: too few positives.
        TrainingError: the loss or a validation score is not finite.
    """
    if len(task.positives) < MIN_POSITIVES:
        raise InputError(
            f"{len(task.positives)} positives are too few to train an expert for {task.tf}",
            hint=f"give at least {MIN_POSITIVES}, or use --architecture pwm with a matrix",
        )
    place = device or torch.device("cpu")
    recipe = recipe or architecture.recipe()
    config = {"window": int(task.positives.shape[1]), **(config or {})}
    # A seed of its own for the first weights, without touching the caller's random state.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(task.seed, "weights"))
        expert = architecture.from_config(config)
    fitted, held_out = split(len(task.positives), task.seed)
    validation = _Validation(task, expert, held_out)
    checkpoint = None if checkpoints is None else Checkpoint(checkpoints, _run_digest(task, expert, recipe, place))
    rows = _rows(task, fitted, expert.window, recipe, place)
    expert.to(place)
    result = fit(
        expert,
        recipe,
        rows=rows,
        prepare=_augmented(recipe),
        validate=validation.auroc,
        seed=task.seed,
        checkpoint=checkpoint,
        watch=watch,
        report=report,
        task=f"training {task.tf}",
    )
    expert.cpu().eval()
    # An epoch may hold several negatives for each positive; a probability shall be that of even odds.
    bound = float(rows(0).labels.mean())
    expert.shift_logit(math.log((1 - bound) / bound))
    if checkpoint is not None:
        checkpoint.clear()
    training = Training(
        seed=task.seed,
        recipe=recipe.as_dict(),
        fitted=len(fitted),
        held_out=len(held_out),
        curve=result.curve,
    )
    return Trained(expert, training, validation.labels, validation.scores(), held_out)


class _Validation:
    """The held-out positives and their negatives, fixed for the whole run."""

    def __init__(self, task: Task, expert: Expert, held_out: NDArray[np.int64]) -> None:
        positives = task.positives[held_out]
        negatives = task.negatives.validation(positives, task.seed)
        self.codes = np.concatenate([positives, negatives])
        self.labels = np.repeat(np.array([1, 0], dtype=np.int8), [len(positives), len(negatives)])
        self._expert = expert

    def scores(self) -> NDArray[np.float32]:
        """Strand-averaged logits of the validation rows."""
        expert = self._expert
        device = next(expert.parameters()).device
        return logits(expert, self.codes, window=expert.window, symmetric=expert.strand_symmetric, device=device)

    def auroc(self) -> float:
        """AUROC on the validation rows."""
        return validation_auroc(self.labels, self.scores())


def _rows(
    task: Task, fitted: NDArray[np.int64], window: int, recipe: Recipe, device: torch.device
) -> Callable[[int], Rows]:
    positives = task.positives[fitted]

    def rows(epoch: int) -> Rows:
        negatives = task.negatives.training(positives, recipe.negatives, task.seed, epoch)
        codes = fit_window(np.concatenate([positives, negatives]), window)
        labels = np.repeat(np.array([1, 0], dtype=np.float32), [len(positives), len(negatives)])
        # One upload an epoch; every batch is cut, encoded and turned on the device.
        return Rows(torch.from_numpy(codes).to(device), torch.from_numpy(labels).to(device))

    return rows


def _augmented(recipe: Recipe) -> Callable[[Tensor], Tensor]:
    """Codes (batch, length) to one-hot: the batch moved sideways, each sequence on either strand."""

    def prepare(codes: Tensor) -> Tensor:
        x = one_hot(_moved(_hidden(codes, recipe.unknown), recipe.shift))
        turn = torch.rand(len(x), 1, 1, device=x.device) < recipe.reverse_complement
        return torch.where(turn, reverse_complement_one_hot(x), x)

    return prepare


def _hidden(codes: Tensor, share: float) -> Tensor:
    """Some rows without their ends: from 0 bases to all are left, in the middle."""
    if not share:
        return codes
    length = codes.shape[1]
    chosen = torch.rand(len(codes), 1, device=codes.device) < share
    left = torch.rand(len(codes), 1, device=codes.device) * length / 2
    middle = (torch.arange(length, device=codes.device) - (length - 1) / 2).abs()
    return codes.masked_fill(chosen & (middle > left), UNKNOWN)


def _moved(codes: Tensor, most: int) -> Tensor:
    """All rows moved by the same random number of bases, up to `most` to either side."""
    most = min(most, codes.shape[1] - 1)
    if most <= 0:
        return codes
    step = int(torch.randint(-most, most + 1, ()))
    edge = codes.new_full((len(codes), abs(step)), UNKNOWN)
    if step >= 0:
        return torch.cat([edge, codes[:, : codes.shape[1] - step]], dim=1)
    return torch.cat([codes[:, -step:], edge], dim=1)


def _run_digest(task: Task, expert: Expert, recipe: Recipe, device: torch.device) -> str:
    return fingerprint(
        task=task.digest,
        seed=task.seed,
        architecture=f"{type(expert).__module__}:{type(expert).__qualname__}",
        config=expert.config,
        recipe=asdict(recipe),
        torch=str(torch.__version__),
        device=device.type,
    )
