"""One seed, many independent random streams."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["derive", "generator"]


def derive(seed: int, *labels: str | int) -> int:
    """A 63-bit seed that depends on `seed` and on what it is for, and on nothing else."""
    text = "/".join([str(seed), *map(str, labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def generator(seed: int, *labels: str | int) -> np.random.Generator:
    """A numpy generator for one purpose."""
    return np.random.Generator(np.random.PCG64(derive(seed, *labels)))
