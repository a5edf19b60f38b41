"""A motif: for each place of a binding site, how often each base stands there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.errors import InputError

__all__ = ["Motif"]


@dataclass(frozen=True, eq=False)
class Motif:
    """A position probability matrix.

    Attributes:
        id: accession such as "MA0037.3", or the name that a file gives.
        name: what it is called, usually the factor.
        probabilities: float64 (4, width), rows A, C, G, T, each column sums to 1; read-only.
        species: organism of the sites ("Homo sapiens"); empty where nobody said.
        source: where the matrix comes from ("JASPAR2026", or a file's name).
        sites: number of sites that were counted (for pseudocounts); 0 where nobody said.
    """

    id: str
    name: str
    probabilities: NDArray[np.float64]
    species: str = ""
    source: str = ""
    sites: float = 0.0

    def __post_init__(self) -> None:
        matrix = np.array(self.probabilities, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != 4 or matrix.shape[1] == 0:
            raise InputError(f"a motif has 4 rows and at least one column, not {matrix.shape}", where=self.id)
        if not np.isfinite(matrix).all() or (matrix < 0).any() or np.abs(matrix.sum(axis=0) - 1).max() > 1e-6:
            raise InputError("every column of a motif must hold probabilities that sum to 1", where=self.id)
        matrix.setflags(write=False)
        object.__setattr__(self, "probabilities", matrix)

    @classmethod
    def from_counts(cls, id: str, name: str, counts: ArrayLike, *, species: str = "", source: str = "") -> Motif:  # noqa: A002 - the field's name
        """A motif from counts (4, width) of bases at aligned sites, rows A, C, G, T.

        Raises:
            InputError: a count is negative or not finite, or a column holds none.
        """
        matrix = np.array(counts, dtype=np.float64)
        if not np.isfinite(matrix).all() or (matrix < 0).any():
            raise InputError(
                "counts of bases cannot be negative or infinite",
                where=id,
                hint="give counts or probabilities; a matrix of log-odds scores cannot be used",
            )
        totals = matrix.sum(axis=0)
        empty = np.flatnonzero(totals == 0)
        if len(empty):
            raise InputError(f"column {empty[0] + 1} holds no count at all", where=id)
        sites = float(totals.max()) if totals.size else 0.0
        return cls(id, name, matrix / totals, species=species, source=source, sites=sites)

    @property
    def width(self) -> int:
        """Number of base pairs."""
        return int(self.probabilities.shape[1])

    def information(self) -> NDArray[np.float64]:
        """Information content of each column in bits (width,), 0 to 2, against equally frequent bases."""
        matrix = self.probabilities
        terms = matrix * np.log2(matrix, out=np.zeros_like(matrix), where=matrix > 0)
        return np.asarray(np.clip(2 + terms.sum(axis=0), 0, 2), dtype=np.float64)

    def reverse_complement(self) -> Motif:
        """The same motif read on the other strand."""
        # Rows are A, C, G, T, so turning both axes round also swaps A with T and C with G.
        return replace(self, probabilities=self.probabilities[::-1, ::-1])

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draw `n` sites, every column on its own: codes uint8 (n, width), A 0, C 1, G 2, T 3."""
        bounds = np.cumsum(self.probabilities, axis=0)[:3]
        draws = rng.random((n, self.width))
        # Rounding can leave a bound just below 1 in front of a base that never occurs; such a base must not be drawn.
        last = 3 - np.argmax(self.probabilities[::-1] > 0, axis=0)
        codes = (draws[:, None, :] >= bounds).sum(axis=1)
        return np.asarray(np.minimum(codes, last), dtype=np.uint8)
