from __future__ import annotations

import pytest
import torch
from torch import nn

from tfbs_hub.attribution import gradients
from tfbs_hub.attribution.gradients import gradient, saliency
from tfbs_hub.errors import PluginError
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual


class Wrapped(nn.Module):
    def __init__(self, apply):
        super().__init__()
        self.apply_to = apply

    def forward(self, x):
        return self.apply_to(x)


@pytest.mark.parametrize("architecture", [DeepBind, Residual, PWM])
def test_gradient_is_that_of_each_sequence_alone(make_expert, sequences, reference_gradient, architecture):
    expert, x = make_expert(architecture), sequences()
    torch.testing.assert_close(gradient(expert, x), reference_gradient(expert, x), atol=1e-6, rtol=1e-5)


def test_gradient_of_a_linear_model_is_its_weights(sequences):
    weights = torch.randn(4, 31, generator=torch.Generator().manual_seed(0))
    model = Wrapped(lambda x: (x * weights).sum(dim=(1, 2)))
    x = sequences(3)
    assert torch.equal(gradient(model, x), weights.expand(3, 4, 31))
    assert torch.equal(saliency(model, x), weights.abs().expand(3, 4, 31))


def test_batches_do_not_show(make_expert, sequences, monkeypatch):
    expert, x = make_expert(Residual), sequences(7)
    whole = gradient(expert, x)
    monkeypatch.setattr(gradients, "ROWS", 3)
    torch.testing.assert_close(gradient(expert, x), whole, atol=1e-6, rtol=1e-5)


def test_a_mixture_is_differentiated_in_its_shared_input(make_expert, make_mixture, sequences, reference_gradient):
    mixture = make_mixture(31, 18, make_expert(Residual, seed=5))
    x = sequences()
    torch.testing.assert_close(gradient(mixture, x), reference_gradient(mixture, x), atol=1e-6, rtol=1e-5)


def test_a_recurrent_network(recurrent, sequences, reference_gradient):
    x = sequences()
    found = gradient(recurrent, x)
    assert found.abs().max() > 0
    torch.testing.assert_close(found, reference_gradient(recurrent, x), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_works_where_the_caller_switched_gradients_off(make_expert, sequences, reference_gradient, around):
    expert, x = make_expert(), sequences()
    expected = reference_gradient(expert, x)
    with around():
        torch.testing.assert_close(gradient(expert, x * 1), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "apply",
    [
        lambda x: x.detach().sum(dim=(1, 2)),
        lambda x: x.argmax(dim=1).sum(dim=1).float(),
        lambda x: nn.Parameter(torch.zeros(1)).expand(len(x)) * 2 + torch.ones(len(x), requires_grad=True),
    ],
)
def test_what_cannot_be_differentiated_is_said(sequences, apply):
    with pytest.raises(PluginError, match="cannot be differentiated"):
        gradient(Wrapped(apply), sequences())


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_logit_is_finite(sequences, value):
    with pytest.raises(PluginError, match="logit is not finite"):
        gradient(Wrapped(lambda x: x.sum(dim=(1, 2)) + value), sequences())


@pytest.mark.parametrize("apply", [lambda x: x.sum(dim=2), lambda x: x.sum(), lambda x: (x.sum(dim=(1, 2)), 0)])
def test_a_model_returns_one_logit_a_sequence(sequences, apply):
    with pytest.raises(PluginError, match="one logit a sequence"):
        gradient(Wrapped(apply), sequences())
