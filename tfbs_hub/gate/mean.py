"""The plain mean of experts: what a gate has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tfbs_hub.experts.contract import Expert
from tfbs_hub.gate.model import crop

__all__ = ["MeanOfExperts"]


class MeanOfExperts(nn.Module):
    """Frozen experts whose logits are averaged: nothing is learned, nobody is louder than the others.

    Args:
        experts: at least one; each sees the centred crop of the shared tensor, as under a gate.
    """

    def __init__(self, experts: Sequence[Expert]) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts).requires_grad_(requires_grad=False)
        self.window = max(expert.window for expert in experts)
        self.strand_symmetric = all(expert.strand_symmetric for expert in experts)
        self._windows = [expert.window for expert in experts]
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """One-hot (batch, 4, window) to logit (batch,), one strand, as given."""
        logits = [expert(crop(x, window)) for expert, window in zip(self.experts, self._windows, strict=True)]
        return torch.stack(logits).mean(dim=0)
