"""Golden predictions: proof, carried on the card, that weights still mean what they meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from tfbs_hub.cards import Golden
from tfbs_hub.errors import InputError, IntegrityError
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import decode, encode
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.windows import fit_window

__all__ = ["TOLERANCE", "check_golden", "golden_sequences", "make_golden"]

TOLERANCE: Final = 1e-4
"""Largest difference between a golden logit and a recomputed one."""


def golden_sequences(window: int, count: int = 4) -> tuple[str, ...]:
    """Random sequences as long as the window, always the same; the last has a run of unknown bases."""
    codes = generator(0, "golden", window).integers(0, 4, size=(count, window)).astype(np.uint8)
    codes[-1, : window // 4] = 4
    return tuple(decode(row) for row in codes)


def make_golden(model: Callable[[Tensor], Tensor], window: int) -> Golden:
    """Golden predictions of a model in eval mode on the CPU, forward strand."""
    sequences = golden_sequences(window)
    return Golden(sequences=sequences, logits=tuple(_logits(model, window, sequences)))


def check_golden(model: Callable[[Tensor], Tensor], window: int, golden: Golden, where: str) -> None:
    """Raise `IntegrityError` if a golden logit is not reproduced to within `TOLERANCE`."""
    try:
        found = _logits(model, window, golden.sequences)
    except InputError as error:
        raise IntegrityError(f"a golden sequence cannot be read: {error.what}", where=where) from error
    for place, (value, expected) in enumerate(zip(found, golden.logits, strict=True)):
        if not abs(value - expected) <= TOLERANCE:
            raise IntegrityError(
                f"golden prediction {place} is {value:.6f}, the card says {expected:.6f}",
                where=where,
                hint="the weights, the architecture's code or PyTorch changed what this model computes",
            )


@torch.inference_mode()
def _logits(model: Callable[[Tensor], Tensor], window: int, sequences: Sequence[str]) -> list[float]:
    # One row at a time: a batch may be summed in another order, and the card should not depend on it.
    rows = (fit_window(encode(sequence)[None], window) for sequence in sequences)
    return [float(model(one_hot(torch.from_numpy(row)))[0]) for row in rows]
