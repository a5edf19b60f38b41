"""Gradient correction: what a one-hot model can never see is taken out of its gradient.

Majdandzic et al. 2023 (Genome Biology 24:109): one-hot columns sum to 1, so that the gradient's component along
(1, 1, 1, 1) is set by no data and is noise.
"""

from __future__ import annotations

from torch import Tensor

__all__ = ["corrected"]


def corrected(attribution: Tensor) -> Tensor:
    """Hypothetical attribution (batch, 4, length) with the mean over the four bases removed at each position."""
    return attribution - attribution.mean(dim=1, keepdim=True)
