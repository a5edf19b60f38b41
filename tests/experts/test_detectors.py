"""Detectors respond as PyTorch's convolution does, and their gradients are its gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from tfbs_hub.experts.detectors import Detectors, max_pool, strongest
from tfbs_hub.sequences.onehot import one_hot


def sequences(batch: int, length: int, seed: int = 0) -> torch.Tensor:
    """One-hot (batch, 4, length), a tenth of it unknown."""
    draw = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 4, (batch, length), generator=draw, dtype=torch.uint8)
    codes[torch.rand(batch, length, generator=draw) < 0.1] = 4
    return one_hot(codes)


def plain(detectors: Detectors) -> nn.Conv1d:
    """PyTorch's own convolution with the same weights."""
    same = nn.Conv1d(
        4,
        detectors.out_channels,
        detectors.kernel_size[0],
        padding=detectors.padding[0],
        bias=detectors.bias is not None,
    )
    same.load_state_dict(detectors.state_dict())
    return same.requires_grad_(detectors.weight.requires_grad)


@settings(deadline=None, max_examples=60)
@example(batch=32, filters=3, width=4, padding=2, beyond=5, bias=False, learning=True)
@example(batch=32, filters=3, width=4, padding=2, beyond=5, bias=True, learning=False)
@example(batch=32, filters=3, width=4, padding=2, beyond=-2, bias=True, learning=False)
@given(
    batch=st.sampled_from([0, 1, 2, 31, 32, 70]),
    filters=st.integers(1, 20),
    width=st.integers(1, 9),
    padding=st.integers(0, 8),
    beyond=st.integers(0, 12),
    bias=st.booleans(),
    learning=st.booleans(),
)
def test_equals_the_plain_convolution(batch, filters, width, padding, beyond, bias, learning):
    torch.manual_seed(width)
    detectors = Detectors(filters, width, padding=padding, bias=bias)
    detectors.requires_grad_(learning)
    same, x = plain(detectors), sequences(batch, width + beyond)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    responses, expected = detectors(ours), same(theirs)
    assert_close(responses, expected, rtol=1e-5, atol=1e-5)
    gradients = torch.randn(expected.shape)
    responses.backward(gradients)
    expected.backward(gradients)
    assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-5)
    for parameter, other in zip(detectors.parameters(), same.parameters(), strict=True):
        assert (parameter.grad is None) == (other.grad is None) == (not learning)
        if learning:
            assert_close(parameter.grad, other.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [2, 16, 100])
def test_learns_what_the_plain_convolution_and_pooling_learn(batch):
    """At the default size of `Residual`; to how many bits they agree depends on the processor."""
    torch.manual_seed(0)
    detectors = Detectors(64, 19, padding=9, bias=False)
    same, x = plain(detectors), sequences(batch, 101)
    pooled, expected = max_pool(detectors(x), 4), nn.functional.max_pool1d(same(x), 4)
    assert_close(pooled, expected, rtol=1e-5, atol=1e-5)
    assert pooled.is_contiguous()
    gradients = torch.randn(expected.shape)
    pooled.backward(gradients)
    expected.backward(gradients)
    assert_close(detectors.weight.grad, same.weight.grad, rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    batch=st.sampled_from([1, 2, 17]),
    channels=st.integers(1, 5),
    length=st.integers(4, 20),
    stride=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_the_first_of_equal_responses_is_the_strongest(batch, channels, length, stride, seed):
    draw = torch.Generator().manual_seed(seed)
    # Three values: windows are full of ties.
    values = torch.randint(0, 3, (batch, length, channels), generator=draw).float()
    ours = values.transpose(1, 2).detach().requires_grad_()
    theirs = values.transpose(1, 2).contiguous().requires_grad_()
    for pooled, expected in (
        (max_pool(ours, stride), nn.functional.max_pool1d(theirs, stride)),
        (strongest(ours), theirs.max(dim=2).values),
    ):
        assert torch.equal(pooled, expected)
        gradients = torch.randn(expected.shape, generator=draw)
        assert torch.equal(
            torch.autograd.grad(pooled, ours, gradients)[0], torch.autograd.grad(expected, theirs, gradients)[0]
        )


def test_passes_on_what_is_not_a_number():
    values = torch.zeros(2, 8, 3).transpose(1, 2)
    values[1, 2, 5] = torch.nan
    assert torch.equal(max_pool(values, 4).isnan(), nn.functional.max_pool1d(values, 4).isnan())
    assert torch.equal(strongest(values).isnan(), values.max(dim=2).values.isnan())


def frozen(filters=3, width=4, *, bias=True):
    torch.manual_seed(0)
    return Detectors(filters, width, padding=2, bias=bias).requires_grad_(False)


def nodes(tensor):
    """Names of all steps on the way back."""
    found, left = set(), [tensor.grad_fn]
    while left:
        step = left.pop()
        found.add(step.name())
        left += [each for each, _ in step.next_functions if each is not None]
    return found


def test_many_sequences_and_frozen_detectors_take_the_way_back_of_their_own():
    detectors = frozen()
    x = sequences(32, 20).requires_grad_()
    assert "_DetectBackward" in nodes(detectors(x))
    assert "_DetectBackward" not in nodes(detectors(x[:31]))
    assert "_DetectBackward" not in nodes(frozen(width=21)(x))
    detectors.weight.requires_grad_(True)
    assert "_DetectBackward" not in nodes(detectors(x))
    with torch.no_grad():
        assert not detectors(x).requires_grad


def test_a_bias_may_learn_beside_frozen_weights():
    detectors, x = frozen(), sequences(40, 12).requires_grad_()
    detectors.bias.requires_grad_(True)
    detectors(x).square().sum().backward()
    same, other = plain(detectors), x.detach().clone().requires_grad_()
    same.bias.requires_grad_(True)
    same(other).square().sum().backward()
    assert_close(detectors.bias.grad, same.bias.grad)
    assert_close(x.grad, other.grad)
    assert detectors.weight.grad is None


def test_responses_stand_channels_last_and_pool_back_in_that_order():
    responses = frozen(8)(sequences(5, 20)).requires_grad_()
    assert responses.transpose(1, 2).is_contiguous()
    (gradients,) = torch.autograd.grad(max_pool(responses, 4).sum(), responses)
    assert gradients.transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("batch", [1, 2, 33])
def test_under_autocast(batch):
    detectors, x = frozen(), sequences(batch, 20).requires_grad_()
    same, other = plain(detectors), x.detach().clone().requires_grad_()
    for network, given_x in ((detectors, x), (same, other)):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            responses = network(given_x)
        responses.float().sum().backward()
    assert_close(x.grad, other.grad, atol=0.05, rtol=0.05)


def bent(network):
    return lambda x: torch.tanh(network(x)).sum()


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
def test_gradients_of_several_batches_at_once():
    detectors, x = frozen(), torch.stack([sequences(40, 12), sequences(40, 12).roll(3, dims=2)])
    found = torch.func.vmap(torch.func.grad(bent(detectors)))(x)
    assert_close(found, torch.stack([torch.func.grad(bent(plain(detectors)))(each) for each in x]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_forward_mode_over_backward():
    detectors, x = frozen(), sequences(40, 12)
    along = torch.randn_like(x)
    for found, expected in zip(
        *(torch.func.jvp(torch.func.grad(bent(each)), (x,), (along,)) for each in (detectors, plain(detectors))),
        strict=True,
    ):
        assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_other_devices_and_sequences_without_a_batch_take_the_plain_way():
    assert frozen()(torch.rand(4, 20)).shape == (3, 21)
    assert frozen().to("meta")(torch.rand(40, 4, 20, device="meta")).is_contiguous()


def test_can_be_differentiated_twice():
    torch.manual_seed(0)
    detectors = Detectors(3, 4, padding=2).double().requires_grad_(False)
    x = torch.rand(32, 4, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: torch.tanh(detectors(x)), x)


def test_is_saved_copied_and_loaded_as_a_convolution():
    detectors = Detectors(3, 5, padding=2)
    x = sequences(4, 11)
    for other in (copy.deepcopy(detectors), Detectors(3, 5, padding=2)):
        other.load_state_dict(plain(detectors).state_dict())
        assert torch.equal(other(x), detectors(x))
