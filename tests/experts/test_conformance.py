"""Each promise is kept by the built-in architectures, and each is broken by a network made to break it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tfbs_hub.errors import PluginError, UsageError
from tfbs_hub.experts.conformance import PROMISES, check_bad_config
from tfbs_hub.experts.contract import Expert, Recipe


class Plain(Expert):
    """A network that keeps every promise: one linear layer on the base counts of each half."""

    def __init__(self, window=20, scale=1.0):
        super().__init__()
        self._config = {"window": window, "scale": scale}
        self.embedding = nn.Linear(4 * window, 3)
        self.output = nn.Linear(3, 1)

    window = property(lambda self: self._config["window"])
    embedding_dim = property(lambda self: 3)
    config = property(lambda self: dict(self._config))

    @classmethod
    def from_config(cls, config):
        if not set(config) <= {"window", "scale"}:
            raise UsageError("unknown setting")
        return cls(**config)

    def embed(self, x):
        return torch.tanh(self.embedding(x.flatten(1)))

    def score(self, embedding):
        return self.output(embedding)[:, 0] * self._config["scale"]


class WrongShape(Plain):
    def score(self, embedding):
        return self.output(embedding)


class WrongType(Plain):
    def embed(self, x):
        return super().embed(x).double()


class NotFinite(Plain):
    def score(self, embedding):
        return super().score(embedding) / 0


class Noisy(Plain):
    def embed(self, x):
        return super().embed(x) + torch.rand(1)


class Counting(Plain):
    def __init__(self, **config):
        super().__init__(**config)
        self.register_buffer("asked", torch.zeros(1))

    def embed(self, x):
        self.asked += 1
        return super().embed(x)


class InPlace(Plain):
    def embed(self, x):
        with torch.no_grad():
            x -= 0.25
        return super().embed(x)


class Detached(Plain):
    def embed(self, x):
        return super().embed(x.detach())


class ThroughNumpy(Plain):
    def embed(self, x):
        return super().embed(torch.from_numpy(np.asarray(x.detach())))

    def score(self, embedding):
        return super().score(embedding).detach()


class BatchBound(Plain):
    def embed(self, x):
        return super().embed(x - x.mean(dim=0))


class NotSymmetric(Plain):
    strand_symmetric = True


class SecretlySymmetric(Plain):
    def embed(self, x):
        return super().embed(x) + super().embed(x.flip(1, 2))


class OwnDictionary(Plain):
    config = property(lambda self: self._config)


class Tuples(Plain):
    config = property(lambda self: {**self._config, "scale": (1, 2)})


class NoJson(Plain):
    config = property(lambda self: {**self._config, "scale": float("nan")})


class Forgetful(Plain):
    @classmethod
    def from_config(cls, config):
        super().from_config(config)
        return cls()


class Careless(Plain):
    @classmethod
    def from_config(cls, config):
        return cls(**{key: value for key, value in config.items() if key in {"window", "scale"}})


class KeyErrors(Plain):
    @classmethod
    def from_config(cls, config):
        if "window" not in config:
            raise KeyError("window")
        return cls(**config)


class Hidden(Plain):
    """Its logit depends on something that is no weight."""

    def __init__(self, **config):
        super().__init__(**config)
        self.hidden = torch.rand(1)

    def score(self, embedding):
        return super().score(embedding) + self.hidden


class NoRecipe(Plain):
    @classmethod
    def recipe(cls):
        return {"learning_rate": 1}


class BadSearch(Plain):
    @classmethod
    def suggest(cls, trial):
        return {}, {"learning_rates": 1.0}


class Frozen(Plain):
    def __init__(self, **config):
        super().__init__(**config)
        self.requires_grad_(False)

    def embed(self, x):
        return super().embed(x) + torch.zeros(1, requires_grad=True)


BROKEN = [
    (WrongShape, "shapes", "shape"),
    (WrongType, "shapes", "float64"),
    (NotFinite, "shapes", "not finite"),
    (Noisy, "determinism", "two different logits"),
    (Counting, "determinism", "forward changed the network in eval mode: asked"),
    (InPlace, "determinism", "input tensor was changed"),
    (Detached, "gradient", "no gradient reaches the input"),
    (ThroughNumpy, "gradient", "no gradient reaches the input"),
    (BatchBound, "gradient", "depends on the other sequences"),
    (BatchBound, "batch", "alone and in a batch"),
    (NotSymmetric, "strands", "differ by"),
    (SecretlySymmetric, "strands", "strand_symmetric is False"),
    (OwnDictionary, "config", "own dictionary"),
    (Tuples, "config", "round trip through JSON"),
    (NoJson, "config", "not plain JSON"),
    (Forgetful, "config", "a different network"),
    (Careless, "unknown setting", "was accepted"),
    (KeyErrors, "unknown setting", "raised KeyError"),
    (Hidden, "weights", "before packing and after loading"),
    (NoRecipe, "training", "not a Recipe"),
    (BadSearch, "training", "learning_rates"),
    (Frozen, "training", "no parameter is given a gradient"),
]


@pytest.mark.parametrize("promise", PROMISES)
def test_built_in_architectures_keep_every_promise(architecture, make_expert, promise):
    PROMISES[promise](make_expert(architecture))


@pytest.mark.parametrize("promise", PROMISES)
def test_a_plain_network_keeps_every_promise(promise):
    PROMISES[promise](Plain(window=21, scale=0.5).eval())


def test_every_promise_is_broken_by_some_network_below():
    assert {promise for _, promise, _ in BROKEN} == set(PROMISES)


@pytest.mark.parametrize(("network", "promise", "said"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_promise_is_named(network, promise, said):
    expert = network(window=21).eval()
    with pytest.raises(PluginError, match=said):
        PROMISES[promise](expert)


@pytest.mark.parametrize("promise", PROMISES)
def test_the_network_is_left_as_it_was(architecture, make_expert, promise):
    expert = make_expert(architecture)
    before = {name: tensor.clone() for name, tensor in expert.state_dict().items()}
    PROMISES[promise](expert)
    assert not expert.training
    assert all(parameter.grad is None for parameter in expert.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in expert.state_dict().items())


def test_bad_configurations():
    check_bad_config(Plain, {"wrong": 1})
    with pytest.raises(PluginError, match="was accepted"):
        check_bad_config(Plain, {"window": 21})
    assert isinstance(Plain.recipe(), Recipe)
