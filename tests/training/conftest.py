from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tfbs_hub.experts.contract import Recipe
from tfbs_hub.training.checkpoint import Checkpoint
from tfbs_hub.training.fit import Fit, Rows, fit


class Toy:
    """A small fit: which side of a plane do points lie on, with noise from dropout."""

    def __init__(self, recipe: Recipe, *, seed: int = 0) -> None:
        draw = torch.Generator().manual_seed(5)
        self.inputs = torch.randn(90, 4, generator=draw)
        self.labels = (self.inputs @ torch.tensor([1.0, -2.0, 0.5, 0.0]) > 0.3).float()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 1))
        self.recipe = recipe
        self.seed = seed
        self.aurocs: list[float] | None = None
        self.seen: list[dict[str, Tensor]] = []

    def validate(self) -> float:
        assert not self.model.training
        self.seen.append({name: tensor.clone() for name, tensor in self.model.state_dict().items()})
        if self.aurocs is not None:
            return self.aurocs[len(self.seen) - 1]
        with torch.no_grad():
            return float((self.score(self.model, self.inputs).sigmoid().round() == self.labels).float().mean())

    @staticmethod
    def score(model: nn.Module, x: Tensor) -> Tensor:
        return model(x).squeeze(1)

    def loss(self, model: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(self.score(model, x), labels)

    def rows(self, epoch: int) -> Rows:
        draw = torch.Generator().manual_seed(epoch)
        return Rows(self.inputs + 0.01 * torch.randn(self.inputs.shape, generator=draw), self.labels)

    def fit(self, **more: Any) -> Fit:
        return fit(
            self.model,
            self.recipe,
            **{
                "rows": self.rows,
                "prepare": lambda x: x,
                "validate": self.validate,
                "seed": self.seed,
                "loss": self.loss,
                **more,
            },
        )

    def state(self) -> dict[str, bytes]:
        return {name: tensor.numpy().tobytes() for name, tensor in self.model.state_dict().items()}


@pytest.fixture
def make_toy() -> Callable[..., Toy]:
    return Toy


class Stopped(Exception):
    """What stands for a kill."""


@pytest.fixture
def stopped() -> type[Exception]:
    return Stopped


@pytest.fixture
def stop_at() -> Callable[[int], Callable[[int, float], None]]:
    """A watcher that raises after an epoch."""

    def make(last: int) -> Callable[[int, float], None]:
        def watch(epoch: int, auroc: float) -> None:
            if epoch >= last:
                raise Stopped

        return watch

    return make


@pytest.fixture
def checkpoint(tmp_path) -> Callable[[str], Checkpoint]:
    return lambda digest="a" * 64: Checkpoint(tmp_path / "checkpoints", digest)
