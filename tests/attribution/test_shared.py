"""Detectors shared among shifts against every shifted window differentiated for itself."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings

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


@pytest.mark.parametrize("unit", ["A", "CA", "GT", "AAC", "ACGT", "NNG", "N"])
@pytest.mark.parametrize("size", [{}, {"width": 32}, *({"detectors": count} for count in (5, 9, 11))], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_repeats_at_full_size(kind, size, unit):
    torch.manual_seed(1)
    size = {"filters" if kind is Residual and name == "detectors" else name: value for name, value in size.items()}
    codes = np.tile(["ACGTN".index(letter) for letter in unit], 101)[:101].astype(np.uint8)
    half = background(1, 101, np.random.default_rng(0))[0]
    half[30:80] = codes[30:80]
    agree(kind.from_config(size).eval(), one_hot(torch.from_numpy(np.stack([codes, half]))), 10)


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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [2, 5, 31])
def test_counts_the_responses_of_a_window(make_expert, kind, width):
    expert = make_expert(kind, width=width)
    windows = shared._Windows.of(expert.detect, 31)
    assert windows.responses == expert.detect(torch.zeros(1, 4, 31)).numel()


def test_goes_through_so_many_sequences_at_a_time(make_expert, make_mixture, sequences, monkeypatch):
    seen = []
    gradients = shared._gradients
    monkeypatch.setattr(shared, "_gradients", lambda *args: seen.append(len(args[2])) or gradients(*args))
    mixture = make_mixture(make_expert(Residual), make_expert(Residual, window=20, filters=9))
    # 4 filters on 31 bp are 124 responses, 9 on 20 bp are 180; 5 cuts.
    monkeypatch.setattr(shared, "_RESPONSES", 3 * 5 * 180)
    shared_shiftsmooth(mixture, sequences(7), 2)
    monkeypatch.setattr(shared, "_RESPONSES", 1)
    shared_shiftsmooth(mixture, sequences(2), 2)
    assert seen == [3, 3, 1, 1, 1]


def test_without_gradients(make_expert, sequences):
    expert, x = make_expert(Residual), sequences()
    with torch.no_grad():
        agree(expert, x, 3)


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


def test_leaves_other_models_alone(make_expert, make_mixture, sequences, monkeypatch):
    x = sequences()
    assert shared_shiftsmooth(make_expert(PWM), x, 2) is None
    assert shared_shiftsmooth(make_mixture(31, make_expert(PWM)), x, 2) is None
    assert shared_shiftsmooth(make_expert(width=1), x, 2) is None
    # Detectors wider than the window: each hangs over both of its ends.
    assert shared_shiftsmooth(make_expert(Residual, window=4, width=9), sequences(2, 4), 2) is None
    expert = make_expert()
    # 5 cuts, 4 detectors of width 6 with 5 of padding.
    for limit, most in {"ROWS": 5, "_MOST_WEIGHTS": 4 * 6 * 5 * 4}.items():
        for change, applies in ((0, True), (-1, False)):
            with monkeypatch.context() as patch:
                patch.setattr(shared, limit, most + change)
                assert (shared_shiftsmooth(expert, x, 2) is not None) == applies
