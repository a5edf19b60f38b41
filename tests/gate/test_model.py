from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tfbs_hub.errors import UsageError
from tfbs_hub.gate.model import Gate, MixtureOfExperts, crop
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.windows import fit_window


def filled(gate, seed=0):
    draw = torch.Generator().manual_seed(seed)
    for tensor in gate.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=draw))
    return gate


def by_hand(gate, row):
    """Equations 1 to 9 of the paper for one row of embeddings, one number after another."""
    weight = {name: tensor.double().numpy() for name, tensor in gate.state_dict().items()}
    widths, hidden = gate.embedding_dims, gate.hidden
    joined = row.double().numpy()
    parts = np.split(joined, np.cumsum(widths)[:-1])
    loud = [
        sum(joined[k] * weight["gate.weight"][i, k] for k in range(sum(widths))) + weight["gate.bias"][i]
        for i in range(len(widths))
    ]
    alpha = [math.exp(value) / sum(math.exp(other) for other in loud) for value in loud]
    said, mixed = [], [0.0] * hidden
    for i, e in enumerate(parts):
        h = [
            max(
                0.0,
                sum(e[k] * weight[f"experts.{i}.weight"][j, k] for k in range(widths[i]))
                + weight[f"experts.{i}.bias"][j],
            )
            for j in range(hidden)
        ]
        mixed = [m + alpha[i] * value for m, value in zip(mixed, h, strict=True)]
        said.append(alpha[i] * sum(h[j] * weight["classifier.weight"][0, j] for j in range(hidden)))
    logit = sum(mixed[j] * weight["classifier.weight"][0, j] for j in range(hidden)) + weight["classifier.bias"][0]
    return logit, alpha, said


@pytest.fixture
def mixture(make_expert):
    experts = [
        make_expert(1, window=21, embedding_dim=4),
        make_expert(2, window=16, embedding_dim=7),
        make_expert(3, window=30, embedding_dim=1),
    ]
    return MixtureOfExperts(experts, filled(Gate([4, 7, 1], hidden=5)), temperature=2.5)


@pytest.fixture
def x(random_codes):
    return one_hot(torch.from_numpy(random_codes(8, 30, unknown=0.1)))


@pytest.mark.parametrize("widths", [[4], [3, 3], [1, 5, 2], [2] * 11])
def test_equals_the_equations(widths):
    gate = filled(Gate(widths, hidden=6))
    embeddings = torch.randn(7, sum(widths), generator=torch.Generator().manual_seed(1))
    logit, alpha, said = (tensor.detach().numpy() for tensor in gate.mix(embeddings))
    for place, row in enumerate(embeddings):
        expected = by_hand(gate, row)
        assert float(logit[place]) == pytest.approx(expected[0], abs=1e-4)
        assert alpha[place] == pytest.approx(expected[1], abs=1e-5)
        assert said[place] == pytest.approx(expected[2], abs=1e-4)
    assert torch.equal(gate(embeddings), gate.mix(embeddings).logit)


def test_every_parameter_of_the_gate_learns():
    gate = filled(Gate([3, 2], hidden=4))
    embeddings = torch.randn(16, 5, generator=torch.Generator().manual_seed(2))
    gate(embeddings).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in gate.parameters())


def test_mixture_equals_experts_then_gate(mixture, x):
    parts = [
        mixture.experts[0].embed(x[:, :, 5:26]),  # centre 15 of 30 on centre 10 of 21
        mixture.experts[1].embed(x[:, :, 7:23]),
        mixture.experts[2].embed(x),
    ]
    expected = mixture.gate.mix(torch.cat(parts, dim=1))
    logit, alpha, contribution = mixture.mix(x)
    assert torch.allclose(logit, expected.logit / 2.5)
    assert torch.equal(alpha, expected.alpha)
    assert torch.allclose(contribution, expected.contribution / 2.5)
    assert torch.equal(mixture(x), logit)


def test_contributions_and_bias_make_the_logit(mixture, x):
    logit, alpha, contribution = mixture.mix(x)
    assert alpha.shape == contribution.shape == (8, 3)
    assert torch.allclose(alpha.sum(dim=1), torch.ones(8), atol=1e-6)
    bias = mixture.gate.classifier.bias / mixture.temperature
    assert torch.allclose(contribution.sum(dim=1) + bias, logit, atol=1e-5)


def test_window_is_the_widest(mixture):
    assert mixture.window == 30


def test_gradient_reaches_the_one_shared_tensor(mixture, x):
    x.requires_grad_()
    mixture(x).sum().backward()
    assert (x.grad.abs().sum(dim=1)[:, [0, 15, 29]] > 0).any(dim=0).all()
    assert all(parameter.grad is None for parameter in mixture.experts.parameters())
    assert not any(parameter.requires_grad for parameter in mixture.experts.parameters())


def test_symmetric_only_if_all_experts_are(mixture):
    assert not mixture.strand_symmetric


@pytest.mark.parametrize("length", range(1, 9))
def test_crop_is_the_same_cut_as_fit_window(length, random_codes):
    codes = random_codes(3, length)
    for window in range(1, length + 1):
        cropped = crop(one_hot(torch.from_numpy(codes)), window)
        assert torch.equal(cropped, one_hot(torch.from_numpy(fit_window(codes, window).copy())))


def test_config_rebuilds_the_gate():
    gate = filled(Gate([4, 7, 1], hidden=5))
    twin = Gate.from_config(gate.config)
    twin.load_state_dict(gate.state_dict())
    assert twin.config == gate.config == {"embedding_dims": [4, 7, 1], "hidden": 5}
    assert Gate.from_config({"embedding_dims": [2]}).hidden == 32


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"embedding_dims": []},
        {"embedding_dims": [0]},
        {"embedding_dims": [3, -1]},
        {"embedding_dims": [3.0]},
        {"embedding_dims": ["3"]},
        {"embedding_dims": 3},
        {"embedding_dims": [5000]},
        {"embedding_dims": [4096] * 10_000, "hidden": 4096},
        {"embedding_dims": [1] * 10_001},
        {"embedding_dims": [3], "hidden": 0},
        {"embedding_dims": [3], "hidden": 2.0},
        {"embedding_dims": [3], "depth": 2},
    ],
)
def test_a_gate_that_cannot_be(config):
    with pytest.raises(UsageError):
        Gate.from_config(config)


def test_folding_takes_the_change_of_scale_into_the_weights():
    gate = filled(Gate([3, 2], hidden=4))
    raw = torch.randn(50, 5, generator=torch.Generator().manual_seed(1)) * 7 + 2
    centre, scale = raw.mean(dim=0), raw.std(dim=0)
    before = gate.mix((raw - centre) / scale)
    gate.fold(centre, scale)
    for was, now in zip(before, gate.mix(raw), strict=True):
        assert torch.allclose(was, now, atol=1e-4)


def test_a_silenced_expert_has_no_say():
    gate = filled(Gate([3, 2, 4], hidden=5))
    embeddings = torch.randn(6, 9, generator=torch.Generator().manual_seed(2))
    keep = torch.tensor([[True, False, True]]).repeat(6, 1)
    mixed = gate.mix(embeddings, keep)
    other = embeddings.clone()
    other[:, 3:5] = 99.0
    assert torch.equal(gate.mix(other, keep).logit, mixed.logit)
    assert (mixed.alpha[:, 1] == 0).all() and (mixed.contribution[:, 1] == 0).all()
    assert torch.allclose(mixed.alpha.sum(dim=1), torch.ones(6))
    assert torch.equal(gate.mix(embeddings, torch.ones(6, 3, dtype=torch.bool)).logit, gate.mix(embeddings).logit)
