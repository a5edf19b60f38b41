"""Motif detectors: a convolution of one-hot DNA, arranged for processors.

PyTorch's convolutions are made for images with many channels; DNA has four. On a processor, the responses of 64 filters
take a third of the time with those of one position side by side in memory, and their slopes in the bases take half as
products of matrices. The responses and what is learned from them are the same to the last bit.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

__all__ = ["Detectors", "max_pool", "strongest"]

_FEW: Final = 32
"""Sequences for which many small products of matrices take longer than one convolution."""


class Detectors(nn.Conv1d):
    """Filters slid over one-hot (batch, 4, length): responses (batch, filters, length + 2 * padding - width + 1).

    Args:
        filters: how many.
        width: of each, in base pairs.
        padding: zeros on either side of the sequence.
        channels_last: keep the responses of one position side by side in memory, for `max_pool`.
    """

    def __init__(
        self, filters: int, width: int, *, padding: int, bias: bool = True, channels_last: bool = False
    ) -> None:
        super().__init__(4, filters, width, padding=padding, bias=bias)
        self._channels_last = channels_last

    def forward(self, x: Tensor) -> Tensor:
        if _is_for_pytorch(x):
            return super().forward(x)
        padding = int(self.padding[0])
        learning = self.weight.requires_grad or (self.bias is not None and self.bias.requires_grad)
        if len(x) < _FEW or learning or not (x.requires_grad and torch.is_grad_enabled()):
            return _respond(x, self.weight, self.bias, padding, self._channels_last)
        return _Detect.apply(x, self.weight, self.bias, padding, self._channels_last)  # type: ignore[no-any-return, no-untyped-call]


def max_pool(responses: Tensor, stride: int) -> Tensor:
    """As `torch.nn.MaxPool1d(stride)`, for channels-last (batch, filters, length); the result is contiguous."""
    if _is_for_pytorch(responses):
        return nn.functional.max_pool1d(responses, stride)
    pooled = nn.functional.max_pool2d(responses.unsqueeze(2), (1, stride)).squeeze(2)
    if pooled.requires_grad:
        # The way back is as fast as the way there only if the slopes come in the same order.
        pooled.register_hook(_channels_last)  # type: ignore[no-untyped-call]
    return pooled.contiguous()


def strongest(responses: Tensor) -> Tensor:
    """As `responses.max(dim=2).values`, for channels-last (batch, filters, length)."""
    if _is_for_pytorch(responses):
        # `max(dim)` gives its gradient to one winner; `amax` would split it among ties on repeats.
        return responses.max(dim=2).values
    image = responses.detach().unsqueeze(2)
    _, places = nn.functional.max_pool2d(image, (1, responses.shape[2]), return_indices=True)
    # Fetched from their places, not pooled: the way back through a pool would put the channels in another order.
    return responses.transpose(1, 2).gather(1, places.squeeze(2).transpose(1, 2)).squeeze(1)


class _Detect(torch.autograd.Function):
    """Frozen detectors, differentiated by the bases alone."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int, channels_last: bool) -> Tensor:
        return _respond(x, weight, bias, padding, channels_last)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, ctx.padding, _ = inputs
        ctx.length = x.shape[2]
        ctx.save_for_backward(weight)

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        return _to_bases(slopes, weight, ctx.length, ctx.padding), None, None, None, None


def _is_for_pytorch(x: Tensor) -> bool:
    """True where PyTorch's own way is the fastest: on other devices, and for one sequence alone."""
    return x.device.type != "cpu" or len(x) == 1


def _respond(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int, channels_last: bool) -> Tensor:
    if not channels_last:
        return nn.functional.conv1d(x, weight, bias, padding=padding)
    image = _channels_last(x).unsqueeze(2)
    return nn.functional.conv2d(image, weight.unsqueeze(2), bias, padding=(0, padding)).squeeze(2)


def _channels_last(x: Tensor) -> Tensor:
    """The same (batch, channels, length), the channels of one position side by side in memory."""
    return x.transpose(1, 2).contiguous().transpose(1, 2)


def _to_bases(slopes: Tensor, weight: Tensor, length: int, padding: int) -> Tensor:
    """Slopes in the responses (batch, filters, placements) to slopes in the bases (batch, 4, length)."""
    (filters, channels, width), (batch, _, placements) = weight.shape, slopes.shape
    padded = length + 2 * padding
    placed = slopes.new_empty(batch, padded, filters)
    placed[:, :placements] = slopes.transpose(1, 2)
    # From here to the next sequence in the row, placements would reach into that one.
    placed[:, placements:] = 0
    placed = placed.flatten(0, 1)
    reached = slopes.new_zeros(len(placed) + width, channels)
    columns = weight.transpose(1, 2).flatten(1)
    for first in range(width):
        # Every width-th placement begins where the last one ended: no two reach the same base.
        apart = placed[first::width]
        reached[first : first + width * len(apart)].view(-1, width * channels).addmm_(apart, columns)
    return reached[: len(placed)].view(batch, padded, channels)[:, padding : padding + length].transpose(1, 2)
