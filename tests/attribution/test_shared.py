"""Detectors shared among shifts against every shifted window differentiated for itself."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from tfbs_hub.attribution import shared
from tfbs_hub.attribution.shared import shared_shiftsmooth
from tfbs_hub.attribution.shiftsmooth import shiftsmooth_batched
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sources.jaspar import background

KINDS = [DeepBind, Residual]


def agree(model, x, shifts):
    found = shared_shiftsmooth(model, x, shifts)
    assert found is not None
    expected = shiftsmooth_batched(model, x, shifts=shifts)
    assert expected.abs().max() > 1e-4
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    width=st.integers(2, 12),
    beyond=st.integers(0, 14),
    around=st.integers(0, 9),
    shifts=st.integers(0, 30),
    rows=st.integers(1, 5),
)
def test_sizes(make_expert, sequences, kind, width, beyond, around, shifts, rows):
    window = max(width + beyond, 3)
    expert = make_expert(kind, window=window, width=width)
    agree(expert, sequences(rows, window), shifts)
    agree(expert, sequences(rows, window + around), shifts)


@pytest.mark.parametrize("kind", KINDS)
def test_real_looking_sequences_at_full_size(kind):
    torch.manual_seed(0)
    codes = background(30, 101, np.random.default_rng(1))
    codes[::9, 40:60] = 4
    agree(kind.from_config({}).eval(), one_hot(torch.from_numpy(codes)), 10)


@pytest.mark.parametrize("unit", ["A", "CA", "GT", "AAC", "ACGT", "N"])
@pytest.mark.parametrize("kind", KINDS)
def test_repeats_at_full_size(kind, unit):
    torch.manual_seed(1)
    codes = np.tile(["ACGTN".index(letter) for letter in unit], 101)[:101].astype(np.uint8)
    half = background(1, 101, np.random.default_rng(0))[0]
    half[30:80] = codes[30:80]
    agree(kind.from_config({}).eval(), one_hot(torch.from_numpy(np.stack([codes, half]))), 10)


def test_blends_of_bases(make_expert):
    x = torch.rand(4, 4, 31)
    for kind in KINDS:
        agree(make_expert(kind), x, 5)


def test_mixtures_of_any_windows(make_expert, make_mixture, sequences):
    mixture = make_mixture(31, make_expert(Residual, window=20), 17, make_expert(Residual, seed=3, width=7))
    for shifts in (0, 3, 20):
        agree(mixture, sequences(4), shifts)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_show(make_expert, sequences, monkeypatch, kind):
    expert, x = make_expert(kind), sequences(11)
    whole = shared_shiftsmooth(expert, x, 3)
    monkeypatch.setattr(shared, "_RESPONSES", 4 * 7 * 40)
    torch.testing.assert_close(shared_shiftsmooth(expert, x, 3), whole, atol=1e-6, rtol=1e-6)


def test_leaves_model_and_input_as_they_were(make_expert, sequences):
    expert, x = make_expert(Residual).train(), sequences()
    before, weights = x.clone(), {name: tensor.clone() for name, tensor in expert.state_dict().items()}
    with torch.inference_mode():
        shared_shiftsmooth(expert, x, 3)
    assert expert.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in expert.parameters())
    assert torch.equal(x, before)
    assert not x.requires_grad
    assert all(torch.equal(tensor, weights[name]) for name, tensor in expert.state_dict().items())


class Louder(Residual):
    def embed(self, x):
        return 2 * super().embed(x)


def test_leaves_other_models_alone(make_expert, make_mixture, sequences, monkeypatch):
    x = sequences()
    assert shared_shiftsmooth(nn.Linear(4, 1), x, 2) is None
    assert shared_shiftsmooth(make_expert(PWM), x, 2) is None
    assert shared_shiftsmooth(make_mixture(31, make_expert(PWM)), x, 2) is None
    louder = Louder.from_config(make_expert(Residual).config)
    assert shared_shiftsmooth(louder, x, 2) is None
    assert shared_shiftsmooth(make_expert(width=1), x, 2) is None
    # Detectors wider than the window: each hangs over both of its ends.
    assert shared_shiftsmooth(make_expert(Residual, window=4, width=9), sequences(2, 4), 2) is None
    hooked = make_expert(Residual)
    handle = hooked.detect.register_forward_hook(lambda module, given, out: out * 2)
    assert shared_shiftsmooth(hooked, x, 2) is None
    handle.remove()
    assert shared_shiftsmooth(hooked, x, 2) is not None
    for limit in ("_MOST_RESPONSES", "_MOST_WEIGHTS"):
        with monkeypatch.context() as change:
            change.setattr(shared, limit, 100)
            assert shared_shiftsmooth(hooked, x, 2) is None
