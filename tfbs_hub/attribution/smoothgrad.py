"""SmoothGrad for DNA: the gradient averaged over sequences with a few random point mutations."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from tfbs_hub.attribution.gradients import ROWS, gradient
from tfbs_hub.attribution.holding import held
from tfbs_hub.errors import UsageError

__all__ = ["MUTATED", "SAMPLES", "smoothgrad"]

SAMPLES: Final = 32
"""Mutated sequences that are averaged."""

MUTATED: Final = 0.05
"""Share of the bases that each of them changes."""


def smoothgrad(
    model: nn.Module, x: Tensor, *, samples: int = SAMPLES, mutated: float = MUTATED, seed: int = 0
) -> Tensor:
    """The gradient averaged over `samples` mutated copies of each sequence.

    Smilkov et al. 2017 (arXiv:1706.03825) add Gaussian noise to pixels. One-hot columns with noise are no DNA, and a
    model was never asked to score them; so here the noise is what DNA has, point mutations: in each copy every base is,
    with probability `mutated`, replaced by one of the three others. An unknown base stays unknown. The same mutations
    (which positions, and by how many letters in the order A, C, G, T) meet every sequence, so that its attribution does
    not depend on which others are in the batch; they come from a generator of their own.

    Args:
        model: one-hot (batch, 4, length) to logits (batch,); no row's logit may depend on another row.
        x: one-hot (batch, 4, length).
        samples: copies, 1 or more.
        mutated: probability from 0 to 1.
        seed: of the mutations.

    Returns:
        Of the shape of x.

    Raises:
        UsageError: `samples` or `mutated` is out of range.
        PluginError: the logit cannot be differentiated with respect to x.
    """
    if samples < 1 or not 0 <= mutated <= 1:
        raise UsageError(
            f"smoothgrad cannot average {samples} samples with {mutated:g} of the bases mutated",
            hint="use at least 1 sample and a share from 0 to 1",
        )
    total = torch.zeros_like(x)
    with held(model):
        origins = _origins(samples, x.shape[2], mutated, seed).to(x.device)
        for some in torch.split(origins, max(1, ROWS // max(len(x), 1))):
            shape = len(some), *x.shape
            copies = x.expand(shape).gather(2, some[:, None].expand(shape))
            total += gradient(model, copies.flatten(0, 1)).view(shape).sum(dim=0)
    return total / samples


def _origins(samples: int, length: int, mutated: float, seed: int) -> Tensor:
    """Which row of x each row of each mutated copy is: int64 (samples, 4, length)."""
    # On the CPU, so that every device sees the same mutations.
    draw = torch.Generator().manual_seed(seed)
    moved = torch.randint(1, 4, (samples, length), generator=draw)
    moved[torch.rand(samples, length, generator=draw) >= mutated] = 0
    return (torch.arange(4)[:, None] - moved[:, None]) % 4
