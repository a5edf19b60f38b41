"""The closed form against automatic differentiation, above all where responses tie."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from tfbs_hub.attribution import fast, kernels
from tfbs_hub.attribution.fast import fast_shiftsmooth
from tfbs_hub.attribution.scan import Scan, codes_of
from tfbs_hub.attribution.shiftsmooth import shiftsmooth_batched
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.residual import Residual
from tfbs_hub.gate.model import MixtureOfExperts
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sources.jaspar import background


def agree(model, x, shifts):
    found = fast_shiftsmooth(model, x, shifts)
    assert found is not None
    expected = shiftsmooth_batched(model, x, shifts=shifts)
    assert expected.abs().max() > 1e-4
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@st.composite
def low_complexity(draw, length=31):
    """Repeats, repeats with a few other letters in them, repeats of two kinds side by side, and unknown bases."""
    units = st.lists(st.integers(0, 4), min_size=1, max_size=5)
    joint = draw(st.integers(0, length))
    sequence = (draw(units) * length)[:joint] + (draw(units) * length)[: length - joint]
    for place in draw(st.lists(st.integers(0, length - 1), max_size=4)):
        sequence[place] = draw(st.integers(0, 4))
    return sequence


@settings(max_examples=40)
@given(st.lists(low_complexity(), min_size=1, max_size=6), st.integers(0, 12), st.sampled_from(["max", "max+average"]))
def test_low_complexity(make_expert, rows, shifts, pooling):
    x = one_hot(torch.tensor(rows, dtype=torch.uint8))
    agree(make_expert(pooling=pooling), x, shifts)


@settings(max_examples=15)
@given(st.lists(low_complexity(), min_size=1, max_size=4), st.integers(0, 5))
def test_low_complexity_in_a_mixture(make_mixture, rows, shifts):
    x = one_hot(torch.tensor(rows, dtype=torch.uint8))
    agree(make_mixture(31, 20, 31, 17), x, shifts)


@pytest.mark.parametrize("unit", ["A", "CA", "GT", "AAC", "ACGT", "N"])
@pytest.mark.parametrize("expert", range(2))
def test_repeats_at_full_size(unit, expert):
    torch.manual_seed(expert)
    model = DeepBind.from_config({}).eval()
    codes = np.tile(["ACGTN".index(letter) for letter in unit], 101)[:101].astype(np.uint8)
    half = background(1, 101, np.random.default_rng(0))[0]
    half[30:80] = codes[30:80]
    agree(model, one_hot(torch.from_numpy(np.stack([codes, half]))), 10)


def test_real_looking_sequences_at_full_size():
    torch.manual_seed(0)
    model = DeepBind.from_config({"detectors": 32}).eval()
    codes = background(200, 101, np.random.default_rng(1))
    codes[::9, 40:60] = 4
    agree(model, one_hot(torch.from_numpy(codes)), 10)


def test_equal_detectors_and_detectors_that_never_answer(make_expert, sequences):
    expert = make_expert(detectors=6)
    with torch.no_grad():
        expert.detect.weight[1] = expert.detect.weight[0]
        expert.detect.bias[1] = expert.detect.bias[0]
        expert.detect.bias[2] = -100
        expert.detect.weight[3] = 0
        expert.detect.bias[3] = 1
        expert.detect.bias[4] = expert.detect.weight[4].zero_().sum()
    agree(expert, sequences(20), 5)


def tie(expert, detectors):
    """Few different weights, many of them 0: different words, and words cut off by an end, tie or come to 0."""
    for tensor in (expert.detect.weight, expert.detect.bias):
        tensor.detach()[:detectors].mul_(2).round_().mul_(0.1)
    return expert


@pytest.mark.parametrize("pooling", ["max", "max+average"])
def test_detectors_that_tie_by_their_weights(make_expert, sequences, pooling):
    for seed in range(6):
        agree(tie(make_expert(seed=seed, pooling=pooling, width=9), 4), sequences(30, seed=seed, unknown=0), 6)


@pytest.mark.parametrize("pooling", ["max", "max+average"])
def test_rounding_decides_nothing(make_expert, sequences, monkeypatch, pooling):
    # Another processor adds up in another order: here every response is off by a unit of rounding.
    draw, grow = np.random.default_rng(0), kernels._grow

    def nudge(bases, columns, bias, rows):
        grow(bases, columns, bias, rows)
        rows += draw.choice([-1, 1], rows.shape).astype(np.float32) * np.finfo(np.float32).eps

    monkeypatch.setattr(kernels, "_grow", nudge)
    monkeypatch.setattr(kernels, "pool", kernels.pool.py_func)
    for seed in range(12):
        expert = tie(make_expert(seed=seed, pooling=pooling, width=9), 1 + seed % 2)
        agree(expert, sequences(10, seed=seed, unknown=0), 3)
        # Where all else stays below 0, the strongest response is 0 but for rounding.
        expert = make_expert(seed=seed, pooling=pooling, width=3)
        expert.detect.weight.detach()[0] = 0.1
        expert.detect.bias.detach()[0] = -0.3
        agree(expert, sequences(4, seed=seed), 3)


@pytest.mark.parametrize(("width", "shifts"), [(24, 10), (2, 3), (50, 0)])
def test_responses_are_off_by_less_than_half_the_tolerance(make_expert, sequences, monkeypatch, width, shifts):
    expert, x = make_expert(width=width, window=101), sequences(20, 101)
    scan = Scan(expert, torch.arange(-shifts, 101 + shifts) % 101, shifts)
    responses = scan.respond(codes_of(x))
    weight, bias = expert.detect.weight.detach().double(), expert.detect.bias.detach().double()
    for cut, n in enumerate(range(shifts, -shifts - 1, -1)):
        whole = nn.functional.conv1d(x.double().roll(n, dims=2), weight, bias, padding=width - 1)
        error = (responses.best[:, cut] - whole.amax(dim=2)).abs()
        assert (error < torch.from_numpy(scan.tolerance[: len(weight)]) / 2).all()
        torch.testing.assert_close(responses.mean[:, cut].double(), whole.clamp(min=0).mean(dim=2), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("window", "width", "shifts"), [(31, 31, 0), (31, 11, 10), (30, 2, 14), (16, 6, 5)])
def test_odd_sizes(make_expert, sequences, window, width, shifts):
    agree(make_expert(window=window, width=width), sequences(9, window), shifts)


def test_a_window_narrower_than_the_sequences(make_expert, make_mixture, sequences):
    agree(make_expert(window=20), sequences(9, 31), 4)
    agree(make_mixture(22, 16), sequences(9, 22), 3)


def test_rows_do_not_show(make_mixture, sequences, monkeypatch):
    mixture, x = make_mixture(31, 20), sequences(11)
    whole = fast_shiftsmooth(mixture, x, 3)
    monkeypatch.setattr(fast, "_ROWS", 4)
    torch.testing.assert_close(fast_shiftsmooth(mixture, x, 3), whole, atol=1e-6, rtol=0)


def test_threads_do_not_show(make_mixture, sequences, monkeypatch):
    mixture, x = make_mixture(31, 20), sequences(50)
    whole = fast_shiftsmooth(mixture, x, 3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert torch.equal(fast_shiftsmooth(mixture, x, 3), whole)


def test_more_detectors_than_one_block_and_a_block_not_full(make_expert, sequences):
    for detectors in (1, 16, 37):
        agree(make_expert(detectors=detectors), sequences(9), 4)


def test_blends_of_bases_and_other_numbers_are_left_alone(make_expert, sequences):
    expert, x = make_expert(), sequences()
    blend = x.clone()
    blend[0, :, 3] = torch.tensor([0.5, 0.5, 0, 0])
    assert fast_shiftsmooth(expert, blend, 2) is None
    for letters in (
        [1, 0.5, -0.5, 0],
        [1, 1, 0, 0],
        [0, 0, 0, 0],
        [1, 0.25, 0, 0],
        [0.25, 0.25, 0.25, 0],
        [torch.nan] * 4,
    ):
        blend[0, :, 3] = torch.tensor(letters)
        assert fast_shiftsmooth(expert, blend, 2) is None
    assert fast_shiftsmooth(expert.double(), x.double(), 2) is None


def test_few_pairs_are_differentiated_one_by_one(monkeypatch):
    torch.manual_seed(0)
    model = DeepBind.from_config({}).eval()
    asked = []
    monkeypatch.setattr(fast, "gradient", lambda model, x: asked.append(len(x)) or torch.zeros_like(x))
    fast_shiftsmooth(model, one_hot(torch.from_numpy(background(256, 101, np.random.default_rng(2)))), 10)
    assert sum(asked) < 0.05 * 256 * 21


def test_under_another_default_type(make_expert, sequences):
    expert, x = make_expert(), sequences()
    torch.set_default_dtype(torch.float64)
    try:
        agree(expert, x, 3)
    finally:
        torch.set_default_dtype(torch.float32)


class Louder(DeepBind):
    def embed(self, x):
        return 2 * super().embed(x)


class Other(MixtureOfExperts):
    def embed(self, x):
        return 2 * super().embed(x)


def test_leaves_other_models_alone(make_expert, make_mixture, sequences):
    x = sequences()
    assert fast_shiftsmooth(make_expert(Residual), x, 2) is None
    assert fast_shiftsmooth(make_mixture(31, make_expert(Residual)), x, 2) is None
    assert fast_shiftsmooth(nn.Linear(4, 1), x, 2) is None
    louder = Louder.from_config(make_expert().config)
    assert fast_shiftsmooth(louder, x, 2) is None
    assert fast_shiftsmooth(make_mixture(louder, 31), x, 2) is None
    mixture = make_mixture(31)
    assert fast_shiftsmooth(Other(list(mixture.experts), mixture.gate), x, 2) is None
    # Detectors that are not inside the window at all shifts, and one that hangs over no end.
    assert fast_shiftsmooth(make_expert(), x, 13) is None
    assert fast_shiftsmooth(make_expert(width=1), x, 2) is None
    # More placements than are held in memory.
    assert fast_shiftsmooth(make_expert(window=50_000, width=24), torch.zeros(0, 4, 50_000), 2) is None
    hooked = make_expert()
    handle = hooked.hidden.register_forward_hook(lambda module, given, out: out * 2)
    assert fast_shiftsmooth(hooked, x, 2) is None
    handle.remove()
    assert fast_shiftsmooth(hooked, x, 2) is not None
