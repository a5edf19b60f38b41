from __future__ import annotations

import json
import math
from dataclasses import replace

import optuna
import pytest
import torch

from tfbs_hub.errors import UsageError
from tfbs_hub.experts import BUILTIN
from tfbs_hub.experts.contract import Expert, Recipe
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual
from tfbs_hub.plugins import resolve
from tfbs_hub.sequences.onehot import one_hot, reverse_complement_one_hot


@pytest.fixture
def x(random_codes):
    return one_hot(torch.from_numpy(random_codes(6, 31, unknown=0.1)))


def test_every_named_architecture_is_an_expert():
    assert {resolve(reference) for reference in BUILTIN.values()} == {DeepBind, Residual, PWM}


@pytest.mark.parametrize("rows", [0, 1, 6])
def test_shapes_and_types(architecture, make_expert, x, rows):
    expert = make_expert(architecture)
    embedding = expert.embed(x[:rows])
    logit = expert(x[:rows])
    assert embedding.shape == (rows, expert.embedding_dim)
    assert logit.shape == (rows,)
    assert embedding.dtype == logit.dtype == torch.float32
    assert torch.equal(expert.score(embedding), logit)
    assert expert.window == 31


def test_eval_gives_the_same_again_and_rows_do_not_see_each_other(architecture, make_expert, x):
    expert = make_expert(architecture)
    together = expert(x)
    assert torch.equal(expert(x), together)
    alone = torch.cat([expert(row[None]) for row in x])
    assert torch.allclose(alone, together, atol=1e-5)


@pytest.mark.parametrize("trained", [DeepBind, Residual])
def test_train_mode_drops_out(make_expert, x, trained):
    expert = make_expert(trained).train()
    assert not torch.equal(expert(x), expert(x))


def test_gradient_reaches_the_input(architecture, make_expert, x):
    x.requires_grad_()
    make_expert(architecture)(x).sum().backward()
    assert x.grad.shape == x.shape
    assert torch.isfinite(x.grad).all()
    assert (x.grad.abs().amax(dim=(1, 2)) > 0).all()


def test_config_rebuilds_an_equal_network(architecture, make_expert, x):
    expert = make_expert(architecture)
    twin = architecture.from_config(json.loads(json.dumps(expert.config))).eval()
    twin.load_state_dict(expert.state_dict())
    assert twin.config == expert.config
    assert torch.equal(twin(x), expert(x))


def test_config_cannot_be_changed_from_outside(architecture, make_expert):
    expert = make_expert(architecture)
    expert.config["window"] = 7
    assert expert.config["window"] == expert.window == 31


def test_defaults_take_101_bases(architecture):
    expert = architecture.from_config({}).eval()
    assert expert(torch.full((1, 4, 101), 0.25)).shape == (1,)


@pytest.mark.parametrize(
    ("architecture", "config", "said"),
    [
        (DeepBind, {"filters": 4}, "filters"),
        (DeepBind, {"detectors": 0}, "detectors"),
        (DeepBind, {"detectors": 4.0}, "detectors"),
        (DeepBind, {"detectors": True}, "detectors"),
        (DeepBind, {"width": 513}, "width"),
        (DeepBind, {"window": 0}, "window"),
        (DeepBind, {"window": "101"}, "window"),
        (DeepBind, {"window": None}, "window"),
        (DeepBind, {"embedding_dim": -1}, "embedding_dim"),
        (DeepBind, {"dropout": math.nan}, "dropout"),
        (DeepBind, {"dropout": 1.0}, "dropout"),
        (DeepBind, {"pooling": "mean"}, "max\\+average"),
        (Residual, {"detectors": 4}, "detectors"),
        (Residual, {"stride": 0}, "stride"),
        (Residual, {"window": 3, "stride": 4}, "window"),
        (Residual, {"blocks": -1}, "blocks"),
        (Residual, {"filters": 10**9}, "filters"),
        (Residual, {"width": 10**30}, "width"),
        (PWM, {"width": 0}, "width"),
        (PWM, {"window": 5, "width": 6}, "window"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(architecture, config, said):
    with pytest.raises(UsageError, match=said):
        architecture.from_config(config)


@pytest.mark.parametrize("seed", range(3))
def test_every_suggestion_can_be_built_and_trained_with(architecture, seed):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    config, changes = architecture.suggest(study.ask())
    architecture.from_config({"window": 51, **config})
    assert replace(architecture.recipe(), **changes).learning_rate > 0


def test_a_recipe_is_plain_values():
    plain = json.loads(json.dumps(Recipe().as_dict()))
    assert Recipe(**plain) == Recipe()


def test_a_declared_symmetry_is_real(architecture, make_expert, x):
    expert = make_expert(architecture)
    same = torch.allclose(expert(x), expert(reverse_complement_one_hot(x)), atol=1e-5)
    assert same == architecture.strand_symmetric


def test_the_contract_cannot_be_half_kept():
    class Half(Expert):
        window = 3
        embedding_dim = 1

    with pytest.raises(TypeError, match="abstract"):
        Half()
    assert Expert.forward.__final__
