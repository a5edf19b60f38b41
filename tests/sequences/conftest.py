"""Files that the tests of sequences read."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file, packed where its name ends in .gz."""

    def writer(name: str, text: str | bytes) -> Path:
        data = text.encode() if isinstance(text, str) else text
        path = tmp_path / name
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    return writer


@pytest.fixture
def random_codes() -> Callable[..., np.ndarray]:
    """Random sequences, some of their bases unknown."""

    def maker(rows: int, length: int, *, letters: int = 4, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, letters, (rows, length), dtype=np.uint8)

    return maker
