"""What is drawn on one pair of axes: a data set's ROC curves, its calibration; and the legend of the models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tfbs_hub.evaluation.results import DatasetResult, ModelResult
from tfbs_hub.report.style import GRID, INK, MUTED, PAPER, Look
from tfbs_hub.report.text import decimal, shortened
from tfbs_hub.report.words import ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["BINS", "Panel", "calibration_panel", "handle", "reliability", "roc_panel"]

BINS = 10
_NAMED = 6
"""So many models fit into a panel's own legend."""

Panel = Callable[["Axes", DatasetResult, Mapping[str, Look]], None]


def roc_panel(axes: Axes, dataset: DatasetResult, look: Mapping[str, Look]) -> None:
    """ROC curves of a data set, with the AUROCs beside the names where there is room."""
    _square(axes, "False positive rate", "True positive rate")
    for model in _drawn(dataset, look):
        axes.plot(model.roc_fpr, model.roc_tpr, **look[model.name].line)
    if len(look) <= _NAMED:
        order = [model for model in ranked(dataset) if model.name in look]
        axes.legend(
            [handle(look[model.name], marker=False) for model in order],
            [f"{decimal(model.auroc.value)}  {shortened(model.name, 14)}" for model in order],
            loc="lower right",
            fontsize=7,
            borderaxespad=0.2,
            handlelength=1.5,
            handletextpad=0.5,
            labelspacing=0.25,
        )


def calibration_panel(axes: Axes, dataset: DatasetResult, look: Mapping[str, Look]) -> None:
    """Share of bound rows against mean probability in bins of equal size; on the diagonal, probabilities are honest."""
    _square(axes, "Mean probability", "Share bound")
    for model in _drawn(dataset, look):
        style = look[model.name]
        stated, observed = reliability(dataset.labels, model.scores)
        axes.plot(
            stated,
            observed,
            marker=style.marker,
            markersize=3.4,
            markeredgecolor=PAPER,
            markeredgewidth=0.4,
            **{**style.line, "linewidth": 0.75 * style.width},
        )


def reliability(
    labels: ArrayLike, logits: ArrayLike, bins: int = BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean probability and share of bound rows, each (bins,), in the equal-mass bins of `tfbs_hub.metrics.ece`.

    Args:
        labels: (n,) 0 or 1.
        logits: (n,) whose sigmoid is the probability of being bound.
        bins: no more than rows are used.
    """
    truth = np.asarray(labels, np.float64)
    # The sigmoid without overflow.
    chances = 0.5 * (1 + np.tanh(np.asarray(logits, np.float64) / 2))
    values, run = np.unique(chances, return_inverse=True)
    # Rows of equal probability share their labels evenly, wherever a bin ends among them.
    shared = np.bincount(run, truth) / np.bincount(run)
    order = np.sort(run)
    parts = np.array_split(np.arange(len(truth)), min(bins, len(truth)))
    stated = [float(values[order[part]].mean()) for part in parts]
    observed = [float(shared[order[part]].mean()) for part in parts]
    return np.array(stated), np.array(observed)


def handle(look: Look, *, marker: bool = True) -> Line2D:
    """A model's line and marker for a legend."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - slow to import; only figures need it

    mark = {"marker": look.marker, "markersize": 5, "markeredgewidth": 0} if marker else {}
    return Line2D([], [], **{**look.line, **mark})


def _drawn(dataset: DatasetResult, look: Mapping[str, Look]) -> list[ModelResult]:
    return [model for model in dataset.models if model.name in look]


def _square(axes: Axes, across: str, up: str) -> None:
    ticks = [0, 0.5, 1]
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=across, ylabel=up)
    axes.set_xticks(ticks, ["0", "0.5", "1"])
    axes.set_yticks(ticks, ["0", "0.5", "1"])
    axes.grid(color=GRID)
    axes.tick_params(labelcolor=INK)
