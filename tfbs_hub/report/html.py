"""The report of a run as one HTML file: no network, no script, the same bytes for the same run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tfbs_hub.evaluation.results import DatasetResult, EvaluationRun
from tfbs_hub.report import words
from tfbs_hub.report.figures import auroc_intervals, gate_weights, interval_boxes, one_panel
from tfbs_hub.report.panels import Panel, calibration_panel, roc_panel
from tfbs_hub.report.style import BLUE, INK, Look, drawn_models, looks
from tfbs_hub.report.svg import inline
from tfbs_hub.report.text import aliases, count, decimal, interval, p_value, plain, shortened, signed

__all__ = ["write_report"]

_PAGE_COLORS = {BLUE: "var(--blue)", INK: "var(--ink)"}
_MARKERS = {
    "o": "M14 2.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 1 0 0-5.6z",
    "s": "M11.5 2.5h5v5h-5z",
    "^": "M14 1.8l3 5.7h-6z",
    "v": "M14 8.2l3-5.7h-6z",
    "D": "M14 1.4l3.6 3.6l-3.6 3.6l-3.6-3.6z",
    "d": "M14 1l2.2 4l-2.2 4l-2.2-4z",
    ">": "M17.2 5l-5.7 3v-6z",
    "X": "M11 3.4l1.4-1.4l1.6 1.6l1.6-1.6l1.4 1.4l-1.6 1.6l1.6 1.6l-1.4 1.4l-1.6-1.6l-1.6 1.6l-1.4-1.4l1.6-1.6z",
}


def write_report(run: EvaluationRun) -> str:
    """The report of a run as the text of one self-contained HTML page.

    It holds the answer in plain words, every measure with its interval, the figures, the tests, what the statistics
    mean, where everything came from, and the command that makes the run again. Names from data are escaped.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        decimal=_decimal,
        interval=_interval,
        signed=_signed,
        between=_between,
        p=_p,
        plain=plain,
        shortened=shortened,
    )
    called = aliases([dataset.name for dataset in run.datasets])
    here = files("tfbs_hub.report")
    template = environment.from_string((here / "report.html.j2").read_text("utf-8"))
    return template.render(
        run=run,
        style=Markup((here / "report.css").read_text("utf-8")),  # noqa: S704 - the package's own file
        title=f"{count(len(words.model_names(run)), 'model')} on {count(len(run.datasets), 'data set')}",
        answer=_sentence(words.summary(run, called)),
        rows_scored=sum(dataset.n for dataset in run.datasets),
        names=words.model_names(run),
        keys=_keys(run),
        summary=[_summary_row(dataset, called[dataset.name], words.model_names(run)) for dataset in run.datasets],
        means=_means(run),
        figures=_figures(run),
        datasets=[_section(run, dataset, called[dataset.name]) for dataset in run.datasets],
        resolution=words.resolution(run.trials),
        caution=words.ANOVA_CAUTION,
        level=words.LEVEL,
        glossary=words.GLOSSARY,
        models=[_model_row(name, card) for name, card in run.models.items()],
        command=[plain(shlex.quote(argument)) for argument in ("tfbs-hub", *run.command)],
    )


_INTERVAL = re.compile(r"(\d\.\d{3})-(\d\.\d{3})")


def _typeset(text: str) -> str:
    """Signs as a printer sets them: minus, infinity, a dash for nothing; intervals and equations stay on one line."""
    if text == "-":
        return "\u2013"
    text = _INTERVAL.sub("\\1\u2013\u2060\\2", text.replace(" = ", "\u00a0=\u00a0"))
    return text.replace("inf", "\u221e") if text.lstrip("+-") == "inf" else text


def _sentence(text: str) -> str:
    return _typeset(plain(text))


def _decimal(value: float, places: int = 3) -> str:
    return _typeset(decimal(value, places))


def _signed(value: float, places: int = 3) -> str:
    return _typeset(signed(value, places)).replace("-", "\u2212")


def _between(ci95: tuple[float, float]) -> str:
    return f"{_signed(ci95[0])} to {_signed(ci95[1])}"


def _interval(ci95: tuple[float, float]) -> str:
    return _typeset(interval(ci95))


def _p(value: float) -> str:
    return _typeset(p_value(value))


def _keys(run: EvaluationRun) -> dict[str, dict[str, Any]]:
    """How the legend shows each drawn model."""
    return {name: _key(look) for name, look in looks(drawn_models(run)).items()}


def _key(look: Look) -> dict[str, Any]:
    return {
        "color": _PAGE_COLORS.get(look.color, look.color),
        "dashes": " ".join(f"{length * look.width:.3g}" for length in look.dashes),
        "width": look.width,
        "marker": _MARKERS[look.marker],
    }


def _summary_row(dataset: DatasetResult, called: str, names: Sequence[str]) -> dict[str, Any]:
    values = {model.name: model.auroc.value for model in dataset.models}
    best = max(values.values())
    first = words.ranked(dataset)[0].name

    def level(name: str) -> bool:
        row = words.delong_between(dataset, first, name)
        return row is not None and row.p_holm >= words.LEVEL

    cells = [
        {"value": values[name], "best": values[name] == best, "level": values[name] != best and level(name)}
        if name in values
        else None
        for name in names
    ]
    return {"name": called, "cells": cells}


def _means(run: EvaluationRun) -> list[dict[str, Any]]:
    means = words.mean_aurocs(run)
    return [{"value": value, "best": value == max(means.values())} for value in means.values()]


def _figures(run: EvaluationRun) -> dict[str, Any]:
    gate = gate_weights(run)
    shown = len(drawn_models(run))
    return {
        "left_out": len(words.model_names(run)) - shown,
        "auroc": _markup(
            inline(auroc_intervals(run, legend=False), "auroc", _described("AUROC with its interval", run))
        ),
        "boxes": _markup(
            inline(interval_boxes(run, legend=False), "boxes", _described("Bootstrap intervals of the AUROC", run))
        ),
        "gate": None if gate is None else _markup(inline(gate, "gate", _described("Mean gate weights", run))),
        "roc": list(_panels(run, roc_panel, "roc", "ROC curves")),
        "calibration": list(_panels(run, calibration_panel, "calibration", "Calibration")),
    }


def _panels(run: EvaluationRun, panel: Panel, prefix: str, what: str) -> Iterator[Markup]:
    for number, dataset in enumerate(run.datasets):
        label = f"{what} on {plain(dataset.name)}; the numbers are in its table"
        yield _markup(inline(one_panel(run, dataset, panel), f"{prefix}-{number}", label))


def _described(what: str, run: EvaluationRun) -> str:
    return f"{what} by data set ({count(len(run.datasets), 'data set')}); the numbers are in the tables"


def _markup(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - written by an XML serialiser, which escapes all text


def _section(run: EvaluationRun, dataset: DatasetResult, called: str) -> dict[str, Any]:
    best = max(model.auroc.value for model in dataset.models)
    seen = words.trained_on(run, dataset)
    return {
        "result": dataset,
        "called": called,
        "reading": _sentence(words.reading(dataset, called)),
        "cautions": [plain(caution) for caution in seen],
        "negatives": words.NEGATIVES.get(dataset.negatives, plain(dataset.negatives)),
        "best": [model.name for model in dataset.models if model.auroc.value == best],
    }


def _model_row(name: str, card: Mapping[str, Any]) -> dict[str, str]:
    """What a model's card says of it; the mean has no weights."""
    provenance = card.get("provenance") or card
    members = [member["name"] for member in card.get("members", ())]
    architecture = str(card.get("architecture", "")).rpartition(":")[2]
    described = [
        f"{'plain mean' if name == 'mean' else 'mixture'} of {', '.join(members)}" if members else "",
        " ".join(filter(None, (str(card.get("tf", "")), str(card.get("cell", ""))))),
        architecture,
        "trained on simulated sequences" if provenance.get("simulated") else "",
    ]
    return {
        "name": plain(name),
        "what": plain(", ".join(filter(None, described))) if card else "",
        "digest": plain(str(card.get("weights_sha256", ""))),
    }
