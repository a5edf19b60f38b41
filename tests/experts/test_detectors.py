"""Detectors respond as PyTorch's convolution does, and their slopes are its slopes."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
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
@given(
    batch=st.sampled_from([0, 1, 2, 31, 32, 70]),
    filters=st.integers(1, 20),
    width=st.integers(1, 9),
    padding=st.integers(0, 8),
    beyond=st.integers(0, 12),
    bias=st.booleans(),
    channels_last=st.booleans(),
    learning=st.booleans(),
)
def test_equals_the_plain_convolution(batch, filters, width, padding, beyond, bias, channels_last, learning):
    torch.manual_seed(width)
    detectors = Detectors(filters, width, padding=padding, bias=bias, channels_last=channels_last)
    detectors.requires_grad_(learning)
    same, x = plain(detectors), sequences(batch, width + beyond)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    responses, expected = detectors(ours), same(theirs)
    assert_close(responses, expected, rtol=1e-5, atol=1e-5)
    slopes = torch.randn(expected.shape)
    responses.backward(slopes)
    expected.backward(slopes)
    assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-5)
    for parameter, other in zip(detectors.parameters(), same.parameters(), strict=True):
        assert (parameter.grad is None) == (other.grad is None) == (not learning)
        if learning:
            assert_close(parameter.grad, other.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [2, 16, 100])
def test_learns_the_same_bits_as_the_plain_convolution_and_pooling(batch):
    """So experts trained before there were detectors can be trained again, to the same bytes."""
    torch.manual_seed(0)
    detectors = Detectors(64, 19, padding=9, bias=False, channels_last=True)
    same, x = plain(detectors), sequences(batch, 101)
    pooled, expected = max_pool(detectors(x), 4), nn.functional.max_pool1d(same(x), 4)
    assert torch.equal(pooled, expected)
    assert pooled.is_contiguous()
    slopes = torch.randn(expected.shape)
    pooled.backward(slopes)
    expected.backward(slopes)
    assert torch.equal(detectors.weight.grad, same.weight.grad)


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
        slopes = torch.randn(expected.shape, generator=draw)
        assert torch.equal(
            torch.autograd.grad(pooled, ours, slopes)[0], torch.autograd.grad(expected, theirs, slopes)[0]
        )


def test_passes_on_what_is_not_a_number():
    values = torch.zeros(2, 8, 3).transpose(1, 2)
    values[1, 2, 5] = torch.nan
    assert torch.equal(max_pool(values, 4).isnan(), nn.functional.max_pool1d(values, 4).isnan())
    assert torch.equal(strongest(values).isnan(), values.max(dim=2).values.isnan())


@pytest.mark.parametrize("channels_last", [False, True])
def test_can_be_differentiated_twice(channels_last):
    torch.manual_seed(0)
    detectors = Detectors(3, 4, padding=2, channels_last=channels_last).double().requires_grad_(False)
    x = torch.rand(32, 4, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: torch.tanh(detectors(x)), x)


def test_is_saved_copied_and_loaded_as_a_convolution():
    detectors = Detectors(3, 5, padding=2, channels_last=True)
    assert list(detectors.state_dict()) == list(nn.Conv1d(4, 3, 5).state_dict())
    x = sequences(4, 11)
    assert torch.equal(copy.deepcopy(detectors)(x), detectors(x))
