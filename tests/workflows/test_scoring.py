from __future__ import annotations

import numpy as np
import pytest
import torch

from tfbs_hub import Hub
from tfbs_hub.errors import InputError, PluginError
from tfbs_hub.experts.contract import Expert
from tfbs_hub.workflows.candidates import MEAN, Candidate
from tfbs_hub.workflows.labelled import read_labelled
from tfbs_hub.workflows.models import Model
from tfbs_hub.workflows.scoring import check_lengths, score

CPU = torch.device("cpu")


class Odd(Expert):
    """Somebody else's network, with a fault."""

    architecture = "odd"
    embedding_dim = 1
    window = 61
    strand_symmetric = False

    def __init__(self, fault):
        super().__init__()
        self.fault = fault

    def embed(self, x):
        return x.mean(dim=(1, 2))[:, None]

    def score(self, embedding):
        return self.fault(embedding)

    @property
    def config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        raise NotImplementedError


@pytest.fixture
def hub(registry):
    return Hub.open(registry)


@pytest.fixture
def labelled(trained):
    return read_labelled([trained.labelled["ETS"]])[0]


@pytest.fixture
def ask(hub, labelled):
    """Score with a network in the place of ETS."""
    candidate = Candidate("ETS", hub.spec("ETS"))
    return lambda network: score(candidate, Model("ETS", network, 61, symmetric=False), "set", labelled.data, CPU)


def test_scores_are_those_of_predict_and_alpha_is_the_mean_over_bound_rows(hub, labelled):
    found = score(Candidate("moe", hub.gate_record()), hub.model(), "set", labelled.data, CPU)
    predicted = hub.predict(labelled.data)
    assert found.logit.dtype == np.float64 and np.array_equal(found.logit, predicted.logit.astype(np.float64))
    expected = predicted.alpha[labelled.labels == 1].mean(axis=0)
    assert found.alpha == pytest.approx(dict(zip(("EBOX", "ETS"), expected, strict=True)), abs=1e-6)


def test_the_mean_is_the_mean_of_the_experts_logits(hub, labelled):
    found = score(Candidate(MEAN, hub.gate_record()), hub.model(MEAN), "set", labelled.data, CPU)
    each = [hub.predict(labelled.data, name).logit for name in ("EBOX", "ETS")]
    assert found.logit == pytest.approx(np.mean(each, axis=0), abs=1e-5)
    assert found.alpha == {}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda embedding: embedding[:, 0] * torch.nan, "ETS gives scores that are not finite for 80 of 80 sequences"),
        (lambda embedding: embedding, r"ETS gives scores of shape \(80, 1\) for 80 sequences"),
        (lambda embedding: embedding[:, 0].sum(), "ETS fails: ValueError: zero-dimensional"),
        (lambda embedding: {}["key"], "ETS fails: KeyError: 'key'"),
    ],
)
def test_a_network_with_a_fault_is_named_and_so_is_its_package(ask, fault, says):
    with pytest.raises(PluginError, match=says) as refusal:
        ask(Odd(fault))
    assert refusal.value.where == "set"
    assert "architecture tfbs_hub.experts.deepbind:DeepBind" in refusal.value.hint


def test_inside_a_mixture_the_expert_with_the_fault_is_named(hub, labelled):
    model = hub.model()
    with torch.no_grad():
        for parameter in model.network.experts[1].parameters():
            parameter.fill_(torch.nan)
    with pytest.raises(PluginError, match=r"^set: ETS gives scores that are not finite"):
        score(Candidate("moe", hub.gate_record()), model, "set", labelled.data, CPU)


def test_longer_sequences_than_the_window_are_refused(hub, random_codes, labelled):
    check_lengths(Candidate("ETS", hub.spec("ETS")), "set", labelled.data)
    wide = labelled.data.__class__(random_codes(4, 62), np.array([0, 1, 0, 1], np.int8), list("abcd"))
    with pytest.raises(InputError, match="sequences of 62 bp are longer than the 61 bp window of moe"):
        check_lengths(Candidate("moe", hub.gate_record()), "set", wide)
