"""In-silico saturation mutagenesis: the logit of every single-base mutant."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from tfbs_hub.attribution.correction import corrected
from tfbs_hub.attribution.gradients import logits_of
from tfbs_hub.attribution.holding import held

__all__ = ["mutagenesis"]

_ROWS: Final = 512
"""Mutants scored at a time."""


def mutagenesis(model: nn.Module, x: Tensor) -> Tensor:
    """S(x with base b at position i) less the mean over the four bases at i; needs no gradient.

    Three mutants a position are scored, and the sequence itself once. Where the base is unknown all four are scored,
    because none of them is the sequence itself.

    Args:
        model: one-hot (batch, 4, length) to logits (batch,); no row's logit may depend on another row.
        x: one-hot (batch, 4, length).

    Returns:
        Of the shape of x.

    Raises:
        PluginError: the model does not return one logit a sequence.
    """
    with torch.no_grad(), held(model):
        own = torch.cat([logits_of(model, part) for part in torch.split(x, _ROWS)])
        scores = own[:, None, None].expand(x.shape).clone()
        for mutants in torch.split((x != 1).nonzero(), _ROWS):
            row, base, position = mutants.T
            mutated = x[row]
            place = torch.arange(len(row), device=x.device)
            mutated[place, :, position] = 0
            mutated[place, base, position] = 1
            scores[row, base, position] = logits_of(model, mutated)
    return corrected(scores)
