from __future__ import annotations

import pytest
import torch

from tfbs_hub.attribution import integrated
from tfbs_hub.attribution.correction import corrected
from tfbs_hub.attribution.integrated import integrated_gradients
from tfbs_hub.errors import UsageError
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual


@pytest.mark.parametrize("architecture", [DeepBind, Residual, PWM])
def test_observed_values_add_up_to_the_difference_from_the_baseline(make_expert, sequences, architecture):
    expert, x = make_expert(architecture), sequences()
    actual = (integrated_gradients(expert, x, steps=400) * x).sum(dim=(1, 2))
    with torch.no_grad():
        difference = expert(x) - expert(torch.full_like(x, 0.25))
    assert difference.abs().max() > 0.01
    torch.testing.assert_close(actual, difference, atol=0.01 * float(difference.abs().max()), rtol=0)


def test_equals_the_sum_over_the_path(make_expert, sequences, reference_gradient):
    expert, x = make_expert(Residual), sequences(3)
    mean = sum(reference_gradient(expert, 0.25 + (step + 0.5) / 7 * (x - 0.25)) for step in range(7)) / 7
    found = integrated_gradients(expert, x, steps=7)
    for base in range(4):
        column = torch.full((4, 1), -0.25)
        column[base] += 1
        torch.testing.assert_close(found[:, base], (column * mean).sum(dim=1), atol=1e-5, rtol=1e-4)
    classic = ((x - 0.25) * mean).sum(dim=1)
    torch.testing.assert_close((found * x).sum(dim=1), classic, atol=1e-5, rtol=1e-4)


def test_batches_do_not_show(make_expert, sequences, monkeypatch):
    expert, x = make_expert(Residual), sequences(5)
    whole = integrated_gradients(expert, x)
    monkeypatch.setattr(integrated, "ROWS", 2)
    torch.testing.assert_close(integrated_gradients(expert, x), whole, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(corrected(whole), whole, atol=1e-6, rtol=1e-5)


def test_needs_a_step(make_expert, sequences):
    with pytest.raises(UsageError, match="at least 1 step, not 0"):
        integrated_gradients(make_expert(), sequences(), steps=0)
