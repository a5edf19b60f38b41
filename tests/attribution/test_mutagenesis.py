from __future__ import annotations

import pytest
import torch

from tfbs_hub.attribution import mutagenesis as module
from tfbs_hub.attribution.mutagenesis import mutagenesis
from tfbs_hub.errors import PluginError
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual
from tfbs_hub.sequences.onehot import reverse_complement_one_hot


@pytest.mark.parametrize("rows", [1, 7, 512])
@pytest.mark.parametrize("architecture", [DeepBind, Residual])
def test_equals_four_mutants_a_position(make_expert, sequences, monkeypatch, architecture, rows):
    monkeypatch.setattr(module, "_ROWS", rows)
    expert, x = make_expert(architecture), sequences(2, unknown=0.2)
    scores = torch.empty_like(x)
    with torch.no_grad():
        for row in range(2):
            for position in range(x.shape[2]):
                for base in range(4):
                    mutant = x[row].clone()
                    mutant[:, position] = torch.eye(4)[base]
                    scores[row, base, position] = expert(mutant[None])[0]
    torch.testing.assert_close(mutagenesis(expert, x), scores - scores.mean(dim=1, keepdim=True), atol=1e-5, rtol=1e-4)


def test_scores_three_mutants_a_known_base_and_four_of_an_unknown_one(make_expert, sequences):
    x = sequences(3)
    unknown = int((x == 0.25).all(dim=1).sum())
    expert = make_expert()
    asked = []
    handle = expert.register_forward_pre_hook(lambda module, given: asked.append(len(given[0])))
    mutagenesis(expert, x)
    handle.remove()
    assert sum(asked) == 3 + 3 * (3 * 31 - unknown) + 4 * unknown


def test_a_symmetric_model_gets_symmetric_attribution(make_expert, sequences):
    expert, x = make_expert(PWM), sequences()
    turned = reverse_complement_one_hot(mutagenesis(expert, reverse_complement_one_hot(x)))
    torch.testing.assert_close(turned, mutagenesis(expert, x), atol=1e-5, rtol=1e-4)


def test_needs_no_gradient(sequences):
    class Counts(torch.nn.Module):
        def forward(self, x):
            return (x.argmax(dim=1) == 2).sum(dim=1).float()

    x = sequences(3, unknown=0)
    found = mutagenesis(Counts(), x)
    expected = torch.tensor([-0.25, -0.25, 0.75, -0.25])[None, :, None].expand_as(x)
    torch.testing.assert_close(found, expected)


def test_a_model_returns_one_logit_a_sequence(sequences):
    with pytest.raises(PluginError, match="one logit a sequence"):
        mutagenesis(torch.nn.Flatten(), sequences())
