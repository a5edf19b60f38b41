"""Everything that is said of one data set: measures, intervals and tests of all models on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError, PluginError, UsageError
from tfbs_hub.evaluation.anova import MAX_TUKEY, one_way, tukey
from tfbs_hub.evaluation.bootstrap import Resampled, bootstrap_measures, resample_seeds
from tfbs_hub.evaluation.delong import auroc_interval
from tfbs_hub.evaluation.pairs import delong_rows, paired_rows
from tfbs_hub.evaluation.results import DatasetResult, Measure, ModelResult
from tfbs_hub.metrics import auprc, brier, calibration_floor, checked_classes, ece, roc_points
from tfbs_hub.seeding import derive

__all__ = ["compare"]

Floats = NDArray[np.float64]


def compare(
    name: str,
    file: Mapping[str, Any],
    negatives: str,
    labels: NDArray[np.int8],
    scores: Mapping[str, Floats],
    *,
    alpha: Mapping[str, Mapping[str, float]] | None = None,
    sequence_digest: str,
    trials: int = 30,
    seed: int = 0,
    all_pairs: bool = False,
) -> DatasetResult:
    """Measure all models on one data set and test whether they differ.

    Every model meets the same resamples. The same arguments give the same result to the last bit on one machine.

    Args:
        name: of the data set.
        file: name, sha256 and rows of its file, as plain values.
        negatives: "given" or "other-tfs".
        labels: (n,) 0 or 1, at least two of each.
        scores: logits (n,), by model; the first model is the one that others are compared with.
        alpha: by model, mean alpha over the bound rows by expert; nothing for what is no mixture.
        sequence_digest: sha256 of the sequences.
        trials: bootstrap resamples, at least 2.
        seed: of the resamples and of the calibration floor.
        all_pairs: compare all pairs of models, however many there are.

    Raises:
        InputError: no rows, one class only, or one row of a class.
        UsageError: no model, or fewer than 2 trials.
        PluginError: a model's scores are not one finite number a row.
    """
    truth = _checked_labels(name, labels)
    if not scores:
        raise UsageError("there is no model to evaluate")
    if trials < 2:
        raise UsageError(f"a bootstrap needs at least 2 resamples, not {trials}")
    logits = {model: _checked_scores(name, model, given, len(truth)) for model, given in scores.items()}
    chances = {model: np.exp(-np.logaddexp(0, -given)) for model, given in logits.items()}
    seeds = resample_seeds(seed, trials)
    resampled = bootstrap_measures(truth, logits, chances, seeds)
    floor_seed = derive(seed, "calibration floor")
    models = tuple(
        _measured(
            model, truth, logits[model], chances[model], resampled[model], (alpha or {}).get(model, {}), floor_seed
        )
        for model in logits
    )
    areas = {model: found.auroc for model, found in resampled.items()}
    table = np.stack(list(areas.values()))
    several = len(models) > 1
    return DatasetResult(
        name=name,
        file=dict(file),
        negatives=negatives,
        labels=truth.astype(np.int8),
        sequence_digest=sequence_digest,
        resample_seeds=seeds,
        models=models,
        anova=one_way(table) if several else None,
        tukey=tukey(list(areas), table) if several and (all_pairs or len(models) <= MAX_TUKEY) else None,
        delong=delong_rows(truth, logits, all_pairs=all_pairs),
        paired=paired_rows({model.name: model.auroc.value for model in models}, areas, all_pairs=all_pairs),
    )


def _checked_labels(name: str, labels: NDArray[np.int8]) -> NDArray[np.bool_]:
    try:
        truth = checked_classes(labels)
    except InputError as error:
        raise InputError(
            error.what, where=name if error.where is None else f"{name}: {error.where}", hint=error.hint
        ) from error
    bound = int(truth.sum())
    if min(bound, len(truth) - bound) < 2:
        raise InputError(
            f"an interval needs two rows of each class; here {bound} are bound and {len(truth) - bound} are not",
            where=name,
            hint="evaluate on more rows",
        )
    return truth


def _checked_scores(name: str, model: str, scores: Floats, rows: int) -> Floats:
    given = np.asarray(scores, np.float64)
    hint = f"the fault lies in the architecture of {model}: leave it out, or tell its author"
    if given.shape != (rows,):
        raise PluginError(
            f"{rows} sequences have as many scores, not {given.shape}", where=f"{model} on {name}", hint=hint
        )
    odd = np.flatnonzero(~np.isfinite(given))
    if odd.size:
        raise PluginError(
            f"{odd.size} of {rows} scores are not finite; the first is {given[odd[0]]}, of sequence {odd[0] + 1}",
            where=f"{model} on {name}",
            hint=hint,
        )
    return given


def _measured(
    model: str,
    truth: NDArray[np.bool_],
    logits: Floats,
    chances: Floats,
    resampled: Resampled,
    alpha: Mapping[str, float],
    floor_seed: int,
) -> ModelResult:
    value, low, high = auroc_interval(truth, logits)
    fpr, tpr = _corners(truth, *roc_points(truth, logits))
    return ModelResult(
        name=model,
        scores=logits,
        auroc=Measure(value, (low, high)),
        auprc=_measure(auprc(truth, logits), resampled.auprc),
        brier=_measure(brier(truth, chances), resampled.brier),
        ece=_measure(ece(truth, chances), resampled.ece),
        ece_floor=calibration_floor(chances, seed=floor_seed),
        bootstrap_auroc=resampled.auroc,
        roc_fpr=fpr,
        roc_tpr=tpr,
        alpha=dict(alpha),
    )


def _measure(value: float, resampled: Floats) -> Measure:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Measure(value, (float(low), float(high)))


def _corners(truth: NDArray[np.bool_], fpr: Floats, tpr: Floats) -> tuple[Floats, Floats]:
    """The points at which a ROC curve turns, and its ends: a few hundred of a thousand draw the same line."""
    bound = int(truth.sum())
    # Back to whole numbers, in which a straight line is straight.
    steps = [np.diff(np.rint(rates * rows), 2) for rates, rows in ((fpr, len(truth) - bound), (tpr, bound))]
    turns = np.concatenate([[True], np.any(steps, axis=0), [True]])
    return fpr[turns], tpr[turns]
