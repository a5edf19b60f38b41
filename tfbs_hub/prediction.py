"""Batched inference: a model held on a device, and both strands' outputs averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tfbs_hub.errors import UsageError
from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.windows import fit_window

__all__ = ["BATCH", "averaged", "choose_device", "logits", "on_device", "run", "strand_windows"]

BATCH: Final = 1024
"""Sequences a forward pass."""

Array = NDArray[np.float32]


def choose_device(name: str = "auto") -> torch.device:
    """The device called "auto", "cpu" or "cuda"; "auto" is the GPU where there is one."""
    if name not in {"auto", "cpu", "cuda"}:
        raise UsageError(f"unknown device {name!r}", hint="use auto, cpu or cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError(
            "no CUDA device can be used",
            hint="install a CUDA build of PyTorch on a machine with an NVIDIA GPU, or use --device cpu",
        )
    return torch.device("cuda" if name != "cpu" and available else "cpu")


@contextmanager
def on_device(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Hold a model on a device in eval mode; afterwards it is where and as it was."""
    before = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    training = model.training
    model.to(device).eval()
    try:
        yield
    finally:
        model.to(before).train(training)


def run(
    apply: Callable[[Tensor], tuple[Tensor, ...]], codes: NDArray[np.uint8], *, device: torch.device, batch: int = BATCH
) -> tuple[Array, ...]:
    """Apply a function of one-hot (batch, 4, length) to codes (n, length), and join its outputs over n."""
    outputs: list[tuple[Array, ...]] = []
    with torch.inference_mode():
        # An empty input still takes one pass, so that the outputs have their shapes.
        for start in range(0, max(len(codes), 1), batch):
            # A copy, because PyTorch warns of arrays that may not be written.
            part = torch.from_numpy(np.array(codes[start : start + batch], order="C")).to(device)
            outputs.append(tuple(tensor.float().cpu().numpy() for tensor in apply(one_hot(part))))
    return tuple(np.concatenate(parts) for parts in zip(*outputs, strict=True))


def strand_windows(codes: NDArray[np.uint8], window: int, *, symmetric: bool) -> list[NDArray[np.uint8]]:
    """Sequences (n, length) as windows (n, window), then their reverse complements unless the model is symmetric.

    The reverse complement is taken of the sequence as given, before it is fitted to the window.
    """
    strands = [codes] if symmetric else [codes, reverse_complement(codes)]
    return [fit_window(strand, window) for strand in strands]


def averaged(
    apply: Callable[[Tensor], tuple[Tensor, ...]],
    strands: Sequence[NDArray[np.uint8]],
    *,
    device: torch.device,
    batch: int = BATCH,
) -> tuple[Array, ...]:
    """`run` on the windows of each strand, outputs averaged over the strands."""
    outputs = [run(apply, codes, device=device, batch=batch) for codes in strands]
    return tuple(sum(parts[1:], parts[0]) / np.float32(len(parts)) for parts in zip(*outputs, strict=True))


def logits(
    model: nn.Module,
    codes: NDArray[np.uint8],
    *,
    window: int,
    symmetric: bool,
    device: torch.device | None = None,
    batch: int = BATCH,
) -> Array:
    """Logits (n,) of a model for codes (n, length), the two strands' logits averaged."""
    place = device or torch.device("cpu")
    windows = strand_windows(codes, window, symmetric=symmetric)
    with on_device(model, place):
        return averaged(lambda x: (model(x),), windows, device=place, batch=batch)[0]
