"""How alike two motifs are, at their best alignment on either strand."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.sources.motifs.motif import Motif

__all__ = ["similarity"]

_OVERLAP: Final = 5
"""Columns that must lie over each other, or all of the shorter motif's."""


def similarity(one: Motif, other: Motif) -> float:
    """Similarity of two motifs, -1 to 1; 1 only for equal ones (or their reverse complements).

    Columns are compared by their deviations from the uniform distribution: the cosine over all aligned columns, so that
    informative columns count most, with the columns that hang over counted as differing. The best alignment counts.
    """
    return max(_best(one.probabilities, turned.probabilities) for turned in (other, other.reverse_complement()))


def _best(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    left, right = one - 0.25, other - 0.25
    scale = float(np.linalg.norm(left) * np.linalg.norm(right))
    if not scale:
        return 0.0
    overlap = min(_OVERLAP, left.shape[1], right.shape[1])
    found = [
        float((left[:, max(0, step) : step + right.shape[1]] * right[:, max(0, -step) : left.shape[1] - step]).sum())
        for step in range(overlap - right.shape[1], left.shape[1] - overlap + 1)
    ]
    return max(found) / scale
