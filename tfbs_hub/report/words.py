"""What an evaluation says, in plain words: for the report, the terminal, and a reader who is no statistician.

Nothing here needs matplotlib or jinja2. Names from data are put into the sentences as they are: whoever shows a
sentence escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tfbs_hub.evaluation.results import DatasetResult, DeLongRow, EvaluationRun, ModelResult
from tfbs_hub.report.text import count, decimal, interval, p_value

__all__ = [
    "ANOVA_CAUTION",
    "GLOSSARY",
    "LEVEL",
    "NEGATIVES",
    "called",
    "delong_between",
    "mean_aurocs",
    "model_names",
    "p_value",
    "ranked",
    "reading",
    "resolution",
    "summary",
    "trained_on",
]

LEVEL = 0.05
"""A difference whose corrected p is below this is called beyond chance."""

ANOVA_CAUTION = (
    "Resamples of one test set are not independent repetitions of the experiment, and p shrinks with their number, "
    "however small the difference: ANOVA over resamples overstates certainty. Trust DeLong's test and the interval of "
    "the paired difference first."
)

NEGATIVES = {
    "given": "the file's own unbound sequences",
    "other-tfs": "bound sequences of the other files, less those that share a 32-mer with a bound one of its own",
}

GLOSSARY = (
    (
        "AUROC",
        "Take one bound and one unbound sequence at random: the AUROC (area under the receiver operating "
        "characteristic curve) is the chance that the model scores the bound one higher. 0.5 is guessing, 1 is "
        "perfect. Only the order of the scores counts, not their size.",
    ),
    (
        "95% interval",
        "The values that the data allow. If the test set were drawn anew again and again, about 95 in 100 such "
        "intervals would hold the true value. It covers the choice of test sequences alone; another training run or "
        "another cell line can change more.",
    ),
    (
        "DeLong's test",
        "Asks whether two models differ in AUROC on the same sequences. It works with the difference sequence by "
        "sequence, so two models can differ clearly although their intervals overlap. DeLong's method also gives the "
        "interval of each AUROC.",
    ),
    (
        "Bootstrap",
        "The test set is drawn again from itself, with replacement, many times, and every model is measured on the "
        "same resamples. How far the results spread shows how far a figure would move with another test set.",
    ),
    (
        "Paired difference",
        "One model's AUROC less the other's, on each resample. If the interval of these differences leaves out 0, the "
        "models differ beyond what the choice of sequences explains.",
    ),
    (
        "p and Holm's correction",
        "p is the chance of a difference at least this large between models that are equally good. Many comparisons "
        "give a few small p by chance alone; Holm's correction raises them so that the chance of even one false alarm "
        "among the pairs of a data set stays below 5%.",
    ),
    (
        "ANOVA, η² and ω²",
        "One-way analysis of variance asks whether at least one model's mean over the resamples differs from the rest. "
        "η² is the share of all variation that the choice of model explains; ω² is the same, corrected for chance. "
        + ANOVA_CAUTION,
    ),
    (
        "Tukey's test",
        "Follows ANOVA and compares every pair of models, with intervals that hold for all pairs at once "
        "(honestly significant difference). It inherits the caution about ANOVA.",
    ),
    (
        "AUPRC",
        "Average precision: how pure the list of best-scored sequences is, averaged over all its lengths. Guessing "
        "gives the share of bound sequences, so compare it only between sets with the same share.",
    ),
    (
        "Brier score",
        "The mean squared distance between the stated probability and what was true (0 or 1). 0 is perfect; saying "
        "0.5 every time gives 0.25. It asks for the right order and for honest probabilities.",
    ),
    (
        "ECE and its floor",
        "Expected calibration error: the sequences are cut into ten groups of equal size by probability; in each, the "
        "mean probability is compared with the share that is bound, and the gaps are averaged. 0.03 means that "
        "probabilities are off by three percentage points. On few sequences even a perfectly honest model shows some "
        "error: that is the floor. An ECE near its floor is nothing to worry about.",
    ),
    (
        "Gate weight (alpha)",
        "How loud each expert is in the mixture; the weights of a sequence sum to 1. Shown is the mean over the bound "
        "sequences of each data set.",
    ),
)
"""Each term of the report and what it means, for a biologist."""


def reading(dataset: DatasetResult, name: str | None = None) -> str:
    """What one data set says: the best model, the runner-up, whether chance explains the lead, the mixture's place.

    Args:
        name: what to call the data set, if not by its own name.
    """
    here = dataset.name if name is None else name
    order = ranked(dataset)
    best = order[0]
    value, bounds = decimal(best.auroc.value), interval(best.auroc.ci95)
    if len(order) == 1:
        return (
            f"On {here} {called(best.name)} has an AUROC of {value} (95% interval {bounds}): of a bound and an "
            f"unbound sequence it puts the bound one first about {_of_hundred(best.auroc.value)} times in 100."
        )
    second = order[1]
    parts = [
        f"On {here} {called(best.name)} ranks best, with an AUROC of {value} (95% interval {bounds}).",
        f"{_capital(called(second.name))} comes second with {decimal(second.auroc.value)}; "
        f"{_lead(delong_between(dataset, best.name, second.name), best.auroc.value - second.auroc.value)}.",
    ]
    place = next((place for place, model in enumerate(order, 1) if model.name == "moe"), 0)
    if place > 2:
        parts.append(
            f"The mixture ranks {_ordinal(place)} of {len(order)} with {decimal(order[place - 1].auroc.value)}."
        )
    return " ".join(parts)


def summary(run: EvaluationRun, names: Mapping[str, str] | None = None) -> str:
    """The answer of a whole run in one paragraph; with a single data set, its `reading`.

    Args:
        names: what to call the data sets, if not by their own names.
    """
    if len(run.datasets) == 1:
        return reading(run.datasets[0], (names or {}).get(run.datasets[0].name))
    total = len(run.datasets)
    means = sorted(mean_aurocs(run).items(), key=lambda item: -item[1])
    (best, value), *others = means
    if not others:
        low, high = (pick(dataset.models[0].auroc.value for dataset in run.datasets) for pick in (min, max))
        return (
            f"Over {total} data sets {called(best)} has a mean AUROC of {decimal(value)}, "
            f"from {decimal(low)} to {decimal(high)}."
        )
    parts = [
        f"Over {total} data sets {called(best)} has the highest mean AUROC, {decimal(value)}; "
        f"{called(others[0][0])} follows with {decimal(others[0][1])}."
    ]
    firsts = [ranked(dataset)[0].name for dataset in run.datasets]
    follower = "moe" if "moe" in dict(others) else None
    parts.extend(
        f"{_capital(called(name))} ranks first on {_share(firsts.count(name), total)}."
        for name in filter(None, (best, follower))
    )
    return " ".join([*parts, _leads(run)])


def _leads(run: EvaluationRun) -> str:
    tests = [delong_between(data, *(model.name for model in ranked(data)[:2])) for data in run.datasets]
    known = [row for row in tests if row is not None]
    if not known:
        return "Whether the best model's lead is beyond chance was not tested."
    clear = sum(row.p_holm < LEVEL for row in known)
    among = "" if len(known) == len(tests) else f", of {len(known)} where it was tested,"
    return (
        f"On {_share(clear, len(known))}{among} the lead of the best model over the second is beyond chance "
        "(DeLong's test, Holm's correction)."
    )


def _share(part: int, total: int) -> str:
    if part == 0:
        return "none of them"
    return "all of them" if part == total else f"{part} of {total}"


def _lead(row: DeLongRow | None, difference: float) -> str:
    if difference == 0:
        return "the two are level"
    size = f"the difference of {decimal(difference)}"
    if row is None:
        return f"whether {size} is beyond chance was not tested"
    verdict = "is" if row.p_holm < LEVEL else "is not"
    p = p_value(row.p_holm)
    return f"{size} {verdict} beyond chance (DeLong's test, corrected p {p if p.startswith('<') else f'= {p}'})"


def trained_on(run: EvaluationRun, dataset: DatasetResult) -> list[str]:
    """One caution, as a sentence, for each model whose card lists this very file among what it learned from."""
    digest = dataset.file.get("sha256")
    return [
        f"Caution: {called(name)} learned from this very file, which flatters it and every mixture that contains it."
        for name, card in run.models.items()
        if any(file.get("sha256") == digest for file in (card.get("provenance") or {}).get("files", ()))
    ]


def resolution(trials: int) -> str:
    """The smallest p that the paired bootstrap of so many resamples can give, as a sentence."""
    smallest = 2 / (trials + 1)
    advice = "; its interval says more, or ask for --bootstrap 1000" if trials < 1000 else ""
    drawn = count(trials, "resample")
    return f"With {drawn} the paired bootstrap's p, before correction, cannot fall below {smallest:.2g}{advice}."


def called(name: str) -> str:
    """How a sentence calls a model."""
    special = {"moe": "the mixture", "mean": "the plain mean of the experts"}
    return special.get(name, f"the expert {name}")


def ranked(dataset: DatasetResult) -> list[ModelResult]:
    """The models from the highest AUROC down; equals keep their order."""
    return sorted(dataset.models, key=lambda model: -model.auroc.value)


def model_names(run: EvaluationRun) -> list[str]:
    """Every model that any data set was scored with, in order."""
    return list(dict.fromkeys(model.name for dataset in run.datasets for model in dataset.models))


def mean_aurocs(run: EvaluationRun) -> dict[str, float]:
    """Each model's mean AUROC over the data sets that it scored."""
    values: dict[str, list[float]] = {name: [] for name in model_names(run)}
    for dataset in run.datasets:
        for model in dataset.models:
            values[model.name].append(model.auroc.value)
    return {name: float(np.mean(row)) for name, row in values.items()}


def delong_between(dataset: DatasetResult, one: str, other: str) -> DeLongRow | None:
    """DeLong's test of these two models, whichever came first; None where it was not done."""
    return next((row for row in dataset.delong if {row.a, row.b} == {one, other}), None)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_hundred(share: float) -> int:
    return round(100 * share)


def _ordinal(place: int) -> str:
    ending = "th" if place % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"
