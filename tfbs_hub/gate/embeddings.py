"""Embeddings of gate sets by frozen experts, computed once and kept.

Experts and gate sets never change, so an embedding is named by the two digests and is good for ever. What is
kept is a cache: a file that is lost or damaged is computed again.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tfbs_hub import settings
from tfbs_hub.experts.contract import Expert
from tfbs_hub.files import write_whole
from tfbs_hub.gate.gate_sets import GateSet
from tfbs_hub.names import short
from tfbs_hub.prediction import on_device, run
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.windows import fit_window

__all__ = ["Embedded", "EmbeddingCache", "embed"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Embedded:
    """Embeddings by (expert digest, gate-set digest), and what it took to get them.

    Attributes:
        arrays: float32 (2, n, width) each: the sequences as given, and their reverse complements.
        computed: pairs that were computed.
        reused: pairs that came from the cache.
        seconds: wall-clock time it took in all.
    """

    arrays: Mapping[tuple[str, str], Array]
    computed: int
    reused: int
    seconds: float


class EmbeddingCache:
    """A folder of embeddings.

    Args:
        folder: is made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def embeddings(
        self,
        experts: Mapping[str, Expert],
        gate_sets: Sequence[GateSet],
        *,
        device: torch.device,
        report: Report = silent,
    ) -> Embedded:
        """The embeddings of every gate set by every expert (by digest); only missing pairs are computed."""
        start = time.perf_counter()
        pairs = [(digest, gate_set) for digest in experts for gate_set in gate_sets]
        arrays: dict[tuple[str, str], Array] = {}
        computed = 0
        for done, (digest, gate_set) in enumerate(pairs):
            report(Event("embedding gate sets", done, len(pairs), f"{computed} computed"))
            key = (digest, gate_set.digest)
            expert = experts[digest]
            array = self._read(key, (2, len(gate_set), expert.embedding_dim))
            if array is None:
                array = embed(expert, gate_set.codes, device)
                self._write(key, array)
                computed += 1
            arrays[key] = array
        report(Event("embedding gate sets", len(pairs), len(pairs), f"{computed} computed"))
        return Embedded(arrays, computed, len(pairs) - computed, time.perf_counter() - start)

    def _path(self, key: tuple[str, str]) -> Path:
        return self.folder / f"{short(key[0])}-{short(key[1])}.npy"

    def _read(self, key: tuple[str, str], shape: tuple[int, ...]) -> Array | None:
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        seal, body = data[:32], data[32:]
        if hashlib.sha256("".join(key).encode() + body).digest() != seal:
            return None
        array: Array = np.load(io.BytesIO(body), allow_pickle=False)
        return array if array.shape == shape else None

    def _write(self, key: tuple[str, str], array: Array) -> None:
        body = io.BytesIO()
        np.save(body, array, allow_pickle=False)
        seal = hashlib.sha256("".join(key).encode() + body.getvalue()).digest()
        write_whole(self._path(key), seal + body.getvalue(), hint=settings.CACHE_HINT)


def embed(expert: Expert, codes: NDArray[np.uint8], device: torch.device) -> Array:
    """Embeddings (2, n, width) of codes (n, length): the sequences as given, and their reverse complements."""
    with on_device(expert, device):
        strands = [
            run(lambda x: (expert.embed(x),), fit_window(strand, expert.window), device=device)[0]
            for strand in (codes, reverse_complement(codes))
        ]
    return np.stack(strands)
