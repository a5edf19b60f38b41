"""How figures look: colours that colour-blind readers can tell apart, one look a model, sizes in inches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfbs_hub.evaluation.results import EvaluationRun
from tfbs_hub.report.words import mean_aurocs, model_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "GRID",
    "INK",
    "MOST_MODELS",
    "MUTED",
    "PAPER",
    "WHITE",
    "Look",
    "drawn_models",
    "looks",
    "place",
    "sheet",
    "styled",
]

INK, MUTED, GRID, PAPER = "#1d2126", "#5b6470", "#e1e4e8", "#ffffff"
WHITE = "#fefefe"
"""On dark blue, also where the paper is dark."""
# Okabe and Ito (2008), Color Universal Design, less yellow, which cannot be seen on white.
BLUE = "#0072b2"
_BLACK = INK
_EXPERTS = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
_DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.6), (1.2, 1.4), (5, 1.4, 1.2, 1.4))
_MARKERS = ("s", "^", "D", "v", ">", "X")

MOST_MODELS = 20
"""A figure shows no more models than can be told apart; tables hold all."""


@dataclass(frozen=True)
class Look:
    """How one model is drawn in every figure: colour, dashes (in line widths), marker, line width (pt), order."""

    color: str
    dashes: tuple[float, ...]
    marker: str
    width: float
    order: float

    @property
    def line(self) -> dict[str, Any]:
        """As matplotlib's options of a line."""
        style = (0, self.dashes) if self.dashes else "-"
        return {"color": self.color, "linestyle": style, "linewidth": self.width, "zorder": self.order}


def looks(names: Sequence[str]) -> dict[str, Look]:
    """The mixture is blue and boldest, the plain mean is black and dotted, experts share five colours.

    Colours and markers together are unique for 30 experts, colours and dashes for 20.
    """
    found: dict[str, Look] = {}
    for number, name in enumerate(name for name in names if name not in {"moe", "mean"}):
        turn, hue = divmod(number, len(_EXPERTS))
        found[name] = Look(
            _EXPERTS[hue],
            _DASHES[turn % len(_DASHES)],
            _MARKERS[(hue + turn) % len(_MARKERS)],
            1.3,
            3,
        )
    found["moe"] = Look(BLUE, (), "o", 2.0, 5)
    found["mean"] = Look(_BLACK, (1.2, 1.4), "d", 1.3, 4)
    return {name: found[name] for name in names}


def drawn_models(run: EvaluationRun) -> list[str]:
    """The models that figures show: all, or the mixture, the mean and the highest mean AUROCs, in the run's order."""
    names = model_names(run)
    if len(names) <= MOST_MODELS:
        return names
    means = mean_aurocs(run)
    kept = sorted(names, key=lambda name: (name not in {"moe", "mean"}, -means[name]))[:MOST_MODELS]
    return [name for name in names if name in kept]


@contextmanager
def styled() -> Iterator[None]:
    """The look of all figures, whatever the user's own matplotlib settings; those are back afterwards.

    Names from data are never read as mathematics, and the same figure gives the same SVG, byte for byte, with real
    text: it can be searched and read aloud, and takes the fonts of the page around it.
    """
    import matplotlib as mpl  # noqa: PLC0415 - slow to import; only figures need it

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.size": 8,
                "text.color": INK,
                "text.parse_math": False,
                "axes.edgecolor": MUTED,
                "axes.labelcolor": MUTED,
                "axes.linewidth": 0.6,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.titlesize": 8.5,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "axes.titlepad": 5,
                "axes.axisbelow": True,
                "grid.color": GRID,
                "grid.linewidth": 0.6,
                "xtick.color": MUTED,
                "ytick.color": MUTED,
                "xtick.major.width": 0.6,
                "ytick.major.width": 0.6,
                "xtick.major.size": 2.5,
                "ytick.major.size": 2.5,
                "xtick.labelsize": 7.5,
                "ytick.labelsize": 7.5,
                "legend.frameon": False,
                "legend.fontsize": 8,
                "svg.fonttype": "none",
                "svg.hashsalt": "tfbs-hub",
            }
        )
        yield


def sheet(width: float, height: float) -> Figure:
    """An empty figure, white, its size in inches."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width, height), facecolor=PAPER)


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in inches from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
