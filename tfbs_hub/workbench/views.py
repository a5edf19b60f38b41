"""What answers are made of: tracks, motifs, figures and packages as plain values."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from functools import cached_property
from typing import Self

import msgspec

__all__ = [
    "DataView",
    "Failure",
    "Layer",
    "Mark",
    "ModelView",
    "Motif",
    "Neighbour",
    "PackageView",
    "PairView",
    "Track",
    "Weighed",
]


class Layer(msgspec.Struct, frozen=True):
    """A model ("moe", "mean" or an expert) asked by an attribution method."""

    model: str
    method: str

    @property
    def label(self) -> str:
        """As it is shown."""
        return f"{self.model} · {self.method}"


class Weighed(msgspec.Struct):
    """What the mixture predicts (both strands averaged), and what each expert has to do with it.

    Attributes:
        logit, probability: of the sequence; of its strongest window if it is longer than the model's.
        experts, alpha, contribution: names, weights that sum to 1, and parts of the logit; `bias` is the rest of it.
    """

    logit: float
    probability: float
    experts: list[str]
    alpha: list[float]
    contribution: list[float]
    bias: float


class Track(msgspec.Struct, dict=True):
    """One layer's attribution of a sequence of `length` bases.

    Attributes:
        layer: who says so.
        logit: on the strand as given (the mean of both where both are explained).
        packed: `actual` and the four rows of `hypothetical`, one after another, as 32-bit floats (little-endian): a
            long sequence has hundreds of thousands of figures, and nobody waits while they are read.
        window: of the model, in base pairs.
    """

    layer: Layer
    logit: float
    packed: bytes
    window: int

    @classmethod
    def of(
        cls,
        layer: Layer,
        logit: float,
        actual: Sequence[float],
        hypothetical: Sequence[Sequence[float]],
        window: int,
    ) -> Self:
        """A track from its figures: `actual` is (length,), `hypothetical` (4, length)."""
        figures = array("f", actual)
        for row in hypothetical:
            figures.extend(row)
        if sys.byteorder == "big":
            figures.byteswap()
        return cls(layer, logit, figures.tobytes(), window)

    @cached_property
    def actual(self) -> Sequence[float]:
        """(length,), contribution of each observed base."""
        return self._row(0)

    @cached_property
    def hypothetical(self) -> Sequence[Sequence[float]]:
        """(4, length), what A, C, G and T mean, or would mean, there."""
        return [self._row(number) for number in range(1, 5)]

    def _row(self, number: int) -> Sequence[float]:
        size = len(self.packed) // 5
        figures = array("f", self.packed[number * size : (number + 1) * size])
        if sys.byteorder == "big":
            figures.byteswap()
        return figures


class Mark(msgspec.Struct):
    """A seqlet: 0-based and half-open; `name` is "?" where it looks like nothing known, `strand` then empty."""

    start: int
    end: int
    name: str
    strand: str
    family: str
    p_value: float | None
    attribution: float


class Motif(msgspec.Struct):
    """A motif: `share` is (4, width), how often A, C, G and T stand at each place; `note` says where it is from."""

    name: str
    note: str
    share: list[list[float]]


class Neighbour(msgspec.Struct):
    """Another expert on the same sequences: see `workflows.newcomer.Neighbour`."""

    name: str
    similarity: float
    auroc: float
    motif: float | None
    shared: float | None


class ModelView(msgspec.Struct):
    """A model on a data set: figures with intervals (value, low, high); `roc` is corners (fpr, tpr), thinned out."""

    name: str
    auroc: tuple[float, float, float]
    auprc: tuple[float, float, float]
    brier: tuple[float, float, float]
    ece: tuple[float, float, float]
    ece_floor: float
    bootstrap: tuple[float, float]
    alpha: dict[str, float]
    roc: list[tuple[float, float]]


class PairView(msgspec.Struct):
    """A test of AUROC(a) - AUROC(b): difference, its interval, and p (corrected for all pairs, but for Tukey's own)."""

    a: str
    b: str
    difference: float
    low: float
    high: float
    p: str
    clear: bool


class DataView(msgspec.Struct):
    """A data set: its name, short and whole, the reading in plain words, cautions, models and tests."""

    name: str
    called: str
    rows: int
    positives: int
    negatives: str
    reading: str
    cautions: list[str]
    models: list[ModelView]
    anova: str
    delong: list[PairView]
    paired: list[PairView]
    tukey: list[PairView]


class Failure(msgspec.Struct):
    """One thing that a plug-in did wrong."""

    phase: str
    message: str
    traceback: str


class PackageView(msgspec.Struct):
    """A plug-in package and what it brings, by name."""

    distribution: str
    version: str
    experts: list[str]
    architectures: list[str]
    sources: list[str]
    methods: list[str]
    hooks: list[str]
    failures: list[Failure]
