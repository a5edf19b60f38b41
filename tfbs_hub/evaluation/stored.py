"""From what an evaluation's file holds to the results it stands for; for `store` alone.

A file may come from anywhere: whatever is missing or does not fit is one `IntegrityError` that names the place.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import IntegrityError
from tfbs_hub.evaluation.results import Anova, DatasetResult, DeLongRow, EvaluationRun, ModelResult, PairedRow, TukeyRow
from tfbs_hub.evaluation.tables import (
    ALPHA,
    ANOVA,
    DELONG,
    MEASURES,
    PAIRED,
    TUKEY,
    Columns,
    Pair,
    alphas_of,
    anova_of,
    decoded,
    key_of,
    measures_of,
    pairs_of,
)
from tfbs_hub.sequences.hdf5_tree import Tree

__all__ = ["ARRAYS", "run_of", "single_of"]

ARRAYS: Final = ("scores", "bootstrap_auroc", "roc_fpr", "roc_tpr")
"""What is kept of a model as an array of float64."""

Array = NDArray[Any]
V = TypeVar("V")


def run_of(tree: Tree, where: str) -> EvaluationRun:
    """A whole run; raises `IntegrityError`."""
    root = _Place(tree, where)
    cards = root.inside("models")
    run = EvaluationRun(
        run=root.text("run"),
        seed=root.attribute("seed", int),
        trials=root.attribute("trials", int),
        command=tuple(root.names("command")),
        models={name: cards.card(name) for name in root.names("models")},
        versions=root.json("versions", dict),
        datasets=_datasets(root),
    )
    for result in run.datasets:
        if len(result.resample_seeds) != run.trials:
            raise root.odd(f"{result.name} has {len(result.resample_seeds)} resamples, not {run.trials}")
    return run


def single_of(tree: Tree, where: str) -> DatasetResult:
    """The only data set of a file; raises `IntegrityError`."""
    root = _Place(tree, where)
    results = _datasets(root)
    if len(results) != 1:
        raise root.odd(f"one data set was expected, not {len(results)}")
    return results[0]


class _Place:
    """A group of the file, and what it is expected to hold."""

    def __init__(self, tree: Tree, where: str) -> None:
        self._tree = tree
        self._where = where

    def odd(self, what: str) -> IntegrityError:
        """The error that says so of this group."""
        return IntegrityError(what, where=self._where)

    def inside(self, name: str) -> _Place:
        """A group in this one; an empty one if there is none, for then something that it should hold is missing."""
        return _Place(self._tree.groups.get(name, Tree()), f"{self._where}/{name}")

    def attribute(self, name: str, kind: type[V]) -> V:
        value = self._tree.attributes.get(name)
        if not isinstance(value, kind):
            raise self.odd(f"the attribute {name} is missing or of the wrong kind")
        return value

    def text(self, name: str) -> str:
        return decoded(self.attribute(name, bytes))

    def json(self, name: str, kind: type[V]) -> V:
        return self._parsed(self.attribute(name, bytes), name, kind)

    def names(self, name: str) -> list[str]:
        found = self.json(name, list)
        if not all(isinstance(each, str) and each and "\0" not in each for each in found):
            raise self.odd(f"the attribute {name} is no list of names")
        return found

    def card(self, name: str) -> dict[str, Any]:
        return self._parsed(self.array(key_of(name), "|u1").tobytes(), name, dict)

    def array(self, name: str, kind: str, rows: int | None = None) -> Array:
        """An array (rows,) of the dtype that `kind` names; numbers with a fraction are finite."""
        found = self._array(name)
        if found.dtype.str != kind or found.ndim != 1 or (rows is not None and len(found) != rows):
            raise self.odd(f"{name} is {found.dtype} {found.shape}")
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            raise self.odd(f"{name} holds numbers that are not finite")
        return found

    def table(self, name: str, columns: Columns, *, infinite: bool = False) -> Array:
        """A table; its numbers are finite, unless some of them need not be."""
        found = self._array(name)
        if found.ndim != 1 or not columns.fit(found.dtype):
            raise self.odd(f"{name} is not a table of {', '.join((*columns.names, *columns.floats))}")
        if not infinite and not all(np.isfinite(found[column]).all() for column in columns.floats):
            raise self.odd(f"{name} holds numbers that are not finite")
        return found

    def has(self, name: str) -> bool:
        return name in self._tree.arrays

    def _array(self, name: str) -> Array:
        if name not in self._tree.arrays:
            raise self.odd(f"{name} is missing")
        return self._tree.arrays[name]

    def _parsed(self, data: bytes, name: str, kind: type[V]) -> V:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self.odd(f"{name} is not JSON: {error}") from error
        if not isinstance(value, kind):
            raise self.odd(f"{name} is JSON of the wrong kind")
        return value


def _datasets(root: _Place) -> tuple[DatasetResult, ...]:
    groups = root.inside("datasets")
    return tuple(_dataset(groups.inside(key_of(name))) for name in root.names("datasets"))


def _dataset(group: _Place) -> DatasetResult:
    labels = group.array("labels", "|i1")
    if not np.isin(labels, (0, 1)).all():
        raise group.odd("labels are 0 or 1")
    seeds = group.array("resample_seeds", "<u8")
    rows = group.table("measures", MEASURES)
    measures = measures_of(rows)
    if len(measures) != len(rows):
        raise group.odd("two models share a name")
    alphas = alphas_of(group.table("alpha", ALPHA))
    models = group.inside("models")
    return DatasetResult(
        name=group.text("name"),
        file=_file(group),
        negatives=group.text("negatives"),
        labels=labels,
        sequence_digest=decoded(group.array("sequence_digest", "|u1").tobytes()),
        resample_seeds=seeds,
        models=tuple(
            _model(name, models.inside(key_of(name)), figures, alphas.get(name, {}), len(labels), len(seeds))
            for name, figures in measures.items()
        ),
        anova=_anova(group),
        tukey=_pairs(group, "tukey", TukeyRow, TUKEY, measures) if group.has("tukey") else None,
        delong=_pairs(group, "delong", DeLongRow, DELONG, measures),
        paired=_pairs(group, "paired_difference", PairedRow, PAIRED, measures),
    )


def _file(group: _Place) -> dict[str, Any]:
    file = group.json("file", dict)
    for key, kind in (("name", str), ("sha256", str), ("rows", int)):
        if not isinstance(file.get(key), kind):
            raise group.odd(f"the attribute file says nothing of {key}")
    return file


def _anova(group: _Place) -> Anova | None:
    if not group.has("anova"):
        return None
    rows = group.table("anova", ANOVA, infinite=True)
    if len(rows) != 1:
        raise group.odd(f"anova has {len(rows)} rows")
    return anova_of(rows)


def _pairs(group: _Place, name: str, kind: type[Pair], columns: Columns, models: Collection[str]) -> tuple[Pair, ...]:
    pairs = pairs_of(kind, columns, group.table(name, columns, infinite=True))
    if not {model for pair in pairs for model in (pair.a, pair.b)} <= set(models):
        raise group.odd(f"{name} speaks of models that are not there")
    return pairs


def _model(
    name: str, group: _Place, figures: dict[str, Any], alpha: dict[str, float], rows: int, trials: int
) -> ModelResult:
    scores, bootstrap, fpr = (
        group.array(each, "<f8", count)
        for each, count in (("scores", rows), ("bootstrap_auroc", trials), ("roc_fpr", None))
    )
    tpr = group.array("roc_tpr", "<f8", len(fpr))
    return ModelResult(
        name=name, scores=scores, bootstrap_auroc=bootstrap, roc_fpr=fpr, roc_tpr=tpr, alpha=alpha, **figures
    )
