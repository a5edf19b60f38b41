"""ShiftSmooth for experts that begin with detectors: what a shift leaves as it was is computed once for all shifts.

Over the stretch of bases that all shifts together see, a window of any shift is a slice. So is what the detectors
respond inside it, apart from those that hang over one of its ends. Equation 16 moves the gradients of every window back
to the bases of the unshifted sequence, and adds them up: which is the gradient of the sum of all windows' logits in the
bases of the stretch, and so comes out of one automatic differentiation.

Ties (`tfbs_hub.attribution.fast` says what they are) go to the first of equal responses, as they do if every window is
differentiated for itself. But what is equal on paper may differ by rounding, and rounding depends on what is computed
together. So what lies inside a window comes from one convolution, which treats equal words alike (products of matrices
do not: their last rows may be computed by other code). What remains are detectors whose outer columns are exactly 0,
and libraries that split a convolution among threads unevenly; of detectors that were trained, none is known to be hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import torch
from torch import Tensor, nn

from tfbs_hub.attribution.gradients import ROWS
from tfbs_hub.attribution.holding import held
from tfbs_hub.attribution.parts import Parts, take_apart
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.detectors import Detectors, respond
from tfbs_hub.experts.residual import Residual

__all__ = ["shared_shiftsmooth"]

_KINDS: Final[tuple[type[DeepBind | Residual], ...]] = (DeepBind, Residual)

_RESPONSES: Final = 3 << 18
"""Of one expert, to go through at a time, if one sequence has not more: as many as are fast to come back to."""
_MOST_WEIGHTS: Final = 1 << 22
"""From the bases at one end to the responses of all detectors that hang over it."""


def shared_shiftsmooth(model: nn.Module, x: Tensor, shifts: int) -> Tensor | None:
    """Equation 16 of Tripathi et al. 2024, for several sequences and all shifts at once; None where it does not apply.

    It applies to a `DeepBind`, a `Residual`, or a `MixtureOfExperts` of nothing else (of whatever windows) that nobody
    changed (`tfbs_hub.attribution.parts`), if its detectors fit into the windows, and the shifts are not too many.

    Args:
        x: one-hot (batch, 4, length).
        shifts: N, 0 or more.

    Returns:
        Of the shape of x, equal to `shiftsmooth_batched` up to rounding.
    """
    parts = take_apart(model, _KINDS, x.shape[2])
    cuts = 2 * shifts + 1
    if parts is None or not all(_fits(expert.detect, window, cuts) for expert, window in parts):
        return None
    with torch.inference_mode(mode=False), torch.enable_grad(), held(model):
        windows = [_Windows.of(expert.detect, window) for expert, window in parts]
        together = max(1, _RESPONSES // (cuts * max(each.responses for each in windows)))
        return torch.cat([_gradients(parts, windows, part, shifts) for part in torch.split(x, together)]) / cuts


def _fits(detectors: Detectors, window: int, cuts: int) -> bool:
    (filters, channels, width), padding = detectors.weight.shape, int(detectors.padding[0])
    return (
        2 <= width <= window
        # The windows of one sequence shall be no more than those that are differentiated together elsewhere.
        and cuts <= ROWS
        and channels * width * padding * filters <= _MOST_WEIGHTS
    )


def _gradients(parts: Parts[DeepBind | Residual], windows: list[_Windows], x: Tensor, shifts: int) -> Tensor:
    """Slopes in the bases of x, summed over the shifts."""
    given = x.detach().clone().requires_grad_()
    embeddings = [
        expert.embed_responses(each.respond(given[:, :, parts.stretch(each.window, shifts)]))
        for expert, each in zip(parts.experts, windows, strict=True)
    ]
    (found,) = torch.autograd.grad(parts.logit(embeddings).sum(), given)
    return found


@dataclass(frozen=True, eq=False)
class _Windows:
    """A bank of detectors, and what it makes of the windows of a stretch.

    Attributes:
        window: in base pairs.
        weight: (filters, 4, width), of the detectors.
        bias: (filters,).
        before: (4 * (width - 1), padding * filters), from a window's first bases to the responses of the detectors
            that hang over its beginning.
        after: the same, from a window's last bases, of its end.
    """

    window: int
    weight: Tensor
    bias: Tensor
    before: Tensor
    after: Tensor

    @classmethod
    def of(cls, detectors: Detectors, window: int) -> Self:
        weight, padding = detectors.weight, int(detectors.padding[0])
        bias = weight.new_zeros(len(weight)) if detectors.bias is None else detectors.bias
        # A sequence into which a detector just does not fit: of the placements on it, one half hang over its beginning
        # and one half over its end, and what each of its bases adds to their responses is what is wanted.
        bases = weight.shape[2] - 1
        each = torch.eye(4 * bases, dtype=weight.dtype, device=weight.device).view(4 * bases, bases, 4).transpose(1, 2)
        added = nn.functional.conv1d(each, weight, padding=padding).transpose(1, 2)
        return cls(window, weight, bias, added[:, :padding].flatten(1), added[:, padding:].flatten(1))

    @property
    def responses(self) -> int:
        """How many a window has."""
        return self.before.shape[1] + (self.window - self.weight.shape[2] + 1) * len(self.bias) + self.after.shape[1]

    def respond(self, stretch: Tensor) -> Tensor:
        """Responses in all windows of a stretch (batch, 4, bases): (batch * windows, filters, placements).

        In memory the filters of one placement stand side by side; the windows of one sequence follow each other.
        """
        (filters, _, width), windows = self.weight.shape, stretch.shape[2] - self.window + 1
        bases = stretch.transpose(1, 2).flatten(1)
        ends = bases.unfold(1, 4 * (width - 1), 4)
        inside = (respond(stretch, self.weight, 0) + self.bias[:, None]).transpose(1, 2).flatten(1)
        parts = (
            self._hanging(ends[:, :windows], self.before),
            inside.unfold(1, (self.window - width + 1) * filters, filters).flatten(0, 1),
            self._hanging(ends[:, -windows:], self.after),
        )
        return torch.cat(parts, dim=1).view(len(parts[0]), self.responses // filters, filters).transpose(1, 2)

    def _hanging(self, ends: Tensor, matrix: Tensor) -> Tensor:
        return nn.functional.linear(ends.flatten(0, 1), matrix.T, self.bias.repeat(matrix.shape[1] // len(self.bias)))
