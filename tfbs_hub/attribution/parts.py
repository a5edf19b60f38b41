"""A model taken apart: its experts, what each of them sees, and what becomes of their embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tfbs_hub.experts.contract import Expert
from tfbs_hub.gate.model import Gate, MixtureOfExperts

__all__ = ["Parts", "take_apart"]


@dataclass(frozen=True, eq=False)
class Parts:
    """An expert, or a mixture of experts, looking at sequences of some length.

    Attributes:
        model: the whole.
        experts: of it, in order.
        windows: what each sees, the centred crop of the sequence, in base pairs.
        length: of the sequence.
    """

    model: nn.Module
    experts: Sequence[Any]
    windows: Sequence[int]
    length: int

    def __iter__(self) -> Iterator[tuple[Any, int]]:
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
            logit: Tensor = self.model.gate(torch.cat(list(embeddings), dim=1)) / self.model.temperature
            return logit
        return self.experts[0].score(embeddings[0])  # type: ignore[no-any-return]


def take_apart(model: nn.Module, kinds: tuple[type[Expert], ...], length: int) -> Parts | None:
    """The parts of an expert of these kinds, or of a mixture of nothing else; None of any other model.

    Not of one with a part of a subclass, or with hooks on its modules: it may compute something else.
    """
    if isinstance(model, MixtureOfExperts):
        if type(model) is not MixtureOfExperts or type(model.gate) is not Gate:
            return None
        experts: list[Any] = list(model.experts)
        windows = [expert.window for expert in experts]
    else:
        experts, windows = [model], [length]
    if any(type(expert) not in kinds for expert in experts) or any(window > length for window in windows):
        return None
    if any(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks for module in model.modules()):
        return None
    return Parts(model, experts, windows, length)
