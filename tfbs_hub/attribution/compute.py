"""Attribution of many sequences: batches, strands, checks, and the model left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tfbs_hub.attribution.holding import device_of, held
from tfbs_hub.attribution.methods import Method
from tfbs_hub.errors import InputError, PluginError, TfbsHubError, UsageError
from tfbs_hub.plugins.failures import describe, one_line
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.sequences.alphabet import UNKNOWN
from tfbs_hub.sequences.onehot import one_hot, reverse_complement_one_hot

__all__ = ["BATCH", "Attribution", "attribute", "observed"]

BATCH: Final = 256
"""Sequences handed to a method at a time."""

Array = NDArray[np.float32]
Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Attribution:
    """Which bases mattered, for n sequences.

    Attributes:
        hypothetical: float32 (n, 4, length): what each of A, C, G, T means, or would mean, at each position.
        actual: float32 (n, length): `hypothetical` at the observed base, 0 where the base is unknown.
    """

    hypothetical: Array
    actual: Array


def attribute(
    network: nn.Module,
    codes: Codes,
    method: Method,
    *,
    both_strands: bool = False,
    symmetric: bool = False,
    corrected: bool = False,
    device: torch.device | None = None,
    batch: int = BATCH,
    report: Report = silent,
    model: str | None = None,
) -> Attribution:
    """Attribution of a network's logit to the bases of windows, in memory bounded by a batch (and the result).

    The network is left exactly as it was found: modes of all submodules, `requires_grad` flags, gradients of its
    parameters, device, and the state of PyTorch's random numbers.

    Args:
        network: one-hot (batch, 4, window) to logits (batch,).
        codes: uint8 (n, window), values 0 to 4.
        method: from `find_method`.
        both_strands: average with the attribution of the reverse complements, turned back.
        symmetric: the network gives both strands the same logit by construction, so that `both_strands` changes
            nothing and is not computed.
        corrected: remove the mean over the four bases (`tfbs_hub.attribution.correction`).
        device: where to compute; by default where the network is.
        batch: sequences handed to the method at a time.
        report: hears of the sequences done.
        model: the network's name for messages; by default its class.

    Raises:
        InputError: no sequence, or not codes.
        UsageError: `corrected` after a method that threw the sign away.
        PluginError: the network cannot be differentiated, the method failed, or its result is not finite or not of
            the right shape; names the model and the method.
    """
    _check_codes(codes)
    if corrected and not method.signed:
        raise UsageError(
            f"gradient correction does not apply to {method.name}, which has lost the sign",
            hint="leave out the correction, or use gradient",
        )
    task = f"explaining with {method.name}"
    report(Event(task, 0, len(codes)))
    hypothetical = np.empty((len(codes), 4, codes.shape[1]), np.float32)
    with _naming(model or type(network).__name__, method.name), _undisturbed(network, device) as place:
        for start in range(0, len(codes), batch):
            part = slice(start, start + batch)
            hypothetical[part] = _explain(
                network, codes[part], method, both_strands=both_strands and not symmetric, device=place
            )
            report(Event(task, min(start + batch, len(codes)), len(codes)))
    if corrected:
        hypothetical -= hypothetical.mean(axis=1, keepdims=True)
    return Attribution(hypothetical, observed(hypothetical, codes))


def observed(hypothetical: Array, codes: Codes) -> Array:
    """Hypothetical attribution (n, 4, length) at the bases of codes (n, length); 0 where a base is unknown."""
    known = np.minimum(codes, UNKNOWN - 1)[:, None, :].astype(np.intp)
    actual: Array = np.take_along_axis(hypothetical, known, axis=1)[:, 0, :]
    actual[codes == UNKNOWN] = 0
    return actual


def _explain(network: nn.Module, codes: Codes, method: Method, *, both_strands: bool, device: torch.device) -> Array:
    """One batch: one-hot, one or two strands, the result on the CPU."""
    x = one_hot(torch.from_numpy(np.array(codes, order="C")).to(device))
    attribution = _applied(network, x, method)
    if both_strands:
        other = _applied(network, reverse_complement_one_hot(x), method)
        attribution = (attribution + reverse_complement_one_hot(other)) / 2
    return attribution.cpu().numpy()


def _applied(network: nn.Module, x: Tensor, method: Method) -> Tensor:
    """The method's result, checked; whatever goes wrong in a plug-in becomes a `PluginError`."""
    try:
        found = method(network, x.clone())
    except TfbsHubError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"the attribution failed: {one_line(describe(error))}") from error
    if not isinstance(found, Tensor) or found.shape != x.shape:
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise PluginError(f"the method must return a tensor of the shape of x, {tuple(x.shape)}, not {got}")
    found = found.detach().float()
    if not bool(torch.isfinite(found).all()):
        raise PluginError(
            "the attribution is not finite",
            hint="look for a division by 0, a logarithm or a root of 0 in the network or the method",
        )
    return found


@contextmanager
def _undisturbed(network: nn.Module, device: torch.device | None) -> Iterator[torch.device]:
    """Hold the network and PyTorch's random numbers; gives the device, and both back as they were."""
    place = device or device_of(network)
    cuda = [place] if place.type == "cuda" else []
    # A caller's inference mode would make tensors that no gradient can reach.
    with torch.inference_mode(mode=False), torch.random.fork_rng(devices=cuda), held(network, place):
        yield place


@contextmanager
def _naming(model: str, method: str) -> Iterator[None]:
    """Say of every error of a plug-in which model and method it came from."""
    try:
        yield
    except PluginError as error:
        raise PluginError(error.what, where=f"model {model}, method {method}", hint=error.hint) from error


def _check_codes(codes: Codes) -> None:
    if codes.ndim != 2 or codes.dtype != np.uint8:
        raise InputError(f"windows must be uint8 codes (n, window), not {codes.dtype} of shape {codes.shape}")
    if not codes.size:
        raise InputError("there is no sequence to explain", hint="give at least one sequence of at least one base")
    if codes.max() > UNKNOWN:
        raise InputError(f"codes go from 0 to {UNKNOWN}; here is a {codes.max()}")
