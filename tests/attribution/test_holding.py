from __future__ import annotations

import pytest
import torch
from torch import nn

from tfbs_hub.attribution.holding import device_of, held


@pytest.fixture
def network():
    network = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3)), nn.Linear(3, 1))
    network.train()
    network[1][0].eval()
    network[2].weight.requires_grad_(False)
    return network


def state(network):
    return [module.training for module in network.modules()], [each.requires_grad for each in network.parameters()]


def test_holds_in_eval_mode_and_gives_back(network):
    before = state(network)
    assert True in before[0] and False in before[0] and True in before[1] and False in before[1]
    with held(network):
        assert not any(state(network)[0]) and not any(state(network)[1])
        with held(network):
            assert not any(state(network)[0])
        assert not any(state(network)[0]) and not any(state(network)[1])
    assert state(network) == before


def test_gives_back_after_an_error(network):
    before = state(network)
    with pytest.raises(KeyError), held(network):
        raise KeyError
    assert state(network) == before


def test_where_a_model_is():
    assert device_of(nn.Identity()) == torch.device("cpu")
    only_buffers = nn.Module()
    only_buffers.register_buffer("table", torch.zeros(1, device="meta"))
    assert device_of(only_buffers) == torch.device("meta")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_moves_to_a_device_and_back(network):
    before = state(network)
    with held(network, torch.device("cuda")):
        assert device_of(network).type == "cuda"
    assert device_of(network) == torch.device("cpu")
    assert state(network) == before
