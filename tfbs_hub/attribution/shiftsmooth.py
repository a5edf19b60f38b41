"""ShiftSmooth: the gradient averaged over sideways shifts of the sequence (Tripathi et al. 2024, equation 16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from tfbs_hub.attribution.fast import fast_shiftsmooth
from tfbs_hub.attribution.gradients import ROWS, gradient
from tfbs_hub.attribution.holding import held
from tfbs_hub.attribution.shared import shared_shiftsmooth
from tfbs_hub.errors import UsageError

__all__ = ["SHIFTS", "shiftsmooth", "shiftsmooth_batched", "shiftsmooth_padded"]

SHIFTS: Final = 10
"""N: shifts go from -N to N base pairs."""

_UNKNOWN: Final = 0.25


def shiftsmooth(model: nn.Module, x: Tensor, *, shifts: int = SHIFTS) -> Tensor:
    """Equation 16: 1/(2N+1) · Σ over n = -N…N of roll(dS/dx(roll(x, n)), -n).

    Shifts are circular: what leaves at one end enters at the other. DeepBind experts, and mixtures of them alone, take
    the closed form of `tfbs_hub.attribution.fast`; experts that begin with detectors, and mixtures of them alone, share
    those among the shifts (`tfbs_hub.attribution.shared`); every other model is differentiated in batches. All agree.

    Args:
        model: one-hot (batch, 4, length) to logits (batch,); no row's logit may depend on another row.
        x: one-hot (batch, 4, length); a mixture's experts crop the rolled tensor.
        shifts: N in base pairs, 0 or more; 0 is the gradient.

    Returns:
        Of the shape of x.

    Raises:
        UsageError: `shifts` is negative, or more than the length.
        PluginError: the logit cannot be differentiated with respect to x.
    """
    _check_shifts(shifts)
    if shifts > x.shape[2]:
        raise UsageError(
            f"shifts of {shifts} bp go round a window of {x.shape[2]} bp more than once",
            hint=f"use at most {x.shape[2]}",
        )
    for way in (fast_shiftsmooth, shared_shiftsmooth):
        found = way(model, x, shifts)
        if found is not None:
            return found
    return shiftsmooth_batched(model, x, shifts=shifts)


def shiftsmooth_batched(model: nn.Module, x: Tensor, *, shifts: int = SHIFTS) -> Tensor:
    """As `shiftsmooth`, for any model: several shifts to a batch, differentiated automatically."""
    _check_shifts(shifts)
    length = x.shape[2]
    # Twice in a row, the sequence holds all its rolls, as it does their gradients.
    twice = torch.cat([x, x], dim=2)
    total = torch.zeros_like(twice)
    with held(model):
        for group in _groups(shifts, len(x)):
            starts = [-n % length for n in group]
            found = gradient(model, torch.cat([twice[:, :, start : start + length] for start in starts]))
            for start, each in zip(starts, found.view(len(starts), *x.shape), strict=True):
                total[:, :, start : start + length] += each
    return (total[:, :, :length] + total[:, :, length:]) / (2 * shifts + 1)


def shiftsmooth_padded(model: nn.Module, x: Tensor, *, shifts: int = SHIFTS, triangular: bool = False) -> Tensor:
    """ShiftSmooth without the false junction: unknown bases enter where a shift opens a gap, and what leaves is lost.

    A circular shift joins the sequence's end to its beginning, and a site may appear there, or be cut in two, that no
    genome has. Here every base is averaged over the shifts that keep it in the window, so that bases within N of an
    end are averaged over fewer.

    Args:
        model: as for `shiftsmooth`.
        x: one-hot (batch, 4, length).
        shifts: N in base pairs, 0 or more and less than the length.
        triangular: weight shift n by 1 - |n| / (N + 1), so that small shifts count most, instead of all alike.

    Returns:
        Of the shape of x.

    Raises:
        UsageError: `shifts` is negative, or no base would stay in the window.
        PluginError: the logit cannot be differentiated with respect to x.
    """
    length = x.shape[2]
    _check_shifts(shifts)
    if shifts >= length:
        raise UsageError(
            f"shifts of {shifts} bp push a window of {length} bp out of sight",
            hint=f"use at most {length - 1}, or the circular shiftsmooth",
        )
    padded = nn.functional.pad(x, (shifts, shifts), value=_UNKNOWN)
    total, weights = torch.zeros_like(padded), x.new_zeros(padded.shape[2])
    with held(model):
        for group in _groups(shifts, len(x)):
            found = gradient(model, torch.cat([padded[:, :, shifts - n :][:, :, :length] for n in group]))
            for n, each in zip(group, found.view(len(group), *x.shape), strict=True):
                weight = 1 - abs(n) / (shifts + 1) if triangular else 1.0
                total[:, :, shifts - n :][:, :, :length] += weight * each
                weights[shifts - n :][:length] += weight
    return (total / weights)[:, :, shifts : shifts + length]


def _check_shifts(shifts: int) -> None:
    if shifts < 0:
        raise UsageError(f"shifts must be 0 or more, not {shifts}")


def _groups(shifts: int, batch: int) -> Iterator[range]:
    """All shifts -N…N, so many at a time that a group of shifted batches is about as large as one pass."""
    together = max(1, ROWS // max(batch, 1))
    for first in range(-shifts, shifts + 1, together):
        yield range(first, min(first + together, shifts + 1))
