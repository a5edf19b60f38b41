"""How well models tell bound sequences from unbound ones, file by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.evaluation.delong import auroc_interval
from tfbs_hub.metrics import auprc, brier, ece
from tfbs_hub.names import data_name
from tfbs_hub.prediction import strand_windows
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.readers import load
from tfbs_hub.workflows.ambiguous import report_ambiguous
from tfbs_hub.workflows.models import Model, held
from tfbs_hub.workflows.predict import sigmoid

__all__ = ["DatasetResult", "Evaluation", "ModelResult", "evaluate", "read_datasets"]


@dataclass(frozen=True)
class ModelResult:
    """One model on one data set; `ci95` is DeLong's interval of the AUROC."""

    name: str
    auroc: float
    ci95: tuple[float, float]
    auprc: float
    brier: float
    ece: float


@dataclass(frozen=True)
class DatasetResult:
    """All models on one data set: its name, number of sequences, and how many of them are bound."""

    name: str
    n: int
    positives: int
    models: tuple[ModelResult, ...]


@dataclass(frozen=True)
class Evaluation:
    """All models on all data sets."""

    datasets: tuple[DatasetResult, ...]


def evaluate(
    models: Sequence[Model],
    datasets: Sequence[tuple[str, SequenceDataset]],
    *,
    device: torch.device,
    report: Report = silent,
) -> Evaluation:
    """Score every data set with every model, both strands averaged.

    Raises:
        InputError: a data set has no labels or only one class, or its sequences are longer than a window.
    """
    results: list[DatasetResult] = []
    total = len(models) * len(datasets)
    with held(models, device):
        for name, data in datasets:
            labels = _checked(name, data)
            report_ambiguous(data, f"reading {name}", report)
            rows: list[ModelResult] = []
            for model in models:
                report(Event("evaluating", len(results) * len(models) + len(rows), total, f"{name}: {model.name}"))
                rows.append(_result(model, data, labels, device))
            results.append(DatasetResult(name, len(data), int(labels.sum()), tuple(rows)))
    report(Event("evaluating", total, total))
    return Evaluation(tuple(results))


def read_datasets(files: Sequence[str | Path]) -> list[tuple[str, SequenceDataset]]:
    """Labelled files as data sets, each named by its file's stem; raises `UsageError` if two share one."""
    named: dict[str, SequenceDataset] = {}
    for file in files:
        stem = data_name(file)
        if stem in named:
            raise UsageError(f"two files are called {stem}", where=str(file), hint="rename one of them")
        named[stem] = load(file)
    return list(named.items())


def _checked(name: str, data: SequenceDataset) -> NDArray[np.int8]:
    hint = "a FASTA file labels negatives by ids that end in _shuf; a .seq.gz file has a column Bound"
    if data.labels is None:
        raise InputError("these sequences carry no labels", where=name, hint=hint)
    if len(np.unique(data.labels)) < 2:
        raise InputError("an AUROC needs bound and unbound sequences; here is one kind only", where=name, hint=hint)
    return data.labels


def _result(model: Model, data: SequenceDataset, labels: NDArray[np.int8], device: torch.device) -> ModelResult:
    if data.length > model.window:
        raise InputError(
            f"sequences of {data.length} bp are longer than the {model.window} bp window of {model.name}",
            hint="cut them to the window around the summit first",
        )
    logit = model.score(strand_windows(data.codes, model.window, symmetric=model.symmetric), device).logit
    probability = sigmoid(logit)
    value, low, high = auroc_interval(labels, logit)
    return ModelResult(
        name=model.name,
        auroc=value,
        ci95=(low, high),
        auprc=auprc(labels, logit),
        brier=brier(labels, probability),
        ece=ece(labels, probability),
    )
