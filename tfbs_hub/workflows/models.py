"""Experts and gates, from verified bytes to models that can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tfbs_hub.cards import ExpertCard, GateCard
from tfbs_hub.errors import IntegrityError, NotFoundError, UsageError
from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.golden import check_golden
from tfbs_hub.experts.weights import load_expert, load_state, pack, read_tensors
from tfbs_hub.gate.model import Gate, MixtureOfExperts
from tfbs_hub.plugins import PluginManager, resolve
from tfbs_hub.prediction import averaged, on_device

__all__ = ["Loader", "Model", "Scores", "check_expert", "held", "pack_gate", "rebuild_expert", "rebuild_gate"]

GATE: Final = "tfbs_hub.gate.model:Gate"

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scores:
    """Strand-averaged outputs: logit (n,), and for a mixture alpha and contribution (n, experts)."""

    logit: Array
    alpha: Array | None = None
    contribution: Array | None = None


@dataclass(frozen=True, eq=False)
class Model:
    """An expert or the mixture, ready to be asked.

    Attributes:
        name: the expert's name, or "moe".
        network: in eval mode.
        window: input length in base pairs.
        symmetric: True if both strands give the same by construction.
        experts: names of the mixed experts; empty for an expert.
    """

    name: str
    network: nn.Module
    window: int
    symmetric: bool
    experts: tuple[str, ...] = ()

    @property
    def bias(self) -> float | None:
        """The gate's bias after its temperature; None for an expert."""
        if isinstance(self.network, MixtureOfExperts):
            return float(self.network.gate.classifier.bias.detach()) / self.network.temperature
        return None

    def score(self, strands: Sequence[NDArray[np.uint8]], device: torch.device) -> Scores:
        """Scores of windows (n, window): one array for a symmetric model, else the strand as given and the other."""
        return Scores(*averaged(self._outputs, strands, device=device))

    def _outputs(self, x: Tensor) -> tuple[Tensor, ...]:
        if isinstance(self.network, MixtureOfExperts):
            return tuple(self.network.mix(x))
        return (self.network(x),)


class Loader:
    """Turns cards and weights into networks; refuses architectures that are not registered.

    Args:
        plugins: knows the architectures.
    """

    def __init__(self, plugins: PluginManager) -> None:
        self._plugins = plugins

    def architecture(self, reference: str) -> type[Expert]:
        """The class behind `module:Class`; raises `NotFoundError` if no built-in or plug-in registers it."""
        known = self._plugins.architectures()
        if reference not in known.values():
            raise NotFoundError(
                f"the architecture {reference} is not registered",
                hint=f"install the package that brings it (known: {', '.join(sorted(known))})",
            )
        found = resolve(reference)
        if not (isinstance(found, type) and issubclass(found, Expert)):
            raise IntegrityError(f"{reference} is not an Expert")
        return found

    def expert(self, card: ExpertCard, read: Callable[[], bytes]) -> Expert:
        """The expert of a card, in eval mode on the CPU; `read` gives its verified bytes.

        A new network each time: who asked for one may train or change it without touching anybody else's.
        """
        return rebuild_expert(card, read(), self.architecture)


def rebuild_expert(card: ExpertCard, data: bytes, resolve_class: Callable[[str], Any]) -> Expert:
    """An expert from its card and the bytes of its weights; raises `IntegrityError` where they disagree."""
    header, expert = load_expert(data, resolve_class, f"weights of {card.name}")
    told = (header.architecture, header.config, header.window, header.embedding_dim)
    if told != (card.architecture, card.config, card.window, card.embedding_dim):
        raise IntegrityError("the card and the weights describe different networks", where=card.name)
    return expert


def check_expert(card: ExpertCard, expert: Expert) -> None:
    """Recompute the golden predictions; raises `IntegrityError`."""
    check_golden(expert, expert.window, card.golden, f"golden predictions of {card.name}")


def pack_gate(gate: Gate) -> bytes:
    """The weights file of a gate."""
    return pack(gate.state_dict(), {"format": 1, "gate": GATE, "config": gate.config})


def rebuild_gate(card: GateCard, data: bytes, experts: Sequence[Expert]) -> MixtureOfExperts:
    """The mixture from its card, its weights and its experts in order; raises `IntegrityError`."""
    where = "weights of the gate"
    header, tensors = read_tensors(data, where)
    if header != {"format": 1, "gate": GATE, "config": card.config}:
        raise IntegrityError("the card and the weights describe different gates", where=where)
    try:
        gate = Gate.from_config(card.config)
    except UsageError as error:
        raise IntegrityError(f"the configuration cannot be built: {error}", where=where) from error
    if [expert.embedding_dim for expert in experts] != list(gate.embedding_dims):
        raise IntegrityError("the experts' embeddings do not fit the gate", where=where)
    load_state(gate, tensors, where)
    return MixtureOfExperts(experts, gate, card.temperature)


def held(models: Iterable[Model], device: torch.device) -> ExitStack:
    """Hold every model's network on a device until the context ends."""
    stack = ExitStack()
    for model in models:
        stack.enter_context(on_device(model.network, device))
    return stack
