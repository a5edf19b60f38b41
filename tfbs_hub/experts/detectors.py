"""Motif detectors: a convolution of one-hot DNA, arranged for CPUs.

PyTorch's convolutions are made for images with many channels; DNA has four. In a batch, 64 filters respond in a third
of the time if the responses of one position stand side by side in memory (channels last), and are pooled in a tenth;
their gradients in the bases, as products of matrices, take half the time. What they give, and learn, is that of the
plain convolution but for rounding.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

__all__ = ["Detectors", "max_pool", "respond", "strongest"]

_MANY: Final = 32
"""Sequences that are worth products of matrices on the way back: many small ones, or fewer large ones."""


class Detectors(nn.Conv1d):
    """Filters slid over one-hot (batch, 4, length): responses (batch, filters, length + 2 * padding - width + 1).

    Args:
        filters: how many.
        width: of each, in base pairs.
        padding: zeros on either side of the sequence.
    """

    def __init__(self, filters: int, width: int, *, padding: int, bias: bool = True) -> None:
        super().__init__(4, filters, width, padding=padding, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if _plain_is_faster(x):
            return super().forward(x)
        width, padding = self.kernel_size[0], int(self.padding[0])
        if (
            x.requires_grad
            and torch.is_grad_enabled()
            and not self.weight.requires_grad
            # Of a wide detector beside a short sequence, the products would be mostly of zeros.
            and width <= x.shape[2]
            and x.shape[0] >= _MANY
        ):
            responses: Tensor = _Detect.apply(x, self.weight, padding)  # type: ignore[no-untyped-call]
        else:
            responses = respond(x, self.weight, padding)
        # Not by the convolution, which takes five times as long to find the bias's gradient.
        return responses if self.bias is None else responses + self.bias[:, None]


def max_pool(responses: Tensor, stride: int) -> Tensor:
    """As `torch.nn.MaxPool1d(stride)`, for channels-last (batch, filters, length); the result is contiguous."""
    if _plain_is_faster(responses):
        return nn.functional.max_pool1d(responses, stride)
    pooled = nn.functional.max_pool2d(responses.unsqueeze(2), (1, stride)).squeeze(2)
    if pooled.requires_grad:
        # The way back is as fast as the way there only if the gradients come in the same order.
        pooled.register_hook(_channels_last)  # type: ignore[no-untyped-call]
    return pooled.contiguous()


def strongest(responses: Tensor) -> Tensor:
    """As `responses.max(dim=2).values`, for channels-last (batch, filters, length); of equals, one has the gradient."""
    if _plain_is_faster(responses):
        # Not `amax`, which would split the gradient among ties on repeats.
        return responses.max(dim=2).values
    image = responses.detach().unsqueeze(2)
    _, places = nn.functional.max_pool2d(image, (1, responses.shape[2]), return_indices=True)
    # Fetched from their places, not pooled: the way back through a pool would put the channels in another order.
    return responses.transpose(1, 2).gather(1, places.squeeze(2).transpose(1, 2)).squeeze(1)


class _Detect(torch.autograd.Function):
    """The responses of frozen detectors, which are differentiated by the bases alone."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, padding: int) -> Tensor:
        return respond(x, weight, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, ctx.padding = inputs
        ctx.length = x.shape[2]
        ctx.save_for_backward(weight)
        ctx.save_for_forward(weight)

    @staticmethod
    def backward(ctx: Any, gradients: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        # Under autocast the responses, and so their gradients, may have fewer bits.
        return _to_bases(gradients.to(weight.dtype), weight, ctx.length, ctx.padding), None, None

    @staticmethod
    def jvp(ctx: Any, x: Tensor, *_: None) -> Tensor:
        (weight,) = ctx.saved_tensors
        return respond(x, weight, ctx.padding)


def _plain_is_faster(x: Tensor) -> bool:
    """Whether PyTorch's own way is the fastest: for one sequence, one without a batch, and on other devices."""
    return x.dim() != 3 or x.shape[0] == 1 or x.device.type != "cpu"


def respond(x: Tensor, weight: Tensor, padding: int) -> Tensor:
    """Responses (batch, filters, placements) of weight (filters, 4, width) to one-hot x, channels last in memory."""
    image = _channels_last(x).unsqueeze(2)
    return nn.functional.conv2d(image, weight.unsqueeze(2), padding=(0, padding)).squeeze(2)


def _channels_last(x: Tensor) -> Tensor:
    """The same (batch, channels, length), the channels of one position side by side in memory."""
    return x.transpose(1, 2).contiguous().transpose(1, 2)


def _to_bases(gradients: Tensor, weight: Tensor, length: int, padding: int) -> Tensor:
    """Gradients of the responses (batch, filters, placements) to gradients of the bases (batch, 4, length)."""
    (filters, channels, width), (batch, _, placements) = weight.shape, gradients.shape
    padded = length + 2 * padding
    placed = gradients.new_empty(batch, padded, filters)
    placed[:, :placements] = gradients.transpose(1, 2)
    # From here to the next sequence in the row, placements would reach into that one.
    placed[:, placements:] = 0
    placed = placed.view(batch * padded, filters)
    reached = gradients.new_zeros(batch * padded + width - 1, channels)
    columns = weight.transpose(1, 2).flatten(1)
    for first in range(width):
        # Every width-th placement begins where the last one ended: no two reach the same base.
        apart = placed[first::width]
        reached[first : first + width * len(apart)].view(-1, width * channels).addmm_(apart, columns)
    return reached[: batch * padded].view(batch, padded, channels)[:, padding : padding + length].transpose(1, 2)
