from __future__ import annotations

import pytest
import torch
from torch import nn, optim

from tfbs_hub.errors import StorageError
from tfbs_hub.training.checkpoint import Checkpoint, fingerprint, optimiser_tensors, restore_optimiser


def test_fingerprints_differ_where_facts_do():
    assert fingerprint(a=1, b=[2, 3]) == fingerprint(b=[2, 3], a=1)
    assert len({fingerprint(a=1), fingerprint(a=2), fingerprint(a="1"), fingerprint(b=1), fingerprint()}) == 5


def test_another_version_of_the_hub_is_another_run(monkeypatch):
    before = fingerprint(a=1)
    monkeypatch.setattr("tfbs_hub.training.checkpoint.__version__", "99.0")
    assert fingerprint(a=1) != before


def test_save_load_clear(checkpoint):
    kept = checkpoint()
    assert kept.load() is None
    kept.clear()
    kept.save({"curve": [1]}, {"w": torch.ones(2)})
    kept.save({"curve": [1, 2]}, {"w": torch.zeros(2)})
    state, tensors = kept.load()
    assert state["curve"] == [1, 2]
    assert torch.equal(tensors["w"], torch.zeros(2))
    assert [path.name for path in kept.path.parent.iterdir()] == [kept.path.name]
    kept.clear()
    assert kept.load() is None


def test_two_runs_whose_digests_begin_alike_do_not_mix(checkpoint):
    one, other = checkpoint("a" * 64), checkpoint("a" * 40 + "b" * 24)
    assert one.path == other.path
    one.save({}, {})
    assert other.load() is None


def test_every_flipped_bit_is_found(checkpoint):
    kept = checkpoint()
    kept.save({"curve": []}, {"w": torch.tensor([1.0, 2.0])})
    whole = kept.path.read_bytes()
    for place in range(len(whole)):
        kept.path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        assert kept.load() is None


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        Checkpoint(tmp_path / "file", "a" * 64).save({}, {})


@pytest.mark.parametrize("make", [lambda p: optim.AdamW(p, lr=0.1), lambda p: optim.SGD(p, lr=0.1, momentum=0.9)])
def test_an_optimiser_goes_on_where_another_stopped(make):
    def step(model, optimiser):
        optimiser.zero_grad()
        model(torch.ones(2, 3)).square().sum().backward()
        optimiser.step()

    models = [nn.Linear(3, 1) for _ in range(2)]
    first, second = (make(model.parameters()) for model in models)
    for _ in range(3):
        step(models[0], first)
    models[1].load_state_dict(models[0].state_dict())
    restore_optimiser(second, {name: tensor.clone() for name, tensor in optimiser_tensors(first).items()})
    for model, optimiser in zip(models, (first, second), strict=True):
        step(model, optimiser)
    assert torch.equal(models[0].weight, models[1].weight)
