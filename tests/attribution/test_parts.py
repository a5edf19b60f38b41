"""Models are taken apart only if they are what they seem to be."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from tfbs_hub.attribution.parts import take_apart
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.detectors import Detectors
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual
from tfbs_hub.gate.model import Gate, MixtureOfExperts

KINDS = (DeepBind, Residual)


@pytest.fixture
def mixture(make_expert, make_mixture):
    return make_mixture(31, make_expert(Residual, window=18))


def test_an_expert_sees_all_and_those_of_a_mixture_their_windows(make_expert, mixture, sequences):
    parts = take_apart(make_expert(Residual), KINDS, 40)
    assert parts.windows == [40]
    parts = take_apart(mixture, KINDS, 40)
    assert list(parts) == list(zip(mixture.experts, [31, 18], strict=True))
    assert take_apart(mixture, KINDS, 31) is not None
    assert take_apart(mixture, KINDS, 30) is None


def test_the_parts_together_are_the_whole(mixture, sequences):
    x = sequences(4, 41)
    parts = take_apart(mixture, KINDS, 41)
    # Without shifts the stretch is the crop.
    embeddings = [expert.embed(x[:, :, parts.stretch(window, 0)]) for expert, window in parts]
    torch.testing.assert_close(parts.logit(embeddings), mixture(x))


def test_a_stretch_holds_every_shifted_window(mixture, sequences):
    x = sequences(2, 41)
    parts = take_apart(mixture, KINDS, 41)
    for window in parts.windows:
        stretch, crop = x[:, :, parts.stretch(window, 50)], parts.stretch(window, 0)
        for cut, n in enumerate(range(50, -51, -1)):
            assert torch.equal(stretch[:, :, cut : cut + window], torch.roll(x, n, dims=2)[:, :, crop])


def test_other_kinds_stay_whole(make_expert, make_mixture):
    assert take_apart(nn.Linear(4, 1), KINDS, 31) is None
    assert take_apart(make_expert(PWM), KINDS, 31) is None
    assert take_apart(make_expert(Residual), (DeepBind,), 31) is None
    assert take_apart(make_mixture(31, make_expert(Residual)), (DeepBind,), 31) is None


class LouderDetectors(Detectors):
    def forward(self, x):
        return 3 * super().forward(x)


class OtherGate(Gate):
    pass


class OtherMixture(MixtureOfExperts):
    pass


class OtherExpert(Residual):
    pass


def test_subclasses_stay_whole(make_expert, mixture):
    experts, widths = list(mixture.experts), list(mixture.gate.embedding_dims)
    assert take_apart(MixtureOfExperts(experts, mixture.gate), KINDS, 31) is not None
    assert take_apart(MixtureOfExperts(experts, OtherGate(widths)), KINDS, 31) is None
    assert take_apart(OtherMixture(experts, mixture.gate), KINDS, 31) is None
    assert take_apart(OtherExpert.from_config(make_expert(Residual).config), KINDS, 31) is None


@pytest.mark.parametrize(
    "hook",
    [
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
    ],
)
def test_models_with_hooks_stay_whole(mixture, hook):
    for module in (mixture, mixture.gate, mixture.experts[1].detect):
        handle = getattr(module, hook)(lambda *_: None)
        assert take_apart(mixture, KINDS, 31) is None
        handle.remove()
        assert take_apart(mixture, KINDS, 31) is not None


def test_under_a_hook_for_all_modules_everything_stays_whole(mixture):
    handle = register_module_forward_hook(lambda *_: None)
    try:
        assert take_apart(mixture, KINDS, 31) is None
    finally:
        handle.remove()


def test_models_with_other_parts_stay_whole(make_expert):
    expert = make_expert(Residual)
    expert.detect = nn.Conv1d(4, 4, 5, padding=4, dilation=2, bias=False)
    assert take_apart(expert, KINDS, 31) is None
    expert.detect = LouderDetectors(4, 5, padding=2, bias=False)
    assert take_apart(expert, KINDS, 31) is None


def test_models_with_a_method_of_their_own_stay_whole(mixture):
    parts = {
        mixture: ("forward", "embed", "mix", "mix_embeddings"),
        mixture.gate: ("forward", "mix"),
        mixture.experts[0]: ("forward", "embed", "score", "embed_responses"),
        mixture.experts[0].detect: ("forward",),
    }
    for part, names in parts.items():
        for name in names:
            setattr(part, name, getattr(part, name))
            assert take_apart(mixture, KINDS, 31) is None
            delattr(part, name)
            assert take_apart(mixture, KINDS, 31) is not None
    deepbind = DeepBind.from_config({}).eval()
    deepbind.embed_pooled = deepbind.embed_pooled
    assert take_apart(deepbind, (DeepBind,), 101) is None
