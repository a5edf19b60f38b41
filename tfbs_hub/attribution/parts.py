"""A model taken apart: its experts, what each of them sees, and what becomes of their embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.detectors import Detectors
from tfbs_hub.experts.residual import Residual
from tfbs_hub.gate.model import Gate, MixtureOfExperts

__all__ = ["Parts", "take_apart"]

E = TypeVar("E", bound=DeepBind | Residual)
"""Experts that begin with detectors."""

_HOOKS: Final = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_METHODS: Final = frozenset({"forward", "embed", "embed_responses", "embed_pooled", "score", "mix", "mix_embeddings"})


@dataclass(frozen=True, eq=False)
class Parts(Generic[E]):
    """An expert, or a mixture of experts, looking at sequences of some length.

    Attributes:
        model: the whole.
        experts: of it, in order.
        windows: what each sees, the centred crop of the sequence, in base pairs.
        length: of the sequence.
    """

    model: nn.Module
    experts: Sequence[E]
    windows: Sequence[int]
    length: int

    def __iter__(self) -> Iterator[tuple[E, int]]:
        """Every expert with its window."""
        return zip(self.experts, self.windows, strict=True)

    def stretch(self, window: int, shifts: int) -> Tensor:
        """Which bases all shifts together see through a window, of a sequence joined end to start.

        They are window + 2 shifts. Among them cut s = 0 … 2 shifts, which is shift N - s, is the window from s.
        """
        start = self.length // 2 - window // 2 - shifts
        return torch.arange(start, start + window + 2 * shifts) % self.length

    def logit(self, embeddings: Sequence[Tensor]) -> Tensor:
        """The experts' embeddings, (batch, embedding_dim) each, to logit (batch,)."""
        if isinstance(self.model, MixtureOfExperts):
            return self.model.mix_embeddings(torch.cat(list(embeddings), dim=1)).logit
        return self.experts[0].score(embeddings[0])


def take_apart(model: nn.Module, kinds: tuple[type[E], ...], length: int) -> Parts[E] | None:
    """The parts of an expert of these kinds, or of a mixture of nothing else; None of any other model.

    Not of one that somebody changed, for it may compute something else: with a part of a subclass, with other
    detectors, with hooks, or with a method of its own.
    """
    if isinstance(model, MixtureOfExperts):
        if type(model) is not MixtureOfExperts or type(model.gate) is not Gate:
            return None
        whole: list[nn.Module] = list(model.experts)
    else:
        whole = [model]
    experts = [part for part in whole if isinstance(part, kinds) and type(part) in kinds]
    windows = [length if part is model else part.window for part in experts]
    if len(experts) < len(whole) or any(window > length for window in windows) or _is_changed(model, experts):
        return None
    return Parts(model, experts, windows, length)


def _is_changed(model: nn.Module, experts: Sequence[DeepBind | Residual]) -> bool:
    return (
        _has_any_global_hook()  # type: ignore[no-untyped-call]
        or any(getattr(module, hooks) for module in model.modules() for hooks in _HOOKS)
        or any(_METHODS & vars(part).keys() for part in model.modules())
        or any(type(expert.detect) is not Detectors for expert in experts)
    )
