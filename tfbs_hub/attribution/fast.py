"""ShiftSmooth in closed form for experts that pool a convolution over the whole window (DeepBind).

Shifting the sequence by n slides the window over it, joined end to start; every detector placement that lies inside
the window has the same response for all shifts. So those are computed once, and what hangs over an end of some window
has a response that is met on the way there (`tfbs_hub.attribution.kernels`). What follows the pooling is small and is
differentiated automatically, for all shifts at once. Its gradient puts a coefficient on each placement (the strongest
one of a detector gets that of the maximum, each one above 0 gets that of the mean), and the same additions, backwards,
carry the coefficients to the bases.

Ties. `Tensor.max(dim)` gives the gradient of a maximum to one placement: on the CPU the first in the shifted sequence
among equal ones. Two placements are equal only if they were computed alike to the last bit, and here they are not.
So whenever the strongest placement is not the strongest by a clear margin, or a response is too near 0 to be sure of
its sign, that sequence and shift are differentiated automatically instead. Repeats such as poly-A are slow that way,
and right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tfbs_hub.attribution.gradients import ROWS, gradient
from tfbs_hub.attribution.holding import held
from tfbs_hub.attribution.parts import Parts, take_apart
from tfbs_hub.experts.deepbind import DeepBind

if TYPE_CHECKING:
    from tfbs_hub.attribution.scan import Responses, Scan

__all__ = ["fast_shiftsmooth"]

_ROWS: Final = 256
"""Sequences at a time, which bounds the memory."""

_PLACEMENTS: Final = 1 << 20
"""Of one detector on one sequence, whole and partial; they are held in memory."""


def fast_shiftsmooth(model: nn.Module, x: Tensor, shifts: int) -> Tensor | None:
    """Equation 16 of Tripathi et al. 2024 in closed form; None where it does not apply.

    It applies to a `DeepBind`, or a `MixtureOfExperts` of nothing else (of whatever windows), with weights of 32 bits
    on the CPU, whose windows are at least 2 `shifts` wider than the detectors, and which nobody changed
    (`tfbs_hub.attribution.parts`); and to sequences of known and unknown bases, not to blends of bases.

    Args:
        x: one-hot (batch, 4, length).
        shifts: N, 0 or more.

    Returns:
        Of the shape of x, equal to automatic differentiation up to rounding.
    """
    parts = take_apart(model, (DeepBind,), x.shape[2])
    if parts is None or not all(map(_is_plain, (x, *model.parameters()))):
        return None
    if not all(_fits(expert, window, shifts) for expert, window in parts):
        return None
    from tfbs_hub.attribution.scan import Scan, codes_of  # noqa: PLC0415 - brings numba

    codes = codes_of(x)
    if codes is None:
        return None
    with torch.inference_mode(mode=False), held(model):
        x = x.detach().clone()
        scans = [Scan(expert, parts.stretch(window, shifts), shifts) for expert, window in parts]
        sums = [_sum_over_shifts(parts, scans, part) for part in np.split(codes, range(_ROWS, len(codes), _ROWS))]
        total, unsure = (torch.cat(each) for each in zip(*sums, strict=True))
        _add_unsure(model, x, shifts, unsure, total)
        return total / (2 * shifts + 1)


def _is_plain(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32


def _fits(expert: DeepBind, window: int, shifts: int) -> bool:
    """True if some detector placement is inside the window at all shifts, and some hangs over its ends."""
    width = expert.detect.kernel_size[0]
    few = (window + 2 * shifts) * width <= _PLACEMENTS
    return width >= 2 and window - width >= 2 * shifts and few


def _sum_over_shifts(parts: Parts[DeepBind], scans: Sequence[Scan], codes: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Gradients of some sequences (batch, length), moved back and summed over those shifts that are sure.

    Returns:
        (batch, 4, length), and bool (batch, cuts): where a shift is unsure, and so left out.
    """
    responses = [scan.respond(codes) for scan in scans]
    unsure = torch.stack([each.unsure for each in responses]).any(dim=0)
    total = torch.zeros(len(codes), 4, codes.shape[1], dtype=torch.float32)
    if unsure.all():
        return total, unsure
    sure = ~unsure[:, :, None]
    for scan, each, gradients in zip(scans, responses, _gradients_of_pooled(parts, scans, responses), strict=True):
        of_best, of_mean = (part * sure for part in gradients)
        total.index_add_(2, scan.stretch, scan.carry_back(codes, each, of_best, of_mean))
    return total, unsure


def _add_unsure(model: nn.Module, x: Tensor, shifts: int, unsure: Tensor, total: Tensor) -> None:
    """Add to `total` what automatic differentiation says of the sequences and cuts that are unsure."""
    for some in torch.split(unsure.nonzero(), ROWS):
        if not len(some):
            return
        rows, cuts = some.T
        there = (torch.arange(x.shape[2]) + (cuts - shifts)[:, None]) % x.shape[2]
        there = there[:, None].expand(-1, 4, -1)
        found = gradient(model, x[rows].gather(2, there))
        total.index_add_(0, rows, torch.zeros_like(found).scatter_(2, there, found))


def _gradients_of_pooled(
    parts: Parts[DeepBind], scans: Sequence[Scan], responses: Sequence[Responses]
) -> list[tuple[Tensor, Tensor]]:
    """Gradients of the logit in each expert's pooled maxima and means, (batch, cuts, detectors) each."""
    with torch.enable_grad():
        inputs: list[Tensor] = []
        embeddings = []
        for scan, each in zip(scans, responses, strict=True):
            best, mean = each.best.clamp(min=0).requires_grad_(), each.mean.requires_grad_()
            pooled = torch.cat([best, mean], dim=2) if scan.expert.averages else best
            inputs += [best, mean]
            embeddings.append(scan.expert.embed_pooled(pooled.flatten(0, 1)))
        logit = parts.logit(embeddings)
        found = torch.autograd.grad(logit.sum(), inputs, allow_unused=True, materialize_grads=True)
    return list(zip(found[::2], found[1::2], strict=True))
