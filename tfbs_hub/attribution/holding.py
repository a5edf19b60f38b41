"""A model held still while its input is differentiated, and given back exactly as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain

import torch
from torch import nn

__all__ = ["device_of", "held"]


def device_of(model: nn.Module) -> torch.device:
    """Where a model is: the device of its first parameter or buffer, the CPU if it has none."""
    first = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


@contextmanager
def held(model: nn.Module, device: torch.device | None = None) -> Iterator[None]:
    """Hold a model in eval mode with frozen parameters; afterwards it is as it was.

    Frozen parameters save the work of their gradients. Modes of all submodules, `requires_grad` flags, devices and
    the parameters' own `.grad` are afterwards what they were, also after an error. May be nested.

    Args:
        device: where to hold it; None leaves it where it is.
    """
    modes = [(module, module.training) for module in model.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    before = device_of(model)
    place = before if device is None else device
    try:
        with ExitStack() as stack:
            if place != before:
                model.to(place)
            model.eval()
            for parameter, _ in flags:
                parameter.requires_grad_(False)
            if place.type == "cuda" and any(isinstance(module, nn.RNNBase) for module, _ in modes):
                # cuDNN's recurrent kernels keep what a backward pass needs only in training mode.
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            yield
    finally:
        if place != before:
            model.to(before)
        for module, training in modes:
            module.training = training
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
