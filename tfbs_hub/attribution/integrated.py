"""Integrated gradients: what leads from a sequence that says nothing to this one (Sundararajan et al. 2017).

arXiv:1703.01365, equation 1, with the baseline of unknown bases (0.25 everywhere).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from tfbs_hub.attribution.correction import corrected
from tfbs_hub.attribution.gradients import ROWS, gradient
from tfbs_hub.attribution.holding import held
from tfbs_hub.errors import UsageError

__all__ = ["BASELINE", "STEPS", "integrated_gradients"]

BASELINE: Final = 0.25
"""An unknown base, in every row: where the path begins."""

STEPS: Final = 32
"""Points of the path at which the gradient is taken."""


def integrated_gradients(model: nn.Module, x: Tensor, *, steps: int = STEPS) -> Tensor:
    """(base - baseline) · the mean gradient on the straight path from the baseline to x.

    The hypothetical value of base b at a position is what b would add there along this path: the product of b's
    one-hot column, less the baseline's, with the path's mean gradient at that position, which is the mean gradient in
    b less its mean over the four bases. At the observed base it is the integrated gradient, summed over the four
    rows; these sum to S(x) - S(baseline) but for the error of the midpoint rule, which shrinks with `steps`. An unknown
    base adds nothing. Gradient correction changes nothing here.

    Args:
        model: one-hot (batch, 4, length) to logits (batch,); no row's logit may depend on another row.
        x: one-hot (batch, 4, length).
        steps: points of the path, 1 or more.

    Returns:
        Of the shape of x.

    Raises:
        UsageError: `steps` is below 1.
        PluginError: the logit cannot be differentiated with respect to x.
    """
    if steps < 1:
        raise UsageError(f"integrated gradients need at least 1 step, not {steps}")
    shares = ((torch.arange(steps, device=x.device) + 0.5) / steps).to(x.dtype)
    total = torch.zeros_like(x)
    with held(model):
        for some in torch.split(shares, max(1, ROWS // max(len(x), 1))):
            points = BASELINE + some[:, None, None, None] * (x - BASELINE)
            total += gradient(model, points.flatten(0, 1)).view(points.shape).sum(dim=0)
    return corrected(total / steps)
