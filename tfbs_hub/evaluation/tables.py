"""Results as arrays with named columns, a row for each model, pair or share, and back; for `store` alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.evaluation.results import Anova, DeLongRow, Measure, ModelResult, PairedRow, TukeyRow

__all__ = [
    "ALPHA",
    "ANOVA",
    "DELONG",
    "MEASURES",
    "PAIRED",
    "TUKEY",
    "Columns",
    "Pair",
    "alpha_rows",
    "alphas_of",
    "anova_of",
    "anova_rows",
    "decoded",
    "encoded",
    "key_of",
    "measure_rows",
    "measures_of",
    "pair_rows",
    "pairs_of",
    "table",
]

Pair = TypeVar("Pair", TukeyRow, DeLongRow, PairedRow)


class Columns(NamedTuple):
    """A table's columns: first names (UTF-8 of fixed length), then float64, then int64."""

    names: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()

    def fit(self, kind: np.dtype[Any]) -> bool:
        """Whether an array of this dtype is such a table."""
        expected = [(name, "S") for name in self.names]
        expected += [(name, "<f8") for name in self.floats] + [(name, "<i8") for name in self.whole]
        found = [(name, kind[name].str if kind[name].kind != "S" else "S") for name in kind.names or ()]
        return found == expected


_FIGURES: Final = ("auroc", "auprc", "brier", "ece")
MEASURES: Final = Columns(
    ("model",), (*(f"{figure}{part}" for figure in _FIGURES for part in ("", "_low", "_high")), "ece_floor")
)
ALPHA: Final = Columns(("model", "expert"), ("alpha",))
ANOVA: Final = Columns((), ("F", "p", "eta2", "omega2"), ("df_between", "df_within"))
TUKEY: Final = Columns(("a", "b"), ("difference", "low", "high", "p"))
DELONG: Final = Columns(("a", "b"), ("difference", "low", "high", "z", "p", "p_holm"))
PAIRED: Final = Columns(("a", "b"), ("difference", "low", "high", "p", "p_holm"))

_AS_THEY_ARE: Final = " !#$&'()*+,-:;<=>?@[]^_`{|}~"


def encoded(name: str) -> bytes:
    """A name's bytes; raises `InputError` for one that is empty or holds a zero byte."""
    if not name or "\0" in name:
        raise InputError(f"{name!r} cannot be the name of a model or a data set")
    return name.encode("utf-8", "surrogateescape")


def decoded(name: bytes) -> str:
    """The inverse of `encoded`: a file's name need not be valid UTF-8, and comes back all the same."""
    return name.decode("utf-8", "surrogateescape")


def key_of(name: str) -> str:
    """What a group is called after `name`: in ASCII, and as in a URL where HDF5 could not hold it."""
    encoded(name)
    key = quote(name, safe=_AS_THEY_ARE, errors="surrogateescape")
    # A dot alone means the group itself.
    return key if key.strip(".") else key.replace(".", "%2E")


def table(columns: Columns, rows: Iterable[Sequence[Any]]) -> NDArray[Any]:
    """Rows, each in the order of the columns, as an array (rows,); names are as wide as the longest of a column."""
    count = len(columns.names)
    cells = [(*map(encoded, row[:count]), *row[count:]) for row in rows]
    widths = [max((len(row[place]) for row in cells), default=1) for place in range(count)]
    kinds = [(name, f"S{width}") for name, width in zip(columns.names, widths, strict=True)]
    kinds += [(name, "<f8") for name in columns.floats] + [(name, "<i8") for name in columns.whole]
    return np.array(cells, np.dtype(kinds))


def measure_rows(models: Iterable[ModelResult]) -> list[tuple[Any, ...]]:
    """One row a model, as `MEASURES`."""
    rows: list[tuple[Any, ...]] = []
    for model in models:
        measures: list[Measure] = [getattr(model, figure) for figure in _FIGURES]
        cells = [cell for measure in measures for cell in (measure.value, *measure.ci95)]
        rows.append((model.name, *cells, model.ece_floor))
    return rows


def measures_of(rows: NDArray[Any]) -> dict[str, dict[str, Any]]:
    """The keyword arguments of each `ModelResult` that `measure_rows` speaks of, by name, in order."""
    return {
        decoded(row["model"]): {
            figure: Measure(float(row[figure]), (float(row[f"{figure}_low"]), float(row[f"{figure}_high"])))
            for figure in _FIGURES
        }
        | {"ece_floor": float(row["ece_floor"])}
        for row in rows
    }


def alpha_rows(models: Iterable[ModelResult]) -> list[tuple[str, str, float]]:
    """One row a model and expert, as `ALPHA`."""
    return [(model.name, expert, share) for model in models for expert, share in model.alpha.items()]


def alphas_of(rows: NDArray[Any]) -> dict[str, dict[str, float]]:
    """Shares by model and expert."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(decoded(row["model"]), {})[decoded(row["expert"])] = float(row["alpha"])
    return found


def anova_rows(anova: Anova) -> list[tuple[float | int, ...]]:
    """The one row of `ANOVA`."""
    return [(anova.F, anova.p, anova.eta2, anova.omega2, anova.df_between, anova.df_within)]


def anova_of(rows: NDArray[Any]) -> Anova:
    """The inverse of `anova_rows`."""
    return Anova(**{name: rows[name][0].item() for name in (*ANOVA.floats, *ANOVA.whole)})


def pair_rows(columns: Columns, pairs: Iterable[TukeyRow | DeLongRow | PairedRow]) -> list[tuple[Any, ...]]:
    """One row a pair, as `TUKEY`, `DELONG` or `PAIRED`."""
    rows: list[tuple[Any, ...]] = []
    for pair in pairs:
        cells = vars(pair) | {"low": pair.ci95[0], "high": pair.ci95[1]}
        rows.append(tuple(cells[name] for name in (*columns.names, *columns.floats)))
    return rows


def pairs_of(kind: type[Pair], columns: Columns, rows: NDArray[Any]) -> tuple[Pair, ...]:
    """The inverse of `pair_rows`."""
    pairs: list[Pair] = []
    for row in rows:
        cells: dict[str, Any] = {name: float(row[name]) for name in columns.floats}
        ends = cells.pop("low"), cells.pop("high")
        pairs.append(kind(a=decoded(row["a"]), b=decoded(row["b"]), ci95=ends, **cells))
    return tuple(pairs)
