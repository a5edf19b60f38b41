"""Convolution over a sequence whose ends are joined, for all shifts at once: responses, and slopes carried back.

One half of `tfbs_hub.attribution.fast`, which says what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from tfbs_hub.experts.deepbind import DeepBind

__all__ = ["Responses", "Scan"]

_CLOSE: Final = 4.0
"""Responses that differ by less than this many units of rounding of the largest possible one may be equal."""


@dataclass(frozen=True, eq=False)
class Responses:
    """A detector bank's responses to some sequences at all shifts (cut s = 0 … 2N is shift N - s).

    Sequences are the last axis, because sums and maxima over a first axis are many times faster than over a last.

    Attributes:
        inside: (places, detectors, batch), placements inside some shift's window.
        over: (2 (width - 1), detectors, cuts * batch), placements that hang over an end.
        best: (detectors, cuts, batch), the strongest response.
        mean: the mean of responses above 0, same shape.
        winner: index of the strongest placement among `inside`, same shape.
        outside: bool, where the strongest placement is among `over` instead, same shape.
        over_winners: two indices (k,), the placements that are the strongest among `over`, and where in
            (detectors * cuts * batch).
        unsure: bool (cuts, batch), where rounding could decide.
    """

    inside: Tensor
    over: Tensor
    best: Tensor
    mean: Tensor
    winner: Tensor
    outside: Tensor
    over_winners: tuple[Tensor, Tensor]
    unsure: Tensor


class Scan:
    """One expert's detectors, ready to be slid over sequences joined end to start.

    The stretch that all shifts together see has `window + 2N` bases. In it cut s is the window from s to s + window.

    Args:
        window: what the expert sees, the centred crop of the sequence.
        length: of the sequence.
        rows: the largest batch. The largest intermediates are kept for the next batch, because fresh memory
            costs more than what is computed in it: `Responses` are overwritten by the next ones.
    """

    def __init__(self, expert: DeepBind, window: int, length: int, shifts: int, rows: int) -> None:
        weight, bias = expert.detect.weight.detach(), expert.detect.bias
        self.expert, self.weight = expert, weight
        self.bias = weight.new_zeros(len(weight)) if bias is None else bias.detach()
        self.width, self.span, self.window, self.cuts = weight.shape[2], weight.shape[2] - 1, window, 2 * shifts + 1
        start = length // 2 - window // 2 - shifts
        self.stretch = torch.arange(start, start + window + 2 * shifts) % length
        self.outputs = window + self.span
        self.hanging = _hanging(weight, self.bias)
        self._responses = weight.new_empty(2 * self.span * len(weight) * self.cuts * rows)
        self._sizes = weight.new_empty(len(self._responses) // 2)
        self._counting = torch.stack([weight.new_ones(2 * self.span), torch.arange(2 * self.span).to(weight.dtype)])
        largest = weight.abs().amax(dim=1).sum(dim=1) + self.bias.abs()
        self.tolerance = _CLOSE * torch.finfo(weight.dtype).eps * largest
        place, cut = torch.arange(len(self.stretch) - self.span), torch.arange(self.cuts)[:, None]
        self.seen = ((place >= cut) & (place <= cut + window - self.width)).to(weight.dtype)

    def respond(self, x: Tensor) -> Responses:
        """Responses to one-hot (batch, 4, length)."""
        bases = x.index_select(2, self.stretch)
        inside = nn.functional.conv1d(bases, self.weight, self.bias).permute(2, 1, 0).contiguous()
        over = self._over(bases)
        first, second, winner = self._strongest_inside(inside)
        outer = over.amax(dim=0).view(first.shape)
        best, outside = torch.maximum(first, outer), outer > first
        tolerance = self.tolerance[:, None, None]
        unsure = torch.maximum(torch.minimum(first, outer), second) >= best - tolerance
        where = (outside & (outer > 0)).flatten().nonzero().squeeze(1)
        margin = self.tolerance[where // first[0].numel()]
        near = over.flatten(1).index_select(1, where) >= outer.flatten()[where] - margin
        # Summed with a matrix product, because sums and maxima of booleans are slow.
        count, place = self._counting @ near.to(over.dtype)
        unsure.view(-1)[where[count > 1]] = True
        place = place.long().clamp(max=len(over) - 1)
        # Where no response is above 0, who is strongest does not matter.
        unsure = (unsure & (best > 0)) | (best.abs() < tolerance)
        doubtful = unsure.any(dim=0)
        mean = torch.zeros_like(best)
        if self.expert.averages:
            summed = self.seen @ inside.clamp(min=0).flatten(1)
            mean = summed.view(-1, *inside.shape[1:]).transpose(0, 1).contiguous()
            for side in over.view(2, self.span, -1):
                size = torch.abs(side, out=self._sizes[: side.numel()].view(side.shape))
                # max(v, 0) = (v + |v|) / 2, and the sizes are needed anyway.
                mean += (side.sum(dim=0) + size.sum(dim=0)).view(mean.shape) / 2
                doubtful |= (size.amin(dim=0).view(mean.shape) < tolerance).any(dim=0)
            mean /= self.outputs
            doubtful |= self.seen @ (inside.abs() - self.tolerance[:, None]).amin(dim=1).lt(0).to(inside.dtype) > 0
        return Responses(inside, over, best, mean, winner, outside, (place, where), doubtful)

    def _over(self, bases: Tensor) -> Tensor:
        """Responses of placements that hang over the left, then of those over the right end."""
        letters = bases.permute(2, 1, 0).contiguous()
        detectors = len(self.weight)
        columns = self.cuts * len(bases)
        over = self._responses[: 2 * self.span * detectors * columns].view(2, self.span * detectors, columns)
        ends = bases.new_ones(self.span * 4 + 1, columns)
        for side, matrix, first in zip(over, self.hanging, self._ends(), strict=True):
            seen = letters[first : first + self.span + self.cuts - 1].unfold(0, self.cuts, 1).transpose(2, 3)
            ends[:-1].view(seen.shape).copy_(seen)
            torch.mm(matrix, ends, out=side)
        return over.view(2 * self.span, detectors, -1)

    def _ends(self) -> tuple[int, int]:
        """Where in the stretch the width - 1 first and the width - 1 last bases of cut 0 begin."""
        return 0, self.window - self.span

    def _strongest_inside(self, inside: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Strongest and second strongest placement inside each cut's window, and the index of the strongest.

        Placements that all cuts see are looked at once. From there the running maxima go left (what cut s sees and
        cut s + 1 does not) and right.
        """
        last = self.window - self.width
        core = inside[self.cuts - 1 : last + 1]
        strongest, place = core.max(dim=0)
        tied = (core >= strongest - self.tolerance[:, None]).sum(dim=0) > 1
        nothing = torch.full_like(strongest, -torch.inf)
        # Both ways at once: axis 0 is left and right.
        first = torch.stack([strongest, nothing])
        second = torch.stack([torch.where(tied, strongest, nothing), nothing])
        winner = torch.stack([place + self.cuts - 1, place])
        states = [(first, second, winner)]
        values = torch.stack([inside[: self.cuts - 1].flip(0), inside[last + 1 :]], dim=1)
        places = torch.arange(self.cuts - 1)
        for value, left, right in zip(values, places.flip(0), places + last + 1, strict=True):
            second = torch.maximum(second, torch.minimum(first, value))
            winner = torch.where(value > first, torch.stack([left, right])[:, None, None], winner)
            first = torch.maximum(first, value)
            states.append((first, second, winner))
        first, second, winner = (torch.stack(part, dim=2) for part in zip(*states, strict=True))
        # Cut s has been reached after 2N - s steps to the left and s steps to the right.
        (one, two), (low, high), (here, there) = ((part[0].flip(1), part[1]) for part in (first, second, winner))
        second = torch.maximum(torch.minimum(one, two), torch.maximum(low, high))
        return torch.maximum(one, two), second, torch.where(two > one, there, here)

    def carry_back(self, responses: Responses, of_best: Tensor, of_mean: Tensor) -> Tensor:
        """Slopes in the pooled responses (detectors, cuts, batch) to slopes in the bases, summed over the cuts.

        `responses` are used up.

        Returns:
            (batch, 4, length of the stretch).
        """
        of_best = of_best * (responses.best > 0)
        of_mean = of_mean / self.outputs
        seen = (self.seen.T @ of_mean.transpose(0, 1).flatten(1)).view(responses.inside.shape)
        inside = _where_above_0(seen, responses.inside)
        inside.scatter_add_(
            0, responses.winner.transpose(0, 1), (of_best * ~responses.outside).transpose(0, 1).contiguous()
        )
        over = _where_above_0(of_mean.flatten(1).expand_as(responses.over), responses.over)
        place, where = responses.over_winners
        over.view(-1).index_add_(0, place * of_best.numel() + where, of_best.flatten()[where])
        slopes = inside.new_zeros(len(self.stretch), 4, inside.shape[2])
        by_base = self.weight.permute(2, 1, 0) @ inside.transpose(0, 1).flatten(1)
        for base, part in enumerate(by_base):
            slopes[base : base + len(inside)] += part.view(4, len(inside), -1).transpose(0, 1)
        for side, matrix, first in zip(over.view(2, -1, over.shape[2]), self.hanging, self._ends(), strict=True):
            of_ends = (matrix[:, :-1].T @ side).view(self.span, 4, self.cuts, -1)
            for base in range(self.span):
                slopes[first + base : first + base + self.cuts] += of_ends[base].transpose(0, 1)
        return slopes.permute(2, 1, 0)


def _where_above_0(slope: Tensor, response: Tensor) -> Tensor:
    """The slope of max(response, 0), in place of the response: `slope` where it is above 0, else 0."""
    # One pass; comparing and multiplying takes several, through slow booleans.
    found: Tensor = torch.ops.aten.threshold_backward.grad_input(slope, response, 0, grad_input=response)
    return found


def _hanging(weight: Tensor, bias: Tensor) -> Tensor:
    """Matrices from the width - 1 bases at an end to the placements that hang over the left and the right end.

    Returns:
        (2, (width - 1) * detectors, (width - 1) * 4 + 1): rows are placements in the order of the sequence, detector
        by detector; columns are base by base A, C, G, T, and a last one for the bias.
    """
    detectors, _, width = weight.shape
    span = width - 1
    matrices = weight.new_zeros(2, span, detectors, span * 4 + 1)
    matrices[..., -1] = bias
    both = matrices[..., :-1].view(2, span, detectors, span, 4)
    for place in range(span):
        # The leftmost placement shows its last base only; the rightmost its first.
        both[0, place, :, : place + 1] = weight[:, :, span - place :].transpose(1, 2)
        both[1, place, :, place:] = weight[:, :, : span - place].transpose(1, 2)
    return matrices.view(2, span * detectors, -1)
