"""Attributions of sequences of any length, one beside another; arrays and names, no networks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import decode

__all__ = ["Explanation", "Locus", "Track", "joined", "locus_of", "padded"]

Array = NDArray[np.float32]
Codes = NDArray[np.uint8]
Scalar = TypeVar("Scalar", bound=np.generic)

_LOCUS = re.compile(r"(?:\S*::)?(\S+):(-?\d{1,15})-(\d{1,15})")


class Locus(NamedTuple):
    """Where a sequence begins in a genome: chromosome, and its first base, 0-based (negative before the first)."""

    chromosome: str
    start: int


def locus_of(name: str, length: int) -> Locus | None:
    """The place that a name of the form `chrom:start-end` says, 0-based and half-open; None if it is no such name.

    The readers call windows of a BED file so, and bedtools what it cuts from a genome, with or without a name and "::"
    before it. A span that is not as long as
    the sequence (1-based names such as samtools gives) is none.
    """
    match = _LOCUS.fullmatch(name)
    if match is None or int(match[3]) - int(match[2]) != length:
        return None
    return Locus(match[1], int(match[2]))


@dataclass(frozen=True, eq=False)
class Track:
    """The attribution of one model and method for one sequence.

    Attributes:
        name: the sequence's name.
        label: the model and the method, as they are shown.
        codes: uint8 (length,).
        actual: float32 (length,), the contribution of each observed base; 0 where the base is unknown.
        hypothetical: float32 (4, length), what A, C, G and T mean, or would mean, at each position.
        logit: of the sequence, or of its strongest window.
        locus: where the sequence lies, if anybody said.
    """

    name: str
    label: str
    codes: Codes
    actual: Array
    hypothetical: Array
    logit: float
    locus: Locus | None = None

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, eq=False)
class Explanation:
    """Which bases made a model say what it said, for n sequences of any length.

    The sequences lie one after another in the `flat_…` arrays: sequence i is at `offsets[i]:offsets[i + 1]`.

    Attributes:
        model: "moe" or the expert's name.
        method: the attribution method's name.
        ids: n names.
        offsets: int64 (n + 1,).
        codes: uint8 (bases,), A 0, C 1, G 2, T 3, unknown 4.
        flat_actual: float32 (bases,).
        flat_hypothetical: float32 (bases, 4).
        flat_logit: float32 (bases,), the logit of the strongest window that covers the base.
        window: the model's window in base pairs.
        settings: options of the method and the run, as plain values ("shifts", "both_strands", "corrected", "tile").
        ambiguous: IUPAC letters that were read as unknown.
        short: sequences shorter than the window; unknown bases stand for what they lack.
    """

    model: str
    method: str
    ids: tuple[str, ...]
    offsets: NDArray[np.int64]
    codes: Codes
    flat_actual: Array
    flat_hypothetical: Array
    flat_logit: Array
    window: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    ambiguous: int = 0
    short: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def label(self) -> str:
        """Model and method, as they are shown."""
        return f"{self.model} · {self.method}"

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each sequence in base pairs, int64 (n,)."""
        return np.diff(self.offsets)

    @property
    def logit(self) -> Array:
        """float32 (n,): what was explained, on the strand as given (or the mean of both); of the strongest window."""
        if not len(self):
            return np.zeros(0, np.float32)
        strongest: Array = np.maximum.reduceat(self.flat_logit, self.offsets[:-1])
        return strongest

    @property
    def actual(self) -> Array:
        """float32 (n, longest): the contribution of each observed base; 0 beyond a sequence's end."""
        return padded(self.flat_actual[:, None], self.offsets)[..., 0]

    @property
    def hypothetical(self) -> Array:
        """float32 (n, 4, longest): what A, C, G, T mean, or would mean, at each position; 0 beyond a sequence's end."""
        return padded(self.flat_hypothetical, self.offsets).transpose(0, 2, 1)

    def sequence(self, index: int) -> str:
        """Letters of one sequence."""
        return decode(self.codes[self._span(index)])

    def locus(self, index: int) -> Locus | None:
        """Where one sequence lies in a genome, if its name says so."""
        return locus_of(self.ids[index], int(self.lengths[index]))

    def track(self, index: int) -> Track:
        """One sequence's attribution; its arrays are views."""
        span = self._span(index)
        return Track(
            name=self.ids[index],
            label=self.label,
            codes=self.codes[span],
            actual=self.flat_actual[span],
            hypothetical=self.flat_hypothetical[span].T,
            logit=float(self.flat_logit[span].max()),
            locus=self.locus(index),
        )

    def _span(self, index: int) -> slice:
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))


def joined(parts: Sequence[Explanation]) -> Explanation:
    """All parts, of one model and method, as one; raises `InputError` if there is none."""
    if not parts:
        raise InputError("there is no sequence to explain", hint="give at least one sequence of at least one base")
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([part.lengths for part in parts])
    return replace(
        parts[0],
        ids=tuple(name for part in parts for name in part.ids),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        codes=np.concatenate([part.codes for part in parts]),
        flat_actual=np.concatenate([part.flat_actual for part in parts]),
        flat_hypothetical=np.concatenate([part.flat_hypothetical for part in parts]),
        flat_logit=np.concatenate([part.flat_logit for part in parts]),
        ambiguous=sum(part.ambiguous for part in parts),
        short=sum(part.short for part in parts),
    )


def padded(flat: NDArray[Scalar], offsets: NDArray[np.int64], longest: int | None = None) -> NDArray[Scalar]:
    """Rows (bases, k) of n sequences as (n, longest, k), 0 beyond a sequence's end; a view where all are as long."""
    lengths = np.diff(offsets)
    if longest is None:
        longest = int(lengths.max()) if len(lengths) else 0
    if (lengths == longest).all():
        return flat.reshape(len(lengths), longest, flat.shape[1])
    filled = np.zeros((len(lengths), longest, flat.shape[1]), flat.dtype)
    filled[np.arange(longest) < lengths[:, None]] = flat
    return filled
