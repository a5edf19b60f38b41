"""Codes as one-hot tensors; the only module of this package that imports torch."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["one_hot", "reverse_complement_one_hot"]


def one_hot(codes: Tensor) -> Tensor:
    """One-hot rows A, C, G, T of codes, on the device of `codes`.

    Args:
        codes: uint8 (n, length), values 0 to 4.

    Returns:
        float32 (n, 4, length); an unknown base (4) is 0.25 in every row.
    """
    table = torch.full((4, 5), 0.25, device=codes.device)
    table[:, :4] = torch.eye(4, device=codes.device)
    rows, length = codes.shape
    # `gather` writes the result in its final layout; indexing the table would have to transpose it.
    index = codes.long().unsqueeze(1).expand(rows, 4, length)
    return torch.gather(table.expand(rows, 4, 5), 2, index)


def reverse_complement_one_hot(x: Tensor) -> Tensor:
    """The other strand of one-hot sequences (n, 4, length): both axes are turned round."""
    return x.flip(1, 2)
