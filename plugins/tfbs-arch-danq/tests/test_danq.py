"""DanQ as installed: the contract of an expert, its sizes, and that it learns how sites lie to each other."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import optuna
import pytest
import torch
from tfbs_arch_danq.network import DanQ

from tfbs_hub.attribution.compute import attribute
from tfbs_hub.attribution.methods import find_method
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.testing import ExpertConformance, PackageConformance
from tfbs_hub.training.expert import Task, train
from tfbs_hub.training.negatives import Pool

SMALL = {"window": 41, "filters": 8, "width": 7, "hidden": 6, "embedding_dim": 5}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def danq(seed=0, **config):
    torch.manual_seed(seed)
    return DanQ.from_config({**SMALL, **config}).eval()


def codes(rows, window=41, seed=0):
    return np.random.default_rng(seed).integers(0, 5, (rows, window)).astype(np.uint8)


def encoded(rows, window=41, seed=0):
    return one_hot(torch.from_numpy(codes(rows, window, seed)))


class TestPackage(PackageConformance):
    distribution = "tfbs-arch-danq"


class TestNetwork(ExpertConformance):
    bad_configs = (
        {"filtres": 8},
        {"filters": 0},
        {"filters": 8.5},
        {"filters": True},
        {"window": 3, "pool": 4},
        {"width": 512},
        {"hidden": 5000},
        {"dropout": float("nan")},
    )

    @pytest.fixture
    def expert(self):
        return danq()


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("config", [{}, {"width": 8}, {"pool": 1}, {"pool": 41}, {"window": 4}, {"width": 41}])
def test_shapes(config, rows):
    model = danq(**config)
    embedding = model.embed(encoded(rows, model.window))
    assert embedding.shape == (rows, model.embedding_dim)
    assert model.score(embedding).shape == (rows,)
    assert model.score(embedding).dtype == torch.float32


def test_the_default_fits_101_bp():
    model = DanQ.from_config({})
    assert (model.window, model.embedding_dim) == (101, 32)
    assert sum(parameter.numel() for parameter in model.parameters()) < 40_000


def test_order_counts():
    """Turned round position by position (not complemented), a sequence reads differently: pooling alone would not."""
    model, x = danq(width=1, pool=1), encoded(4)
    assert (model(x) - model(x.flip(2))).abs().min() > 1e-4


def test_forget_gates_begin_open_and_no_other():
    lstm = DanQ.from_config(SMALL).recur
    for side in ("", "_reverse"):
        bias = getattr(lstm, f"bias_ih_l0{side}").detach()
        assert (bias[6:12] == 1).all()
        assert (bias[:6] != 1).all() and (bias[12:] != 1).all()


def test_shift_logit_moves_every_logit():
    model, x = danq(), encoded(3)
    before = model(x)
    model.shift_logit(-1.5)
    torch.testing.assert_close(model(x), before - 1.5)


def test_the_search_space_gives_configurations_that_can_be_built():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(5):
        config, recipe = DanQ.suggest(study.ask())
        assert DanQ.from_config({"window": 101, **config}).window == 101
        assert set(recipe) <= set(asdict(DanQ.recipe()))


def test_shiftsmooth_equals_its_definition_and_leaves_the_model_as_it_was():
    model = danq().train()
    rows = codes(2)
    found = attribute(model, rows, find_method("shiftsmooth", shifts=2))
    assert model.training and all(parameter.grad is None for parameter in model.parameters())
    model.eval()
    expected = torch.zeros(2, 4, 41)
    for n in range(-2, 3):
        rolled = one_hot(torch.from_numpy(rows)).roll(n, dims=2).requires_grad_()
        (slope,) = torch.autograd.grad(model(rolled).sum(), rolled)
        expected += slope.roll(-n, dims=2) / 5
    np.testing.assert_allclose(found.hypothetical, expected.numpy(), atol=1e-6)
    assert np.abs(found.hypothetical).max() > 1e-4


def ordered_sites(rows, first, second, seed):
    """Background with two sites in the given order, some bases apart, anywhere."""
    draw = np.random.default_rng(seed)
    made = draw.integers(0, 4, (rows, 41)).astype(np.uint8)
    for row in made:
        gap, start = draw.integers(2, 8), draw.integers(2, 18)
        row[start : start + 6] = first
        row[start + 6 + gap : start + 12 + gap] = second
    return made


def test_it_learns_the_order_of_two_sites():
    one, other = [2, 3, 2, 2, 3, 2], [1, 0, 0, 1, 0, 1]
    task = Task(
        tf="X",
        positives=ordered_sites(500, one, other, 0),
        negatives=Pool(ordered_sites(500, other, one, 1), 0.15),
        seed=0,
        digest="order",
    )
    recipe = replace(
        DanQ.recipe(), epochs=12, batch=64, negatives=1, learning_rate=0.01, shift=0, unknown=0, reverse_complement=0
    )
    trained = train(task, DanQ, config={"window": 41, "filters": 16, "width": 7, "hidden": 16}, recipe=recipe)
    # Both strands are averaged when scoring, and the other strand holds the sites' complements, which say nothing.
    assert max(point.auroc for point in trained.training.curve) > 0.9


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_attribution_on_a_gpu_agrees_with_the_cpu():
    model, rows = danq(), codes(3)
    method = find_method("gradient")
    here, there = (attribute(model, rows, method, device=torch.device(place)) for place in ("cpu", "cuda"))
    np.testing.assert_allclose(here.hypothetical, there.hypothetical, atol=1e-4)
