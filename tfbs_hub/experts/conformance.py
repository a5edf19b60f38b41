"""What an architecture must keep to, beyond its types: one function a promise, for built-in ones and plug-ins alike.

Each takes an expert with whatever weights it has, leaves it as it was, and raises `PluginError` saying which promise
is broken and how. `tfbs_hub.testing` offers them as tests, `tfbs-hub plugins check` runs them on default networks.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor

from tfbs_hub.errors import PluginError, UsageError
from tfbs_hub.experts.contract import Expert, Recipe
from tfbs_hub.experts.golden import TOLERANCE, check_golden, golden_sequences, make_golden
from tfbs_hub.experts.weights import load_expert, pack_expert
from tfbs_hub.sequences.alphabet import encode
from tfbs_hub.sequences.onehot import one_hot, reverse_complement_one_hot

__all__ = ["PROMISES", "check_bad_config"]

_UNKNOWN_SETTING: Final = "no_such_setting"


def check_shapes(expert: Expert) -> None:
    """Embedding (batch, embedding_dim) and logit (batch,), float32 and finite, for 3 rows, 1, and none."""
    x = _sequences(expert)
    with torch.no_grad():
        for rows in (3, 1, 0):
            embedding = _tensor("embed", expert.embed(x[:rows]), (rows, expert.embedding_dim))
            logit = _tensor("score", expert.score(embedding), (rows,))
            if not torch.equal(logit, expert(x[:rows])):
                raise PluginError("forward(x) is not score(embed(x))", hint="do not override forward")
        unknown = torch.full((1, 4, expert.window), 0.25)
        _tensor("forward of a sequence of N", expert(unknown), (1,))


def check_determinism(expert: Expert) -> None:
    """In eval mode the same input gives the same output, and asking changes neither network nor input."""
    x = _sequences(expert)
    before, given = _copied(expert), x.clone()
    with torch.no_grad():
        first = expert(x)
        changed_input = not torch.equal(x, given)
        second = expert(given)
    if changed_input:
        raise PluginError("the input tensor was changed", hint="leave out operations that end in an underscore")
    if not torch.equal(first, second):
        raise PluginError("the same input gave two different logits in eval mode")
    changed = [name for name, tensor in expert.state_dict().items() if not torch.equal(tensor, before[name])]
    if changed or expert.training:
        raise PluginError(f"forward changed the network in eval mode: {', '.join(changed) or 'its mode'}")


def check_gradient(expert: Expert) -> None:
    """The logit can be differentiated by the input: finite, not zero, and of no row but its own."""
    x = _sequences(expert).requires_grad_()
    # Fresh weights may be zero, and the gradient with them.
    logit = _with_other_weights(expert)(x)
    gradient = torch.autograd.grad(logit[0], x, allow_unused=True)[0] if logit.requires_grad else None
    if gradient is None:
        raise PluginError(
            "no gradient reaches the input", hint="leave out detach(), no_grad() and conversions to numpy"
        )
    if not bool(torch.isfinite(gradient).all()):
        raise PluginError("the gradient of the input is not finite")
    if not bool(gradient[0].any()):
        raise PluginError("the gradient of the input is zero everywhere")
    if bool(gradient[1:].any()):
        raise PluginError("the logit of a sequence depends on the other sequences of its batch")


def check_batch(expert: Expert) -> None:
    """A sequence has the logit it has alone, whatever stands beside it, to within 1e-4."""
    x = _sequences(expert)
    with torch.no_grad():
        together = expert(x)
        alone = torch.cat([expert(row[None]) for row in x])
    _close("a sequence's logit alone and in a batch", alone, together)


def check_strands(expert: Expert) -> None:
    """`strand_symmetric` is what is measured, with its weights and with others: a promise about all weights."""
    twin = _with_other_weights(expert)
    x = _sequences(expert)
    with torch.no_grad():
        differences = [
            float((network(x) - network(reverse_complement_one_hot(x))).abs().max()) for network in (expert, twin)
        ]
    worst = max(differences)
    if expert.strand_symmetric and not worst <= TOLERANCE:
        raise PluginError(
            f"strand_symmetric is True, but the logits of the two strands differ by {worst:.2g}",
            hint="leave strand_symmetric out: then both strands are averaged",
        )
    if not expert.strand_symmetric and worst <= 1e-6:
        raise PluginError(
            "both strands have the same logit, but strand_symmetric is False",
            hint="set strand_symmetric = True: that halves the work of every prediction",
        )


def check_config(expert: Expert) -> None:
    """`config` is plain JSON, cannot be changed from outside, and `from_config` builds an equal network from it."""
    architecture = type(expert)
    try:
        plain = json.loads(json.dumps(expert.config, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise PluginError(f"config is not plain JSON: {error}") from error
    if plain != expert.config:
        raise PluginError("config is not the same after a round trip through JSON", hint="use lists, not tuples")
    expert.config[_UNKNOWN_SETTING] = 0
    if _UNKNOWN_SETTING in expert.config:
        raise PluginError("config hands out its own dictionary", hint="return a copy: dict(self._config)")
    twin = architecture.from_config(plain)
    same = (twin.config, twin.window, twin.embedding_dim) == (expert.config, expert.window, expert.embedding_dim)
    if not same or _layout(twin) != _layout(expert):
        raise PluginError("from_config(config) builds a different network")


def check_bad_config(architecture: type[Expert], config: Mapping[str, Any]) -> None:
    """Raise `PluginError` unless the architecture refuses a configuration with `UsageError`."""
    try:
        architecture.from_config(config)
    except UsageError:
        return
    except Exception as error:
        raise PluginError(
            f"from_config({dict(config)!r}) raised {type(error).__name__}, not UsageError: {error}"
        ) from error
    raise PluginError(f"from_config({dict(config)!r}) was accepted", hint="raise tfbs_hub.errors.UsageError")


def check_unknown_setting(expert: Expert) -> None:
    """`from_config` refuses a setting that it does not know with `UsageError`."""
    check_bad_config(type(expert), {_UNKNOWN_SETTING: 1})


def check_weights(expert: Expert) -> None:
    """Packed as a weights file and loaded again it is the same network: logits, golden predictions and bytes."""
    architecture = type(expert)
    reference = f"{architecture.__module__}:{architecture.__qualname__}"
    data = pack_expert(expert, reference)
    _, twin = load_expert(data, lambda _: architecture, "packed weights")
    x = _sequences(expert)
    with torch.no_grad():
        _close("the logit before packing and after loading", expert(x), twin(x))
    if pack_expert(twin, reference) != data:
        raise PluginError("packing, loading and packing again gave other bytes")
    check_golden(twin, twin.window, make_golden(expert, expert.window), "golden predictions")


def check_training(expert: Expert) -> None:
    """`recipe` and `suggest` give what a training run takes; a trainable network has parameters that learn."""
    import optuna  # noqa: PLC0415 - only a search needs it

    architecture = type(expert)
    recipe = architecture.recipe()
    if not isinstance(recipe, Recipe):
        raise PluginError(f"recipe() returned {type(recipe).__name__}, not a Recipe")
    if not architecture.trainable:
        return
    twin = copy.deepcopy(expert).train()
    # Two rows at least: normalisation over a batch has no meaning for one.
    twin(_sequences(expert)).sum().backward()
    learning = [name for name, parameter in twin.named_parameters() if parameter.grad is not None]
    if not learning:
        raise PluginError("no parameter is given a gradient", hint="set trainable = False if it is not to be trained")
    with _quiet(optuna):
        trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
        config, changes = architecture.suggest(trial)
    try:
        replace(recipe, **changes)
        architecture.from_config({**expert.config, **config})
    except (TypeError, UsageError) as error:
        raise PluginError(f"suggest(trial) proposed what cannot be: {error}") from error


PROMISES: Final[Mapping[str, Callable[[Expert], None]]] = MappingProxyType(
    {
        "shapes": check_shapes,
        "determinism": check_determinism,
        "gradient": check_gradient,
        "batch": check_batch,
        "strands": check_strands,
        "config": check_config,
        "unknown setting": check_unknown_setting,
        "weights": check_weights,
        "training": check_training,
    }
)
"""Every promise that an expert in eval mode on the CPU can be asked about, by name."""


def _sequences(expert: Expert) -> Tensor:
    """Four sequences as long as the window, one with unknown bases: one-hot (4, 4, window)."""
    rows = [torch.from_numpy(encode(sequence)) for sequence in golden_sequences(expert.window)]
    return one_hot(torch.stack(rows))


@torch.no_grad()
def _with_other_weights(expert: Expert) -> Expert:
    twin = copy.deepcopy(expert)
    draw = torch.Generator().manual_seed(0)
    for parameter in twin.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=draw).to(parameter) * 0.1)
    return twin


def _tensor(what: str, value: object, shape: tuple[int, ...]) -> Tensor:
    if not isinstance(value, Tensor):
        raise PluginError(f"{what} returned {type(value).__name__}, not a tensor")
    if tuple(value.shape) != shape or value.dtype != torch.float32:
        raise PluginError(
            f"{what} returned {value.dtype} of shape {tuple(value.shape)}, where torch.float32 {shape} is due"
        )
    if not bool(torch.isfinite(value).all()):
        raise PluginError(f"{what} returned a value that is not finite")
    return value


def _close(what: str, one: Tensor, other: Tensor) -> None:
    if not torch.allclose(one, other, rtol=1e-5, atol=TOLERANCE):
        raise PluginError(f"{what} differ by {float((one - other).abs().max()):.2g}")


def _copied(expert: Expert) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in expert.state_dict().items()}


def _layout(expert: Expert) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in expert.state_dict().items()}


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
