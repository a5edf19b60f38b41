"""A set of equally long sequences in memory, with where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.cards import DataFile
from tfbs_hub.errors import InputError

__all__ = ["SequenceDataset"]

Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SequenceDataset:
    """Sequences as codes, one row each.

    Attributes:
        codes: uint8 (n, length); A 0, C 1, G 2, T 3, anything unknown 4.
        labels: int8 (n,), 1 bound and 0 not; None where nobody said.
        ids: n names, in the order of the rows.
        files: the files the rows came from, with digests and row counts.
        source: the kind of source: "files", "encode", "jaspar", or a plug-in's.
        simulated: True if no experiment stands behind the rows.
        ambiguous: how many IUPAC letters other than A, C, G, T, N were read as unknown.
        note: one sentence for the card, such as the JASPAR matrix that was sampled.
        cell: the cell line or tissue, where one is known.
        licence, citation: terms of use of the data, and what to cite for it.
    """

    codes: Codes
    labels: NDArray[np.int8] | None
    ids: Sequence[str]
    files: tuple[DataFile, ...] = ()
    source: str = "files"
    simulated: bool = False
    ambiguous: int = 0
    note: str = ""
    cell: str = ""
    licence: str = ""
    citation: str = ""
    _digest: list[str] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        rows = len(self.codes)
        if self.codes.ndim != 2 or self.codes.dtype != np.uint8:
            raise InputError(f"codes must be uint8 (n, length), not {self.codes.dtype} {self.codes.shape}")
        if len(self.ids) != rows or (self.labels is not None and self.labels.shape != (rows,)):
            raise InputError(f"{rows} rows of codes need {rows} ids and as many labels")

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def length(self) -> int:
        """Length of every sequence in base pairs."""
        return int(self.codes.shape[1])

    @property
    def digest(self) -> str:
        """sha256 over shape, codes and labels: equal rows in equal order, equal digest."""
        if not self._digest:
            known = b"" if self.labels is None else self.labels.astype(np.int8).tobytes()
            head = f"tfbs-hub-sequences 1 {self.codes.shape} {len(known)}\n".encode()
            body = hashlib.sha256(head)
            body.update(np.ascontiguousarray(self.codes).tobytes())
            body.update(known)
            self._digest.append(body.hexdigest())
        return self._digest[0]

    def rows(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> SequenceDataset:
        """The rows that `index` (positions or a mask) picks, as a data set of its own."""
        places = np.flatnonzero(index) if index.dtype == np.bool_ else index
        return replace(
            self,
            codes=self.codes[places],
            labels=None if self.labels is None else self.labels[places],
            ids=[self.ids[place] for place in places],
            _digest=[],
        )

    def positives(self) -> SequenceDataset:
        """The bound rows; all rows where nothing is labelled."""
        return self if self.labels is None else self.rows(self.labels == 1)

    def negatives(self) -> SequenceDataset:
        """The rows labelled as not bound; raises `InputError` where nothing is labelled."""
        if self.labels is None:
            raise InputError("these sequences carry no labels, so none of them is known to be a negative")
        return self.rows(self.labels == 0)
