"""What an evaluation finds: one record a run, a data set, a model and a test; arrays and numbers, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Anova",
    "DatasetResult",
    "DeLongRow",
    "EvaluationRun",
    "Measure",
    "ModelResult",
    "PairedRow",
    "TukeyRow",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A figure of merit with its 95 % interval."""

    value: float
    ci95: tuple[float, float]


@dataclass(frozen=True, eq=False)
class ModelResult:
    """One model on one data set.

    Attributes:
        name: "moe", "mean", or the expert's name.
        scores: float64 (n,), logits, both strands averaged.
        auroc: with DeLong's interval.
        auprc, brier, ece: with the percentile interval of the bootstrap.
        ece_floor: the ECE that a perfectly calibrated model with these probabilities would show by chance.
        bootstrap_auroc: float64 (trials,), one value a resample.
        roc_fpr, roc_tpr: float64 (points,), the ROC curve's corners.
        alpha: mean alpha over the bound rows, by expert; empty for anything but the mixture.
    """

    name: str
    scores: Floats
    auroc: Measure
    auprc: Measure
    brier: Measure
    ece: Measure
    ece_floor: float
    bootstrap_auroc: Floats
    roc_fpr: Floats
    roc_tpr: Floats
    alpha: Mapping[str, float] = field(default_factory=dict)

    @property
    def bootstrap_mean(self) -> float:
        """Mean of the resamples' AUROCs."""
        return float(self.bootstrap_auroc.mean())

    @property
    def bootstrap_sd(self) -> float:
        """Their standard deviation (n - 1)."""
        return float(self.bootstrap_auroc.std(ddof=1))

    @property
    def bootstrap_ci95(self) -> tuple[float, float]:
        """Their 2.5 % and 97.5 % percentiles."""
        low, high = np.percentile(self.bootstrap_auroc, [2.5, 97.5])
        return float(low), float(high)


@dataclass(frozen=True)
class Anova:
    """One-way analysis of variance over the models' bootstrap AUROCs."""

    F: float
    p: float
    eta2: float
    omega2: float
    df_between: int
    df_within: int


@dataclass(frozen=True)
class TukeyRow:
    """Tukey's honestly significant difference, mean of `a` minus mean of `b`, with the simultaneous interval."""

    a: str
    b: str
    difference: float
    ci95: tuple[float, float]
    p: float


@dataclass(frozen=True)
class DeLongRow:
    """DeLong's test of AUROC(a) - AUROC(b) on the same rows; `p_holm` is corrected for all pairs of the data set."""

    a: str
    b: str
    difference: float
    ci95: tuple[float, float]
    z: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class PairedRow:
    """The paired bootstrap's AUROC(a) - AUROC(b): percentile interval, two-sided p, and p corrected by Holm."""

    a: str
    b: str
    difference: float
    ci95: tuple[float, float]
    p: float
    p_holm: float


@dataclass(frozen=True, eq=False)
class DatasetResult:
    """All models on one data set.

    Attributes:
        name: the file's stem.
        file: name, sha256 and rows of the file, as plain values.
        negatives: "given" (the file's own) or "other-tfs".
        labels: int8 (n,).
        sequence_digest: sha256 of the sequences that were scored.
        resample_seeds: uint64 (trials,), the seed of each resample.
        models: in the order they were asked for.
        anova: None with a single model.
        tukey: None where it was not asked for or there are too many models for all pairs.
        delong, paired: one row a pair of models; with very many models, each against the first only.
    """

    name: str
    file: Mapping[str, Any]
    negatives: str
    labels: NDArray[np.int8]
    sequence_digest: str
    resample_seeds: NDArray[np.uint64]
    models: tuple[ModelResult, ...]
    anova: Anova | None
    tukey: tuple[TukeyRow, ...] | None
    delong: tuple[DeLongRow, ...]
    paired: tuple[PairedRow, ...]

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.labels)

    @property
    def positives(self) -> int:
        """Rows that are bound."""
        return int(self.labels.sum())


@dataclass(frozen=True, eq=False)
class EvaluationRun:
    """A finished run.

    Attributes:
        run: its id, made from everything below but the results: the same question has the same id.
        seed, trials: of the bootstrap.
        command: the arguments that ask the same question again, without the program's name.
        models: each model's card as plain values ({} for "mean"), with `weights_sha256`, by name, in order.
        versions: of tfbs_hub, python, numpy, scipy, torch, h5py.
        datasets: in the order they were given.
    """

    run: str
    seed: int
    trials: int
    command: tuple[str, ...]
    models: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    datasets: tuple[DatasetResult, ...]
