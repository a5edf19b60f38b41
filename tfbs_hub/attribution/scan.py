"""One DeepBind expert's detectors, laid out for `tfbs_hub.attribution.kernels`, and its responses as tensors.

One half of `tfbs_hub.attribution.fast`, which says what it is for.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tfbs_hub.attribution import kernels
from tfbs_hub.experts.deepbind import DeepBind

__all__ = ["Responses", "Scan", "codes_of"]

_CLOSE: Final = 4.0
"""Responses that differ by less than this many units of rounding of the largest possible one may be equal."""
_FEW: Final = 16
"""Sequences that are not worth a thread of their own."""


@dataclass(frozen=True, eq=False)
class Responses:
    """A detector bank's responses to some sequences at all shifts (cut s = 0 … 2N is shift N - s).

    Attributes:
        best: (batch, cuts, detectors), the strongest response.
        mean: the mean of responses above 0, same shape.
        argmax: which placement is the strongest, same shape; for `Scan.carry_back`.
        unsure: bool (batch, cuts), where rounding could decide.
    """

    best: Tensor
    mean: Tensor
    argmax: NDArray[np.int32]
    unsure: Tensor


class Scan:
    """One expert's detectors, ready to be slid over sequences joined end to start.

    Args:
        expert: with weights of 32 bits, on the CPU.
        stretch: which bases of a sequence all shifts together see through the expert's window
            (`tfbs_hub.attribution.parts`).
        shifts: N.
    """

    def __init__(self, expert: DeepBind, stretch: Tensor, shifts: int) -> None:
        weight, bias = _padded(expert)
        self.expert, self.stretch, self.cuts = expert, stretch, 2 * shifts + 1
        self._kept = len(expert.detect.weight)
        self._reach = 2 * shifts + weight.shape[2] - 1
        self._columns, self._bias = _columns(weight), bias.reshape(-1, kernels.LANES)
        self._mirrored_columns = np.ascontiguousarray(_columns(weight[:, :, ::-1])[:, :, : -kernels.LANES])
        largest = np.abs(weight).max(axis=1).sum(axis=1) + np.abs(bias)
        self.tolerance: NDArray[np.float32] = (_CLOSE * np.finfo(np.float32).eps * largest).astype(np.float32)

    def respond(self, codes: NDArray[np.uint8]) -> Responses:
        """Responses to codes (batch, length)."""
        bases, mirrored = self._bases(codes)
        shape = len(codes), self.cuts, len(self.tolerance)
        best, mean, argmax = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.int32)
        unsure = np.empty(shape[:2], np.bool_)

        def work(part: slice) -> None:
            kernels.pool(
                bases[part],
                mirrored[part],
                self._columns,
                self._mirrored_columns,
                self._bias,
                self.tolerance,
                self.cuts,
                best[part],
                mean[part],
                argmax[part],
                unsure[part],
                self.expert.averages,
            )

        _share(work, len(codes))
        kept = [torch.from_numpy(each[:, :, : self._kept].copy()) for each in (best, mean)]
        return Responses(kept[0], kept[1], argmax, torch.from_numpy(unsure))

    def carry_back(self, codes: NDArray[np.uint8], responses: Responses, of_best: Tensor, of_mean: Tensor) -> Tensor:
        """Gradients of the pooled responses (batch, cuts, detectors) to gradients of the bases, summed over the cuts.

        Returns:
            (batch, 4, length of the stretch).
        """
        bases, mirrored = self._bases(codes)
        gradients = np.empty((*bases.shape, 4), np.float32)
        beyond = 0, responses.argmax.shape[2] - self._kept
        best, mean = (
            torch.nn.functional.pad(each, beyond).contiguous().numpy()
            for each in (of_best * (responses.best > 0), of_mean)
        )

        def work(part: slice) -> None:
            kernels.carry_back(
                bases[part],
                mirrored[part],
                self._columns,
                self._mirrored_columns,
                self._bias,
                best[part],
                mean[part],
                responses.argmax[part],
                gradients[part],
            )

        _share(work, len(codes))
        return torch.from_numpy(gradients).permute(0, 2, 1)

    def _bases(self, codes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The stretch that all cuts together see, and its beginning read backwards."""
        bases = np.ascontiguousarray(codes[:, self.stretch.numpy()])
        return bases, np.ascontiguousarray(bases[:, : self._reach][:, ::-1])


def codes_of(x: Tensor) -> NDArray[np.uint8] | None:
    """One-hot (batch, 4, length) as codes (batch, length); None if a position is neither a base nor unknown."""
    codes = np.empty((len(x), x.shape[2]), np.uint8)
    return codes if kernels.encode(x.detach().contiguous().numpy(), codes) else None


def _padded(expert: DeepBind) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weight (detectors, 4, width) and bias (detectors,), with detectors of zeros up to whole blocks."""
    weight, bias = expert.detect.weight.detach().numpy(), expert.detect.bias
    beyond = -len(weight) % kernels.LANES
    biases = np.zeros(len(weight), np.float32) if bias is None else bias.detach().numpy()
    return np.pad(weight, ((0, beyond), (0, 0), (0, 0))), np.pad(biases, (0, beyond))


def _columns(weight: NDArray[Any]) -> NDArray[np.float32]:
    """What each letter adds to a response, (blocks, 5, width * LANES)."""
    letters = np.concatenate([weight, weight.mean(axis=1, keepdims=True)], axis=1).transpose(1, 2, 0)
    blocks = letters.reshape(*letters.shape[:2], -1, kernels.LANES).transpose(2, 0, 1, 3)
    return np.ascontiguousarray(blocks, np.float32).reshape(len(blocks), 5, -1)


def _share(work: Callable[[slice], None], rows: int) -> None:
    """Do the work for all rows, shared among as many threads as PyTorch uses."""
    workers = min(torch.get_num_threads(), rows // _FEW)
    if workers < 2:
        work(slice(0, rows))
        return
    edges = np.linspace(0, rows, workers + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work, slice(*edge)) for edge in pairwise(edges)]:
            done.result()
