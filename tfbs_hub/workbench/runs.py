"""Finished evaluations as plain values, with everything that is said about them; and their reports.

They are read here rather than in the interface's own process: a file may be damaged or made to do harm.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.evaluation.results import (
    Anova,
    DatasetResult,
    DeLongRow,
    EvaluationRun,
    Measure,
    ModelResult,
    PairedRow,
    TukeyRow,
)
from tfbs_hub.evaluation.store import read_run
from tfbs_hub.files import write_whole
from tfbs_hub.report import words
from tfbs_hub.report.text import aliases, p_value
from tfbs_hub.workbench.messages import DataView, Exported, ModelView, PairView, RunView

__all__ = ["view", "write"]

_CORNERS: Final = 160
"""Points of a ROC curve that are sent; a terminal shows fewer."""


def view(path: Path) -> RunView:
    """A run, ready to be shown; errors as of `read_run`."""
    run = read_run(path)
    called = aliases([dataset.name for dataset in run.datasets])
    return RunView(
        run=run.run,
        path=str(path),
        trials=run.trials,
        seed=run.seed,
        models=words.model_names(run),
        summary=words.summary(run, called),
        caution=words.ANOVA_CAUTION,
        resolution=words.resolution(run.trials),
        command=list(run.command),
        means=sorted(words.mean_aurocs(run).items(), key=lambda item: -item[1]),
        datasets=[_dataset(run, dataset, called[dataset.name]) for dataset in run.datasets],
    )


def write(run: Path, path: Path) -> Exported:
    """Write the HTML report of a run."""
    from tfbs_hub.report.html import write_report  # noqa: PLC0415 - matplotlib is slow to import

    data = write_report(read_run(run)).encode()
    write_whole(path, data)
    return Exported(str(path), len(data))


def _dataset(run: EvaluationRun, dataset: DatasetResult, called: str) -> DataView:
    return DataView(
        name=dataset.name,
        called=called,
        rows=dataset.n,
        positives=dataset.positives,
        negatives=words.NEGATIVES.get(dataset.negatives, dataset.negatives),
        reading=words.reading(dataset, called),
        cautions=words.trained_on(run, dataset),
        models=[_model(model) for model in words.ranked(dataset)],
        anova=_anova(dataset.anova),
        delong=[_pair(row, row.p_holm) for row in dataset.delong],
        paired=[_pair(row, row.p_holm) for row in dataset.paired],
        tukey=[_pair(row, row.p) for row in dataset.tukey or ()],
    )


def _model(model: ModelResult) -> ModelView:
    return ModelView(
        name=model.name,
        auroc=_measure(model.auroc),
        auprc=_measure(model.auprc),
        brier=_measure(model.brier),
        ece=_measure(model.ece),
        ece_floor=model.ece_floor,
        bootstrap=(model.bootstrap_mean, model.bootstrap_sd),
        alpha=dict(model.alpha),
        roc=_thinned(model.roc_fpr, model.roc_tpr),
    )


def _measure(measure: Measure) -> tuple[float, float, float]:
    return measure.value, *measure.ci95


def _thinned(fpr: NDArray[np.float64], tpr: NDArray[np.float64]) -> list[tuple[float, float]]:
    places = np.unique(np.linspace(0, len(fpr) - 1, _CORNERS).round().astype(int))
    return [(float(fpr[place]), float(tpr[place])) for place in places]


def _pair(row: DeLongRow | PairedRow | TukeyRow, p: float) -> PairView:
    return PairView(row.a, row.b, row.difference, *row.ci95, p=p_value(p), clear=p < words.LEVEL)


def _anova(found: Anova | None) -> str:
    if found is None:
        return ""
    return (
        f"F({found.df_between}, {found.df_within}) = {found.F:.1f}, p {_equals(p_value(found.p))}; "
        f"eta² {found.eta2:.3f}, omega² {found.omega2:.3f}"
    )


def _equals(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"
