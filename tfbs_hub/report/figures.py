"""The figures of a run, each a function from the run to a matplotlib figure, and `save_figures`.

matplotlib is imported when the first figure is drawn; no global state of it is touched (no pyplot).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from io import BytesIO
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from warnings import catch_warnings, filterwarnings

import numpy as np

from tfbs_hub.evaluation.results import DatasetResult, EvaluationRun, ModelResult
from tfbs_hub.files import write_whole
from tfbs_hub.report.panels import Panel, calibration_panel, handle, roc_panel
from tfbs_hub.report.style import BLUE, GRID, INK, MUTED, PAPER, WHITE, Look, drawn_models, looks, place, sheet, styled
from tfbs_hub.report.text import aliases, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FIGURES",
    "auroc_intervals",
    "calibration",
    "dots_per_inch",
    "gate_weights",
    "interval_boxes",
    "one_panel",
    "roc_curves",
    "save_figures",
    "to_bytes",
]

_LETTER = 0.068
"""Width of a letter of the labels, in inches, on the safe side."""
_NAME = 24
"""Letters of a name in a figure; tables show all of it."""
_MOST_PIXELS = 16_000
"""Of either side of a PNG: beyond that, viewers and memory give up."""

F = TypeVar("F", bound=Callable[..., Any])


def _in_style(draw: F) -> F:
    @wraps(draw)
    def drawn(*args: Any, **options: Any) -> Any:
        with styled():
            return draw(*args, **options)

    return drawn  # type: ignore[return-value]  # wraps() keeps the signature


@_in_style
def roc_curves(run: EvaluationRun) -> Figure:
    """ROC curves, one panel a data set."""
    return _panels(run, roc_panel)


@_in_style
def calibration(run: EvaluationRun) -> Figure:
    """Share of bound rows against mean probability in ten bins of equal size, one panel a data set."""
    return _panels(run, calibration_panel)


@_in_style
def one_panel(run: EvaluationRun, dataset: DatasetResult, panel: Panel) -> Figure:
    """A single data set's panel, for a page that lays them out itself."""
    figure = sheet(2.9, 2.9)
    axes = place(figure, 0.44, 0.26, 2.36, 2.22)
    panel(axes, dataset, looks(drawn_models(run)))
    axes.set_title(shortened(_names(run)[dataset.name], 30))
    return figure


@_in_style
def auroc_intervals(run: EvaluationRun, *, legend: bool = True) -> Figure:
    """AUROC and DeLong's 95% interval of every model, by data set, to scale.

    Dots rather than bars: a bar's length says something only if its axis begins at 0, where no AUROC is.
    """

    def draw(axes: Axes, model: ModelResult, look: Look, row: float) -> None:
        axes.plot(model.auroc.ci95, [row, row], color=look.color, linewidth=1.4, solid_capstyle="round", zorder=2)
        axes.plot(
            [model.auroc.value],
            [row],
            marker=look.marker,
            markersize=5 if look.marker == "o" else 4.4,
            markerfacecolor=look.color,
            markeredgecolor=PAPER,
            markeredgewidth=0.5,
            linestyle="",
            zorder=3,
        )

    lowest = min(model.auroc.ci95[0] for dataset in run.datasets for model in dataset.models)
    return _by_dataset(run, draw, lowest, "AUROC with DeLong's 95% interval", legend=legend)


@_in_style
def interval_boxes(run: EvaluationRun, *, legend: bool = True) -> Figure:
    """The 95% interval of each model's bootstrap AUROCs as a box, their mean as a line, by data set."""

    def draw(axes: Axes, model: ModelResult, look: Look, row: float) -> None:
        low, high = model.bootstrap_ci95
        axes.barh([row], [high - low], left=low, height=0.72, color=look.color, alpha=0.4, zorder=2)
        axes.barh([row], [high - low], left=low, height=0.72, fill=False, edgecolor=look.color, linewidth=0.7, zorder=3)
        axes.plot([model.bootstrap_mean] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=1.2, zorder=4)

    lowest = min(model.bootstrap_ci95[0] for dataset in run.datasets for model in dataset.models)
    return _by_dataset(run, draw, lowest, f"AUROC: 95% of {run.trials:,} resamples, and their mean", legend=legend)


@_in_style
def gate_weights(run: EvaluationRun) -> Figure | None:
    """Mean gate weight of each expert on each data set's bound rows; None where no mixture was evaluated."""
    names = _names(run)
    rows = {names[data.name]: model.alpha for data in run.datasets for model in data.models if model.alpha}
    if not rows:
        return None
    kept = set(drawn_models(run))
    experts = list(dict.fromkeys(name for alpha in rows.values() for name in alpha))
    if len(experts) > len(kept):
        experts = [name for name in experts if name in kept] or experts[: len(kept)]
    columns = [shortened(name, _NAME) for name in experts]
    longest = max(map(len, columns))
    cell, row, left, slanted = 0.62, 0.27, _label_width(list(rows)), longest > 8
    top = 0.12 + (longest * _LETTER * 0.72 if slanted else 0.16)
    right = 0.12 + (longest * _LETTER * 0.7 if slanted else 0.1)
    figure = sheet(left + cell * len(experts) + right, top + row * len(rows) + 0.1)
    axes = place(figure, left, top, cell * len(experts), row * len(rows))
    for down, alpha in enumerate(rows.values()):
        for across, name in enumerate(experts):
            _cell(axes, across, down, alpha.get(name, 0.0))
    axes.set(xlim=(-0.5, len(experts) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.xaxis.tick_top()
    lean: dict[str, Any] = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(range(len(experts)), columns, **lean)
    axes.set_yticks(range(len(rows)), [shortened(name, _NAME) for name in rows])
    _bare(axes)
    return figure


FIGURES: Mapping[str, Callable[[EvaluationRun], Figure | None]] = {
    "roc": roc_curves,
    "auroc": auroc_intervals,
    "bootstrap": interval_boxes,
    "gate": gate_weights,
    "calibration": calibration,
}
"""Every figure by the name of its files."""


def save_figures(run: EvaluationRun, folder: Path) -> list[Path]:
    """Write every figure of a run as SVG and PNG into a folder (made if missing); the same run gives the same bytes.

    Raises:
        StorageError: a file cannot be written; each one is there whole or not at all.
    """
    written: list[Path] = []
    for name, draw in FIGURES.items():
        figure = draw(run)
        if figure is None:
            continue
        for kind in ("svg", "png"):
            path = folder / f"{name}.{kind}"
            write_whole(path, to_bytes(figure, kind))
            written.append(path)
    return written


def dots_per_inch(figure: Figure) -> int:
    """Of a PNG: 200, less if the figure is huge."""
    return int(min(200, _MOST_PIXELS // max(figure.get_size_inches())))


def to_bytes(figure: Figure, kind: str) -> bytes:
    """A figure as "svg" or "png"."""
    buffer = BytesIO()
    with styled(), catch_warnings():
        # A name may use a script that the font of the PNG lacks; the SVG shows it all the same.
        filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=dots_per_inch(figure), metadata=metadata)
    return buffer.getvalue()


def _panels(run: EvaluationRun, panel: Panel) -> Figure:
    look, names = looks(drawn_models(run)), _names(run)
    columns = min(3 if len(run.datasets) < 10 else 4, len(run.datasets))
    rows = ceil(len(run.datasets) / columns)
    step, size, margin = 2.5, 2.06, 0.5
    width = margin + step * columns
    lines = _legend_lines(look, width)
    top = 0.2 + 0.2 * lines
    figure = sheet(width, top + rows * step + 0.25)
    for number, dataset in enumerate(run.datasets):
        down, across = divmod(number, columns)
        axes = place(figure, margin + across * step, top + 0.2 + down * step, size, size)
        panel(axes, dataset, look)
        axes.set_title(shortened(names[dataset.name], _NAME))
        if across:
            axes.set_ylabel("")
        if number + columns < len(run.datasets):
            axes.set_xlabel("")
    _legend(figure, look, lines)
    return figure


def _by_dataset(
    run: EvaluationRun,
    draw: Callable[[Axes, ModelResult, Look, float], None],
    lowest: float,
    label: str,
    *,
    legend: bool,
) -> Figure:
    """Data sets from the top down, in each its models, every one on a row of its own; AUROC to the right."""
    look = looks(drawn_models(run))
    gap, pitch = 1.6, 0.115 if len(look) <= 8 else 0.09
    group = len(look) + gap
    names = list(_names(run).values())
    left, across = _label_width(names), 3.5
    lines = _legend_lines(look, left + across) if legend else 0
    top = 0.08 + 0.2 * lines
    height = group * len(run.datasets) * pitch
    figure = sheet(left + across + 0.2, top + height + 0.45)
    axes = place(figure, left, top, across, height)
    for number, dataset in enumerate(run.datasets):
        if number % 2 == 0:
            axes.axhspan(number * group, (number + 1) * group, color=GRID, alpha=0.4, linewidth=0, zorder=0)
        shown = [model for model in dataset.models if model.name in look]
        for down, model in enumerate(shown):
            draw(axes, model, look[model.name], number * group + (gap + 1) / 2 + down)
    # Guessing is at 0.5; the axis goes lower only if a model does.
    start = min(0.5, floor(lowest * 10) / 10)
    axes.set(xlim=(start, 1.0), ylim=(group * len(run.datasets), 0), xlabel=label)
    axes.set_xticks(np.arange(round(start * 10), 11) / 10)
    axes.set_yticks(
        [(number + 0.5) * group for number in range(len(run.datasets))],
        [shortened(name, _NAME) for name in names],
    )
    axes.grid(axis="x", zorder=1)
    _bare(axes)
    if legend:
        _legend(figure, look, lines)
    return figure


def _cell(axes: Axes, across: int, down: int, weight: float) -> None:
    # Blue over whatever is behind it: the same drawing serves a light and a dark page.
    axes.barh([down], [0.94], left=across - 0.47, height=0.88, color=BLUE, alpha=0.06 + 0.94 * weight)
    axes.text(across, down, f"{weight:.2f}", ha="center", va="center", color=WHITE if weight > 0.7 else INK)


def _bare(axes: Axes) -> None:
    for side in ("top", "bottom", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelcolor=INK)
    axes.xaxis.label.set_color(MUTED)


def _names(run: EvaluationRun) -> dict[str, str]:
    return aliases([dataset.name for dataset in run.datasets])


def _label_width(names: list[str]) -> float:
    return 0.2 + _LETTER * max(min(len(name), _NAME) for name in names)


def _legend_columns(look: Mapping[str, Look], width: float) -> int:
    longest = max(min(len(name), _NAME) for name in look)
    return max(1, min(len(look), int(width / (0.5 + longest * _LETTER * 1.1))))


def _legend_lines(look: Mapping[str, Look], width: float) -> int:
    return ceil(len(look) / _legend_columns(look, width))


def _legend(figure: Figure, look: Mapping[str, Look], lines: int) -> None:
    width, height = figure.get_size_inches()
    figure.legend(
        [handle(style) for style in look.values()],
        [shortened(name, _NAME) for name in look],
        ncols=ceil(len(look) / lines),
        loc="upper left",
        bbox_to_anchor=(0.05 / width, 1 - 0.03 / height),
        borderaxespad=0,
        borderpad=0.2,
        handlelength=2,
        handletextpad=0.5,
        columnspacing=1.2,
    )
