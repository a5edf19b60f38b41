from __future__ import annotations

import pytest
import torch
from torch import nn

from tfbs_hub.attribution import smoothgrad as module
from tfbs_hub.attribution.gradients import gradient
from tfbs_hub.attribution.smoothgrad import smoothgrad
from tfbs_hub.errors import UsageError
from tfbs_hub.experts.residual import Residual


class Recorder(nn.Module):
    """Keeps what it is asked; its gradient is its input."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x.detach())
        return x.square().sum(dim=(1, 2)) / 2


def test_averages_over_mutants(sequences):
    recorder, x = Recorder(), sequences(4, 200)
    found = smoothgrad(recorder, x, samples=100, mutated=0.2)
    copies = torch.cat(recorder.seen).view(100, *x.shape)
    torch.testing.assert_close(found, copies.mean(dim=0))
    unknown = (x == 0.25).all(dim=1)
    # Every copy is DNA, and unknown where the sequence is.
    assert ((copies == 0.25).all(dim=2) == unknown).all()
    assert ((copies == 1).sum(dim=2) == 1).sum() == 100 * (~unknown).sum()
    changed = (copies != x).any(dim=2)
    assert changed[:, ~unknown].float().mean() == pytest.approx(0.2, abs=0.01)
    # The three other bases are equally likely.
    where = (x[:, 0] == 1).nonzero()
    letters = torch.stack([copies[:, row, :, place].mean(dim=0) for row, place in where]).mean(dim=0)
    assert letters.tolist() == pytest.approx([0.8, 0.2 / 3, 0.2 / 3, 0.2 / 3], abs=0.02)


def test_without_mutations_it_is_the_gradient(make_expert, sequences):
    expert, x = make_expert(Residual), sequences()
    torch.testing.assert_close(smoothgrad(expert, x, samples=3, mutated=0), gradient(expert, x), atol=1e-6, rtol=1e-5)


def test_depends_on_the_seed_and_not_on_the_neighbours(make_expert, sequences, monkeypatch):
    expert, x = make_expert(Residual), sequences()
    whole = smoothgrad(expert, x, seed=1)
    assert torch.equal(smoothgrad(expert, x, seed=1), whole)
    assert not torch.allclose(smoothgrad(expert, x, seed=2), whole, atol=1e-4)
    alone = torch.cat([smoothgrad(expert, row[None], seed=1) for row in x])
    torch.testing.assert_close(alone, whole, atol=1e-5, rtol=1e-4)
    monkeypatch.setattr(module, "ROWS", 4)
    torch.testing.assert_close(smoothgrad(expert, x, seed=1), whole, atol=1e-5, rtol=1e-4)


def test_draws_from_a_generator_of_its_own(make_expert, sequences):
    expert, x = make_expert(), sequences()
    before = torch.get_rng_state()
    smoothgrad(expert, x)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"mutated": 1.5}, {"mutated": -0.1}, {"mutated": float("nan")}])
def test_settings_that_cannot_be(make_expert, sequences, wrong):
    with pytest.raises(UsageError, match="smoothgrad cannot average"):
        smoothgrad(make_expert(), sequences(), **wrong)
