"""What the shipped experts and their gate promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfbs_hub import Hub


@pytest.fixture(scope="module")
def shipped() -> Hub:
    return Hub.open(Path(__file__).resolve().parents[2] / "registry")


@pytest.mark.parametrize("model", ["ARID3A", "FOXM1", "GATA3", "moe"])
@pytest.mark.parametrize("length", [5, 20, 50])
def test_a_short_random_sequence_is_not_called_bound(shipped, random_codes, model, length):
    sequences = ["".join("ACGT"[code] for code in row) for row in random_codes(500, length, seed=length)]
    assert np.mean(shipped.predict(sequences, model=model).probability) < 0.6
