"""Convolution over a sequence whose ends are joined, for all shifts at once: responses, and slopes carried back.

One half of `tfbs_hub.attribution.fast`, which says what it is for.
"""

from __future__ import annotations

import math
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

    Sequences are the last axis, because sums and maxima over any axis but the last are many times faster.

    Attributes:
        inside: (detectors, places, batch), placements inside some shift's window.
        over: (2, cuts, width - 1, detectors, batch), placements that hang over the left and the right end, in the
            order that `Scan` gives.
        best: (detectors, cuts, batch), the strongest response.
        mean: the mean of responses above 0, same shape.
        winner: index of the strongest placement among `inside`, same shape.
        outside: bool, where the strongest placement is among `over` instead, same shape.
        over_winners: two indices (k,), the strongest among `over` (flat), and what it is the strongest of
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

    The placement that hangs over the left end and shows its last j + 1 bases has, at cut s, what the one that shows j
    bases has at cut s + 1, and one base more. So only the last cut takes a product of detectors and bases; from there
    each response costs one addition (of what one base adds to one column of a detector). The right end is the left end
    of the sequences read backwards, where cut s is cut 2N - s.

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
        self.hanging, self.columns = _hanging(weight, self.bias)
        self._responses = weight.new_empty(2 * self.cuts * self.span * len(weight) * rows)
        self._sizes = weight.new_empty(2 * self.span * len(weight) * rows)
        self._counting = torch.stack([weight.new_ones(self.span), torch.arange(self.span).to(weight.dtype)])
        largest = weight.abs().amax(dim=1).sum(dim=1) + self.bias.abs()
        self.tolerance = _CLOSE * torch.finfo(weight.dtype).eps * largest
        place, cut = torch.arange(len(self.stretch) - self.span), torch.arange(self.cuts)[:, None]
        self.seen = ((place >= cut) & (place <= cut + window - self.width)).to(weight.dtype)

    def respond(self, x: Tensor) -> Responses:
        """Responses to one-hot (batch, 4, length)."""
        bases = x.index_select(2, self.stretch)
        inside = nn.functional.conv1d(bases, self.weight, self.bias).permute(1, 2, 0).contiguous()
        over = self._over(bases)
        first, second, winner = self._strongest_inside(inside)
        ends, summed, closest = self._pool_over(over)
        outer, other = ends.amax(dim=0), ends.amin(dim=0)
        best, outside = torch.maximum(first, outer), outer > first
        tolerance = self.tolerance[:, None, None]
        unsure = torch.maximum(torch.maximum(torch.minimum(first, outer), second), other) >= best - tolerance
        where = (outside & (outer > 0)).flatten().nonzero().squeeze(1)
        strongest, tied = self._strongest_over(over, ends, where)
        unsure.view(-1)[where[tied]] = True
        # Where no response is above 0, who is strongest does not matter.
        unsure = (unsure & (best > 0)) | (best.abs() < tolerance)
        doubtful = unsure.any(dim=0)
        mean = torch.zeros_like(best)
        if self.expert.averages:
            closest_inside = (inside.abs() - tolerance).amin(dim=0)
            doubtful |= (closest < tolerance).any(dim=0)
            doubtful |= self.seen @ closest_inside.lt(0).to(inside.dtype) > 0
            mean = (self.seen @ inside.clamp(min=0) + summed) / self.outputs
        return Responses(inside, over, best, mean, winner, outside, (strongest, where), doubtful)

    def _over(self, bases: Tensor) -> Tensor:
        """Responses of placements that hang over an end."""
        batch, last = len(bases), self.cuts - 1
        shape = 2, self.cuts, self.span * len(self.weight), batch
        over = self._responses[: math.prod(shape)].view(shape)
        letters = nn.functional.pad(bases.permute(2, 1, 0), (0, 0, 0, 1), value=1)
        for side, letter, hanging, columns in zip(
            over, (letters, letters.flip(0)), self.hanging, self.columns, strict=True
        ):
            torch.mm(hanging, letter[last : last + self.span, :-1].flatten(0, 1), out=side[last])
            side[last].view(self.span, -1, batch).add_(self.bias[:, None])
            torch.bmm(columns.expand(last, -1, -1), letter[:last], out=side[:last])
        here, there = over[:, :, len(self.weight) :].unbind(1), over[:, :, : -len(self.weight)].unbind(1)
        for cut in range(last - 1, -1, -1):
            here[cut].add_(there[cut + 1])
        return over.view(2, self.cuts, self.span, -1, batch)

    def _strongest_over(self, over: Tensor, ends: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
        """Which placement over an end is the strongest, and whether another over the same end comes near it.

        Args:
            ends: (2, detectors, cuts, batch), maxima of `over`.
            where: (k,), of which of these, the larger of both ends.

        Returns:
            (k,) flat indices into `over`, and bool (k,).
        """
        (detectors, cuts, batch), end = ends.shape[1:], ends.flatten(1).index_select(1, where)
        right = end[1] > end[0]
        detector, cut = where // (cuts * batch), where // batch % cuts
        cut = torch.where(right, 2 * cuts - 1 - cut, cut)
        first = (cut * self.span * detectors + detector) * batch + where % batch
        plane = detectors * batch
        found = over.view(-1).take(first + torch.arange(self.span)[:, None] * plane)
        near = found.ge_(end.amax(dim=0) - self.tolerance[detector])
        # Summed with a matrix product, because sums are slow over few places.
        count, place = self._counting @ near
        return first + place.long().clamp(max=self.span - 1) * plane, count > 1

    def _pool_over(self, over: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The maxima of `over`, the sums of those above 0 and their least distance from 0.

        One cut at a time, which fits a processor's cache.

        Returns:
            (2, detectors, cuts, batch), left and right end; twice (detectors, cuts, batch), 0 where nobody averages.
        """
        best, summed, closest = [], [], []
        for cut in over.unbind(1):
            best.append(cut.amax(dim=1))
            if self.expert.averages:
                size = torch.abs(cut, out=self._sizes[: cut.numel()].view(cut.shape))
                # max(v, 0) = (v + |v|) / 2, and the sizes are needed anyway.
                summed.append(cut.sum(dim=1).add_(size.sum(dim=1)))
                closest.append(size.amin(dim=1))
        ends = _by_cut(torch.stack(best, dim=1))
        if not self.expert.averages:
            return ends, torch.zeros_like(ends[0]), torch.zeros_like(ends[0])
        sums, least = (_by_cut(torch.stack(each, dim=1)) for each in (summed, closest))
        return ends, sums.sum(dim=0) / 2, least.amin(dim=0)

    def _strongest_inside(self, inside: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Strongest and second strongest placement inside each cut's window, and the index of the strongest.

        Placements that all cuts see are looked at once. From there the running maxima go left (what cut s sees and
        cut s + 1 does not) and right.
        """
        last = self.window - self.width
        core = inside[:, self.cuts - 1 : last + 1]
        strongest, place = core.max(dim=1, keepdim=True)
        runner_up = core.scatter(1, place, -torch.inf).amax(dim=1, keepdim=True)
        nothing = torch.full_like(strongest, -torch.inf)
        # Both ways at once: axis 0 is left and right.
        values = torch.stack([inside[:, : self.cuts - 1].flip(1), inside[:, last + 1 :]])
        first, step = torch.cat([torch.stack([strongest, nothing]), values], dim=2).cummax(dim=2)
        seconds = torch.cat([torch.stack([runner_up, nothing]), torch.minimum(first[:, :, :-1], values)], dim=2)
        second = seconds.cummax(dim=2).values
        here = torch.where(step[0] == 0, place, -step[0]) + self.cuts - 1
        # Cut s has been reached after 2N - s steps to the left and s steps to the right.
        (one, two), (low, high) = ((part[0].flip(1), part[1]) for part in (first, second))
        second = torch.maximum(torch.minimum(one, two), torch.maximum(low, high))
        return torch.maximum(one, two), second, torch.where(two > one, step[1] + last, here.flip(1))

    def carry_back(self, responses: Responses, of_best: Tensor, of_mean: Tensor) -> Tensor:
        """Slopes in the pooled responses (detectors, cuts, batch) to slopes in the bases, summed over the cuts.

        `responses` are used up.

        Returns:
            (batch, 4, length of the stretch).
        """
        of_best = of_best * (responses.best > 0)
        of_mean = of_mean / self.outputs
        inside = _where_above_0(self.seen.T @ of_mean, responses.inside)
        inside.scatter_add_(1, responses.winner, of_best * ~responses.outside)
        slopes = inside.new_zeros(4, len(self.stretch), inside.shape[2])
        by_base = self.weight.permute(2, 1, 0).flatten(0, 1) @ inside.flatten(1)
        for base, part in enumerate(by_base.view(self.width, 4, *inside.shape[1:])):
            slopes[:, base : base + part.shape[1]] += part
        left, right = self._carry_over_back(responses, of_best, of_mean)
        slopes[:, : left.shape[1]] += left
        slopes[:, -right.shape[1] :] += right.flip(1)
        return slopes.permute(2, 0, 1)

    def _carry_over_back(self, responses: Responses, of_best: Tensor, of_mean: Tensor) -> Tensor:
        """The part of placements over an end: (2, 4, cuts + width - 2, batch), the right end read backwards."""
        (strongest, where), last, detectors = responses.over_winners, self.cuts - 1, len(self.weight)
        wide = torch.stack([of_mean, of_mean.flip(1)]).transpose(1, 2)[:, :, None].contiguous()
        over = _where_above_0(wide.expand_as(responses.over), responses.over)
        over.view(-1).index_add_(0, strongest, of_best.flatten()[where])
        over = over.flatten(2, 3)
        here, there = over[:, :, detectors:].unbind(1), over[:, :, :-detectors].unbind(1)
        for cut in range(last):
            there[cut + 1].add_(here[cut])
        parts = []
        for side, hanging, columns in zip(over, self.hanging, self.columns, strict=True):
            of_columns = torch.bmm(columns[:, :4].T.expand(last, -1, -1), side[:last])
            parts.append(torch.cat([of_columns, (hanging.T @ side[last]).view(self.span, 4, -1)]).transpose(0, 1))
        return torch.stack(parts)


def _by_cut(sides: Tensor) -> Tensor:
    """From left and right end (2, cuts, detectors, batch), the right read backwards, to (2, detectors, cuts, batch)."""
    return torch.stack([sides[0].transpose(0, 1), sides[1].flip(0).transpose(0, 1)])


def _where_above_0(slope: Tensor, response: Tensor) -> Tensor:
    """The slope of max(response, 0), in place of the response: `slope` where it is above 0, else 0."""
    # One pass; comparing and multiplying takes several, through slow booleans.
    found: Tensor = torch.ops.aten.threshold_backward.grad_input(slope, response, 0, grad_input=response)
    return found


def _hanging(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices from bases to placements that hang over the left end, and the right end read backwards.

    Rows, (width - 1) * detectors, are placements from the one that shows one base, detector by detector.

    Returns:
        From the width - 1 bases at an end (2, rows, (width - 1) * 4), base by base A, C, G, T; and from the last of
        them that comes into sight (2, rows, 5): A, C, G, T, and the bias, which comes with the first base.
    """
    detectors, _, width = weight.shape
    span = width - 1
    whole = weight.new_zeros(2, span, detectors, span, 4)
    for side, matrix in zip((weight, weight.flip(2)), whole, strict=True):
        for place in range(span):
            matrix[place, :, : place + 1] = side[:, :, span - place :].transpose(1, 2)
    columns = nn.functional.pad(whole[:, :, :, 0], (0, 1))
    columns[:, 0, :, 4] = bias
    return whole.view(2, span * detectors, -1), columns.flatten(1, 2)
