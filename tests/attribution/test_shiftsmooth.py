from __future__ import annotations

import pytest
import torch

from tfbs_hub.attribution import shiftsmooth as module
from tfbs_hub.attribution.gradients import gradient
from tfbs_hub.attribution.shiftsmooth import shiftsmooth, shiftsmooth_batched, shiftsmooth_padded
from tfbs_hub.errors import UsageError
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual
from tfbs_hub.sequences.onehot import reverse_complement_one_hot

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


def equation_16(model, x, shifts, reference_gradient):
    """The paper's loop: one backward pass a shift, on one sequence at a time."""
    total = torch.zeros_like(x)
    for n in range(-shifts, shifts + 1):
        total += torch.roll(reference_gradient(model, torch.roll(x, n, dims=2)), -n, dims=2)
    return total / (2 * shifts + 1)


@pytest.mark.parametrize("architecture", [DeepBind, Residual, PWM])
@pytest.mark.parametrize("shifts", [0, 1, 10, 31])
def test_equals_equation_16(make_expert, sequences, reference_gradient, architecture, shifts):
    expert, x = make_expert(architecture), sequences(4)
    expected = equation_16(expert, x, shifts, reference_gradient)
    torch.testing.assert_close(shiftsmooth(expert, x, shifts=shifts), expected, **CLOSE)
    torch.testing.assert_close(shiftsmooth_batched(expert, x, shifts=shifts), expected, **CLOSE)


def test_every_model_takes_the_fastest_way_that_applies(make_expert, make_mixture, sequences, monkeypatch):
    taken = []

    def watched(name):
        way = getattr(module, name)

        def watch(*args, **options):
            found = way(*args, **options)
            taken.extend([name] if found is not None else [])
            return found

        return watch

    for name in ("fast_shiftsmooth", "shared_shiftsmooth", "shiftsmooth_batched"):
        monkeypatch.setattr(module, name, watched(name))
    x = sequences()
    for model in (make_expert(), make_mixture(31, 20), make_expert(Residual), make_mixture(31, make_expert(Residual))):
        shiftsmooth(model, x, shifts=3)
    shiftsmooth(make_expert(), torch.rand(2, 4, 31), shifts=3)
    shiftsmooth(make_expert(PWM), x, shifts=3)
    assert taken == [*["fast_shiftsmooth"] * 2, *["shared_shiftsmooth"] * 3, "shiftsmooth_batched"]


@pytest.mark.parametrize("architecture", [DeepBind, Residual, PWM])
def test_no_sequences(make_expert, architecture):
    x = torch.zeros(0, 4, 31)
    for method in (shiftsmooth, shiftsmooth_batched, shiftsmooth_padded):
        assert method(make_expert(architecture), x).shape == x.shape


def test_ten_shifts_either_way_by_default(make_expert, sequences):
    expert, x = make_expert(Residual), sequences()
    assert torch.equal(shiftsmooth(expert, x), shiftsmooth(expert, x, shifts=10))
    assert not torch.allclose(shiftsmooth(expert, x), shiftsmooth(expert, x, shifts=9), atol=1e-4)


def test_no_shift_is_the_gradient(make_expert, sequences):
    expert, x = make_expert(), sequences()
    for method in (shiftsmooth, shiftsmooth_batched, shiftsmooth_padded):
        torch.testing.assert_close(method(expert, x, shifts=0), gradient(expert, x), **CLOSE)


def test_a_mixture_rolls_before_it_crops(make_expert, make_mixture, sequences, reference_gradient):
    mixture = make_mixture(make_expert(Residual, seed=4), make_expert(Residual, seed=5, window=18))
    x = sequences(3)
    torch.testing.assert_close(
        shiftsmooth(mixture, x, shifts=3), equation_16(mixture, x, 3, reference_gradient), **CLOSE
    )


@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_groups_of_shifts_do_not_show(make_expert, sequences, reference_gradient, monkeypatch, rows):
    monkeypatch.setattr(module, "ROWS", rows)
    expert, x = make_expert(Residual), sequences(3)
    torch.testing.assert_close(shiftsmooth(expert, x, shifts=4), equation_16(expert, x, 4, reference_gradient), **CLOSE)


def test_a_symmetric_model_gets_symmetric_attribution(make_expert, sequences):
    expert, x = make_expert(PWM), sequences()
    turned = reverse_complement_one_hot(shiftsmooth(expert, reverse_complement_one_hot(x), shifts=5))
    torch.testing.assert_close(turned, shiftsmooth(expert, x, shifts=5), **CLOSE)


def test_moving_a_sequence_far_from_its_ends_moves_its_attribution(make_expert):
    # A model that sees everything alike, a sequence of unknown bases with one site in the middle.
    expert = make_expert(DeepBind, window=61, pooling="max")
    x = torch.full((1, 4, 61), 0.25)
    x[0, :, 25:31] = torch.eye(4)[[0, 2, 1, 3, 0, 1]].T
    torch.testing.assert_close(
        shiftsmooth(expert, x.roll(4, dims=2), shifts=3), shiftsmooth(expert, x, shifts=3).roll(4, dims=2), **CLOSE
    )


@pytest.mark.parametrize("triangular", [False, True])
@pytest.mark.parametrize("shifts", [1, 4, 30])
def test_padded_shifts_by_their_definition(make_expert, sequences, reference_gradient, shifts, triangular):
    expert, x = make_expert(Residual), sequences(2)
    length = x.shape[2]
    total, weights = torch.zeros_like(x), torch.zeros(length)
    for n in range(-shifts, shifts + 1):
        weight = 1 - abs(n) / (shifts + 1) if triangular else 1
        moved = torch.full_like(x, 0.25)
        for place in range(length):
            if 0 <= place + n < length:
                moved[:, :, place + n] = x[:, :, place]
        found = reference_gradient(expert, moved)
        for place in range(length):
            if 0 <= place + n < length:
                total[:, :, place] += weight * found[:, :, place + n]
                weights[place] += weight
    expected = total / weights
    torch.testing.assert_close(shiftsmooth_padded(expert, x, shifts=shifts, triangular=triangular), expected, **CLOSE)


def test_shifts_that_cannot_be(make_expert, sequences):
    expert, x = make_expert(), sequences()
    for method in (shiftsmooth, shiftsmooth_batched, shiftsmooth_padded):
        with pytest.raises(UsageError, match="0 or more, not -1"):
            method(expert, x, shifts=-1)
    with pytest.raises(UsageError, match="out of sight"):
        shiftsmooth_padded(expert, x, shifts=31)
