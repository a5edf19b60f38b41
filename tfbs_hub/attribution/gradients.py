"""The gradient of a logit with respect to one-hot DNA, and its absolute value (saliency).

Simonyan et al. 2014 (arXiv:1312.6034); equation 14 of Tripathi et al. 2024.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from tfbs_hub.attribution.holding import held
from tfbs_hub.errors import PluginError

__all__ = ["ROWS", "gradient", "logits_of", "saliency"]

ROWS: Final = 128
"""Sequences differentiated at a time: what a pass keeps then still fits a processor's cache."""


def gradient(model: nn.Module, x: Tensor) -> Tensor:
    """dS/dx, signed: the gradient of the logit in each of the four bases at each position.

    Args:
        model: one-hot (batch, 4, length) to logits (batch,); no row's logit may depend on another row.
        x: one-hot (batch, 4, length).

    Returns:
        Of the shape of x.

    Raises:
        PluginError: the logit cannot be differentiated with respect to x.
    """
    # Not in a caller's inference mode: its tensors cannot be differentiated, not even later.
    with torch.inference_mode(mode=False), torch.enable_grad(), held(model):
        return torch.cat([_gradient(model, part) for part in torch.split(x, ROWS)])


def saliency(model: nn.Module, x: Tensor) -> Tensor:
    """|dS/dx|: how steep, not in which direction; arguments and errors as `gradient`."""
    return gradient(model, x).abs()


def logits_of(model: nn.Module, x: Tensor) -> Tensor:
    """The model's logits (batch,) of one-hot (batch, 4, length); `PluginError` if they are not, or not finite."""
    logit = model(x)
    if not isinstance(logit, Tensor) or logit.shape != x.shape[:1]:
        got = tuple(logit.shape) if isinstance(logit, Tensor) else type(logit).__name__
        raise PluginError(f"the model must return one logit a sequence, {tuple(x.shape[:1])}, not {got}")
    if not bool(torch.isfinite(logit.detach()).all()):
        raise PluginError("the model's logit is not finite", hint="look for a division by 0 or a logarithm of 0 in it")
    return logit


def _gradient(model: nn.Module, x: Tensor) -> Tensor:
    given = x.detach().clone().requires_grad_()
    logit = logits_of(model, given)
    found = None
    if logit.requires_grad:
        (found,) = torch.autograd.grad(logit.sum(), given, allow_unused=True)
    if found is None:
        raise PluginError(
            "the logit cannot be differentiated with respect to the sequence",
            hint="use mutagenesis, which needs no gradient; or take detach, argmax, rounding and numpy out of the "
            "network's way from sequence to logit",
        )
    return found
