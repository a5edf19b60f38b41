from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tfbs_hub import Hub
from tfbs_hub.errors import IntegrityError, NotFoundError
from tfbs_hub.workflows.models import Loader, check_expert, held, pack_gate, rebuild_expert, rebuild_gate


@pytest.fixture
def hub(registry):
    return Hub.open(registry)


@pytest.fixture
def loader(hub):
    return Loader(hub.plugins)


def test_only_registered_architectures_are_imported(loader):
    assert loader.architecture("tfbs_hub.experts.deepbind:DeepBind").__name__ == "DeepBind"
    for reference in ("os:system", "tfbs_hub.experts.contract:Expert", "no.such.module:Net"):
        with pytest.raises(NotFoundError, match="is not registered"):
            loader.architecture(reference)


def test_every_load_gives_a_network_of_its_own(hub):
    one, other = hub.expert("EBOX"), hub.expert("EBOX")
    one.train()
    with torch.no_grad():
        one.output.bias += 1
    assert not other.training
    assert not torch.equal(one.output.bias, other.output.bias)


@pytest.mark.parametrize("change", [{"window": 60}, {"embedding_dim": 31}, {"config": {}}])
def test_a_card_that_describes_another_network_is_refused(hub, loader, change):
    spec = hub.spec("EBOX")
    with pytest.raises(IntegrityError, match="different networks"):
        rebuild_expert(replace(spec.card, **change), spec.weights.read_bytes(), loader.architecture)


def test_golden_predictions_are_recomputed(hub):
    card, expert = hub.spec("EBOX").card, hub.expert("EBOX")
    check_expert(card, expert)
    with torch.no_grad():
        expert.output.bias += 0.01
    with pytest.raises(IntegrityError, match="golden predictions of EBOX"):
        check_expert(card, expert)


def test_a_gate_comes_back_as_it_was(hub):
    mixture, record = hub.gate(), hub.gate_record()
    data = pack_gate(mixture.gate)
    assert data == hub.registry.read_gate_weights(record)
    again = rebuild_gate(record.card, data, list(mixture.experts))
    x = torch.full((2, 4, 61), 0.25)
    assert torch.equal(again(x), mixture(x))


def test_a_gate_that_does_not_fit_is_refused(hub):
    mixture, record = hub.gate(), hub.gate_record()
    data = pack_gate(mixture.gate)
    with pytest.raises(IntegrityError, match="different gates"):
        rebuild_gate(replace(record.card, config={"hidden": 1}), data, list(mixture.experts))
    with pytest.raises(IntegrityError, match="do not fit"):
        rebuild_gate(record.card, data, list(mixture.experts)[:1])


def test_the_bias_closes_the_sum_after_the_temperature(hub):
    mixture = hub.gate()
    with torch.no_grad():
        mixed = mixture.mix(torch.full((1, 4, 61), 0.25))
    assert float(mixed.contribution.sum()) + hub.model().bias == pytest.approx(float(mixed.logit), abs=1e-5)
    assert hub.model("EBOX").bias is None


def test_strands_are_averaged_in_logits(hub):
    model = hub.model()
    codes = [np.full((1, 61), base, np.uint8) for base in (0, 3)]
    both = model.score(codes, torch.device("cpu"))
    each = [model.score([part], torch.device("cpu")) for part in codes]
    for name in ("logit", "alpha", "contribution"):
        assert getattr(both, name) == pytest.approx((getattr(each[0], name) + getattr(each[1], name)) / 2, abs=1e-6)


def test_networks_come_back_to_the_cpu(hub):
    model = hub.model()
    with held([model], torch.device("cpu")):
        pass
    assert {parameter.device.type for parameter in model.network.parameters()} == {"cpu"}
