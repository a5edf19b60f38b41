"""Small networks of every kind, sequences for them, the gradient by its definition; and explanations without any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tfbs_hub.attribution.annotate import Match, Named
from tfbs_hub.attribution.seqlets import Seqlet
from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual
from tfbs_hub.gate.model import Gate, MixtureOfExperts
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.sequences.onehot import one_hot

SMALL: dict[type[Expert], dict[str, Any]] = {
    DeepBind: {"window": 31, "detectors": 4, "width": 6, "embedding_dim": 4, "dropout": 0.5},
    Residual: {"window": 31, "filters": 4, "width": 5, "stride": 3, "embedding_dim": 5, "dropout": 0.5},
    PWM: {"window": 31, "width": 6},
}


@pytest.fixture(scope="session")
def make_expert() -> Callable[..., Expert]:
    """A small expert for 31 bp with weights drawn from a seed, in eval mode."""

    def make(architecture: type[Expert] = DeepBind, *, seed: int = 0, **changes: Any) -> Expert:
        expert = architecture.from_config({**SMALL[architecture], **changes})
        draw = torch.Generator().manual_seed(seed)
        for name, tensor in expert.state_dict().items():
            if tensor.is_floating_point():
                value = torch.randn(tensor.shape, generator=draw) * 0.5
                tensor.copy_(value.abs() + 0.5 if "running_var" in name else value)
        return expert.eval()

    return make


@pytest.fixture(scope="session")
def make_mixture(make_expert: Callable[..., Expert]) -> Callable[..., MixtureOfExperts]:
    """A mixture of experts; a number stands for a small DeepBind expert of that window."""

    def make(*members: Expert | int) -> MixtureOfExperts:
        experts = [
            make_expert(window=member, seed=place) if isinstance(member, int) else member
            for place, member in enumerate(members)
        ]
        gate = Gate([expert.embedding_dim for expert in experts], hidden=6)
        draw = torch.Generator().manual_seed(len(experts))
        for tensor in gate.state_dict().values():
            tensor.copy_(torch.randn(tensor.shape, generator=draw) * 0.5)
        return MixtureOfExperts(experts, gate, temperature=1.3)

    return make


class Recurrent(nn.Module):
    """What a plug-in might bring: an LSTM that reads the sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.LSTM(4, 5, batch_first=True, bidirectional=True)
        self.output = nn.Linear(10, 1)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.read(x.transpose(1, 2))
        return self.output(states.mean(dim=1)).squeeze(1)


@pytest.fixture
def recurrent() -> nn.Module:
    """A recurrent network, in eval mode."""
    network = Recurrent()
    draw = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=draw) * 0.5)
    return network.eval()


@pytest.fixture(scope="session")
def sequences(random_codes: Callable[..., np.ndarray]) -> Callable[..., Tensor]:
    """Random one-hot sequences (rows, 4, length), a share of their bases unknown."""

    def make(rows: int = 5, length: int = 31, *, seed: int = 0, unknown: float = 0.1) -> Tensor:
        return one_hot(torch.from_numpy(random_codes(rows, length, seed=seed, unknown=unknown)))

    return make


@pytest.fixture(scope="session")
def reference_gradient() -> Callable[[nn.Module, Tensor], Tensor]:
    """dS/dx by one backward pass a sequence."""

    def differentiate(model: nn.Module, x: Tensor) -> Tensor:
        rows = []
        for row in x:
            given = row[None].clone().requires_grad_()
            rows.append(torch.autograd.grad(model(given).sum(), given)[0])
        return torch.cat(rows)

    return differentiate


@pytest.fixture(scope="session")
def made() -> Callable[..., Explanation]:
    """An explanation of sequences with given contributions; hypothetical is that at the base, and 0 elsewhere."""

    def make(sequences, actual, ids=None, *, logit=0.0, model="moe", method="shiftsmooth", window=None) -> Explanation:
        batch = from_strings(sequences, ids)
        flat = np.concatenate([np.asarray(row, np.float32) for row in actual])
        hypothetical = np.zeros((len(flat), 4), np.float32)
        known = np.flatnonzero(batch.bases < 4)
        hypothetical[known, batch.bases[known]] = flat[known]
        return Explanation(
            model=model,
            method=method,
            ids=tuple(batch.ids),
            offsets=batch.offsets,
            codes=batch.bases,
            flat_actual=flat,
            flat_hypothetical=hypothetical,
            flat_logit=np.full(len(flat), logit, np.float32),
            window=window or int(batch.lengths.max()),
            settings={"shifts": 10, "both_strands": False},
        )

    return make


@pytest.fixture(scope="session")
def named() -> Callable[..., Named]:
    """A seqlet with a name, or without one."""

    def make(sequence, start, end, name="Gata3", strand="+", attribution=1.0) -> Named:
        match = None if name is None else Match("MA0037.5", name, "C4-GATA-related", strand, 1e-6, start, end - start)
        return Named(Seqlet(sequence, start, end, attribution, 1e-4), match)

    return make
