from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import nn

from tfbs_hub.attribution.compute import attribute, observed
from tfbs_hub.attribution.methods import BUILTIN, Method, find_method
from tfbs_hub.errors import InputError, PluginError, UsageError
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual
from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.onehot import one_hot

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture
def codes(random_codes):
    return random_codes(7, 31, unknown=0.1)


@pytest.mark.parametrize("name", BUILTIN)
def test_batches_of_one_hot_in_arrays_out(make_expert, codes, name):
    expert, method = make_expert(Residual), find_method(name)
    found = attribute(expert, codes, method, batch=3)
    expected = method(expert, one_hot(torch.from_numpy(codes))).numpy()
    assert found.hypothetical.dtype == found.actual.dtype == np.float32
    np.testing.assert_allclose(found.hypothetical, expected, **CLOSE)
    for row in range(7):
        for place in range(31):
            base = codes[row, place]
            value = 0 if base == 4 else found.hypothetical[row, base, place]
            assert found.actual[row, place] == value


def test_observed_by_hand():
    hypothetical = np.arange(12, dtype=np.float32).reshape(1, 4, 3)
    assert observed(hypothetical, np.array([[3, 4, 0]], np.uint8)).tolist() == [[9, 0, 2]]


@pytest.mark.parametrize("name", ["gradient", "saliency", "shiftsmooth", "mutagenesis", "integrated-gradients"])
def test_both_strands_are_averaged(make_expert, codes, name):
    expert, method = make_expert(), find_method(name)
    one, other = (attribute(expert, each, method) for each in (codes, reverse_complement(codes)))
    both = attribute(expert, codes, method, both_strands=True)
    mean = (one.hypothetical + other.hypothetical[:, ::-1, ::-1]) / 2
    np.testing.assert_allclose(both.hypothetical, mean, **CLOSE)
    np.testing.assert_allclose(both.actual, (one.actual + other.actual[:, ::-1]) / 2, **CLOSE)
    # And so the other strand has the same attribution, turned round.
    turned = attribute(expert, reverse_complement(codes), method, both_strands=True)
    np.testing.assert_allclose(turned.actual[:, ::-1], both.actual, **CLOSE)
    assert not np.allclose(one.actual, both.actual, atol=1e-3)


def test_a_symmetric_model_is_asked_once(make_expert, codes):
    expert = make_expert(PWM)
    asked = []
    method = Method("counting", lambda model, x: asked.append(1) or torch.zeros_like(x))
    attribute(expert, codes, method, both_strands=True, symmetric=True)
    assert len(asked) == 1
    gradient = find_method("gradient")
    np.testing.assert_allclose(
        attribute(expert, codes, gradient, both_strands=True, symmetric=True).hypothetical,
        attribute(expert, codes, gradient, both_strands=True).hypothetical,
        **CLOSE,
    )


def test_correction_takes_the_mean_over_the_bases_out(make_expert, codes):
    expert, method = make_expert(), find_method("shiftsmooth")
    plain, corrected = (attribute(expert, codes, method, corrected=each) for each in (False, True))
    np.testing.assert_allclose(corrected.hypothetical.mean(axis=1), 0, atol=1e-6)
    differences = plain.hypothetical - corrected.hypothetical
    np.testing.assert_allclose(differences, differences[:, :1].repeat(4, axis=1), atol=1e-6)
    assert np.array_equal(corrected.actual, observed(corrected.hypothetical, codes))
    with pytest.raises(UsageError, match="does not apply to saliency"):
        attribute(expert, codes, find_method("saliency"), corrected=True)


def snapshot(network):
    return (
        [module.training for module in network.modules()],
        [each.requires_grad for each in network.parameters()],
        [None if each.grad is None else each.grad.clone() for each in network.parameters()],
        {name: tensor.clone() for name, tensor in network.state_dict().items()},
        [each.device for each in network.parameters()],
    )


def same(one, other):
    return (
        one[:2] == other[:2]
        and all((a is None and b is None) or torch.equal(a, b) for a, b in zip(one[2], other[2], strict=True))
        and all(torch.equal(tensor, other[3][name]) for name, tensor in one[3].items())
        and one[4] == other[4]
    )


@pytest.mark.parametrize("name", [*BUILTIN, "rude"])
def test_leaves_the_model_as_it_was(make_expert, make_mixture, codes, name):
    mixture = make_mixture(31, make_expert(Residual, seed=3))
    mixture.train()
    mixture.experts[0].eval()
    mixture.gate.gate.bias.requires_grad_(False)
    mixture.gate.classifier.weight.grad = torch.full_like(mixture.gate.classifier.weight, 7)

    def rude(model, x):
        """What a careless plug-in does: backward passes that leave their traces."""
        given = x.clone().requires_grad_()
        model(given * (torch.rand(()) + 1)).sum().backward()
        return given.grad

    before, random = snapshot(mixture), torch.get_rng_state()
    attribute(mixture, codes, Method("rude", rude) if name == "rude" else find_method(name))
    assert same(snapshot(mixture), before)
    assert torch.equal(torch.get_rng_state(), random)


def test_leaves_the_model_as_it_was_after_an_error(make_expert, codes):
    expert = make_expert().train()
    before = snapshot(expert)

    def broken(model, x):
        raise ValueError("no \x1b[31midea")

    with pytest.raises(PluginError, match=r"the attribution failed: ValueError: no \(31midea") as error:
        attribute(expert, codes, Method("broken", broken), model="STAT3")
    assert error.value.where == "model STAT3, method broken"
    assert same(snapshot(expert), before)


class Odd(nn.Module):
    def __init__(self, apply):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.apply_to = apply

    def forward(self, x):
        return self.scale * self.apply_to(x).sum(dim=(1, 2))


@pytest.mark.parametrize("name", ["gradient", "saliency", "shiftsmooth", "smoothgrad", "integrated-gradients"])
def test_a_model_without_a_gradient_is_a_plugin_error(codes, name):
    odd = Odd(lambda x: (x > 0.5).float())
    with pytest.raises(PluginError, match="cannot be differentiated") as error:
        attribute(odd, codes, find_method(name))
    assert error.value.where == f"model Odd, method {name}"
    assert "mutagenesis" in error.value.hint
    attribute(odd, codes, find_method("mutagenesis"))


@pytest.mark.parametrize("name", ["gradient", "mutagenesis", "shiftsmooth"])
def test_what_is_not_finite_is_a_plugin_error(make_expert, codes, name):
    # The root of 0 has no gradient; the logarithm of 0 no value.
    odd, what = (Odd(torch.log), "the model's logit") if name == "mutagenesis" else (Odd(torch.sqrt), "the attribution")
    with pytest.raises(PluginError, match=f"{what} is not finite") as error:
        attribute(odd, codes, find_method(name), model="mine")
    assert error.value.where == f"model mine, method {name}"
    expert = make_expert()
    with torch.no_grad():
        expert.detect.weight[0, 0, 0] = torch.nan
    with pytest.raises(PluginError, match="not finite"):
        attribute(expert, codes, find_method(name))


@pytest.mark.parametrize(
    ("result", "message"),
    [(lambda x: x[:, :3], r"\(7, 4, 31\), not \(7, 3, 31\)"), (lambda x: x.numpy(), "not ndarray")],
)
def test_a_method_must_return_the_shape_of_its_input(make_expert, codes, result, message):
    with pytest.raises(PluginError, match=message):
        attribute(make_expert(), codes, Method("odd", lambda model, x: result(x)))


def test_a_method_may_write_on_its_input(make_expert, codes):
    expert = make_expert()
    method = Method("scribbler", lambda model, x: x.mul_(0).add_(1))
    assert (attribute(expert, codes, method, both_strands=True).hypothetical == 1).all()


def test_a_method_that_leaves_is_a_plugin_error(make_expert, codes):
    with pytest.raises(PluginError, match="the attribution failed") as error:
        attribute(make_expert(), codes, Method("leaving", lambda model, x: sys.exit(0)))
    assert "leaving" in str(error.value.where)


@pytest.mark.parametrize("shape", [(0, 31), (3, 0), (0, 0)])
def test_nothing_to_explain(make_expert, shape):
    with pytest.raises(InputError, match="no sequence to explain"):
        attribute(make_expert(), np.zeros(shape, np.uint8), find_method("gradient"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 31)), "uint8 codes"),
        (np.zeros(31, np.uint8), "of shape"),
        (np.full((1, 31), 9, np.uint8), "here is a 9"),
    ],
)
def test_what_is_no_code(make_expert, wrong, message):
    with pytest.raises(InputError, match=message):
        attribute(make_expert(), wrong, find_method("gradient"))


def test_tells_how_far_it_is(make_expert, codes):
    heard = []
    attribute(make_expert(), codes, find_method("gradient"), batch=3, report=heard.append)
    assert [(event.task, event.done, event.total) for event in heard] == [
        ("explaining with gradient", done, 7) for done in (0, 3, 6, 7)
    ]


def test_a_recurrent_network_on_the_cpu(recurrent, codes):
    found = attribute(recurrent.train(), codes, find_method("shiftsmooth", shifts=2), both_strands=True)
    assert np.abs(found.actual).max() > 0
    assert recurrent.read.training


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", BUILTIN)
def test_cuda_agrees_with_the_cpu(make_expert, recurrent, codes, name):
    cuda, method = torch.device("cuda"), find_method(name)
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        for network in (make_expert(), make_expert(Residual), recurrent):
            here, there = (attribute(network, codes, method, device=each) for each in (None, cuda))
            np.testing.assert_allclose(there.hypothetical, here.hypothetical, atol=1e-4)
            assert {each.device.type for each in network.parameters()} == {"cpu"}
    finally:
        torch.backends.cudnn.allow_tf32 = allowed
