"""Evaluations as tables and as JSON, and past ones by their name; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from tfbs_hub.cli.output import auroc_text, print_table, say
from tfbs_hub.cli.text import plain
from tfbs_hub.errors import NotFoundError
from tfbs_hub.files import write_whole

if TYPE_CHECKING:
    from tfbs_hub.evaluation.results import DatasetResult, DeLongRow, EvaluationRun, ModelResult, PairedRow
    from tfbs_hub.registry import Registry

__all__ = ["as_document", "draw", "find_run", "print_run", "read"]

R = TypeVar("R", "DeLongRow", "PairedRow")

_WIDTH: Final = 80
_MEASURES: Final = ("model", "AUROC (95%)", "bootstrap", "AUPRC", "Brier", "ECE (floor)")
_AS_ABOVE: Final = "As above, ANOVA over resamples overstates certainty."
_SPARE: Final = ("Brier", "AUPRC", "bootstrap")


def find_run(registry: Registry, named: str) -> Path:
    """The file of a run, given as its path or as its id in the registry."""
    path = Path(named)
    with suppress(OSError):  # such as a name that no file can have
        if path.is_file():
            return path
    known = {each.stem: each for each in registry.evaluations()}
    if named not in known:
        raise NotFoundError(
            f"there is no file and no past run called {named}", hint="`tfbs-hub evaluations` lists the runs"
        )
    return known[named]


def read(path: Path) -> EvaluationRun:
    """A run from its file; raises as `tfbs_hub.evaluation.store.read_run`."""
    from tfbs_hub.evaluation.store import read_run  # noqa: PLC0415 - h5py

    return read_run(path)


def draw(run: EvaluationRun, page: Path | None, figures: str | None) -> None:
    """Write the report of a run and its figures, where these are wanted, and say so."""
    if page is not None:
        from tfbs_hub.report.html import write_report  # noqa: PLC0415 - matplotlib

        write_whole(page, write_report(run).encode())
        say(f"report in {page}")
    if figures is not None:
        from tfbs_hub.report.figures import save_figures  # noqa: PLC0415 - matplotlib

        say(f"{len(save_figures(run, Path(figures)))} figures in {figures}")


def as_document(run: EvaluationRun) -> dict[str, Any]:
    """A run as `evaluate --json` reports it; what is not finite is null, and the scores stay in the run's file."""
    document: dict[str, Any] = _finite(
        {
            "run": run.run,
            "trials": run.trials,
            "seed": run.seed,
            "command": list(run.command),
            "versions": dict(run.versions),
            "models": {name: card.get("weights_sha256") for name, card in run.models.items()},
            "datasets": [_dataset(dataset) for dataset in run.datasets],
        }
    )
    return document


def _dataset(dataset: DatasetResult) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "n": dataset.n,
        "positives": dataset.positives,
        "negatives": dataset.negatives,
        "file": dict(dataset.file),
        "sequence_digest": dataset.sequence_digest,
        "models": [_model(model) for model in dataset.models],
        "anova": msgspec.to_builtins(dataset.anova),
        "tukey": msgspec.to_builtins(dataset.tukey),
        "delong": msgspec.to_builtins(dataset.delong),
        "paired": msgspec.to_builtins(dataset.paired),
    }


def _model(model: ModelResult) -> dict[str, Any]:
    return {
        "name": model.name,
        "auroc": model.auroc.value,
        "ci95": list(model.auroc.ci95),
        "auprc": model.auprc.value,
        "auprc_ci95": list(model.auprc.ci95),
        "brier": model.brier.value,
        "brier_ci95": list(model.brier.ci95),
        "ece": model.ece.value,
        "ece_ci95": list(model.ece.ci95),
        "ece_floor": model.ece_floor,
        "bootstrap_mean": model.bootstrap_mean,
        "bootstrap_sd": model.bootstrap_sd,
        "bootstrap_ci95": list(model.bootstrap_ci95),
        "alpha": dict(model.alpha),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def print_run(run: EvaluationRun) -> None:
    """Print every data set: measures, what they say in words, and how the models differ from the first."""
    from tfbs_hub.report.words import ANOVA_CAUTION, resolution, trained_on  # noqa: PLC0415 - numpy

    for place, dataset in enumerate(run.datasets):
        _print_measures(dataset)
        for caution in trained_on(run, dataset):
            _print_wrapped(caution)
        if len(dataset.models) > 1:
            _print_tests(dataset, run.trials, ANOVA_CAUTION if place == 0 else _AS_ABOVE)
    if any(dataset.paired for dataset in run.datasets):
        say(resolution(run.trials))


def _print_measures(dataset: DatasetResult) -> None:
    against = "" if dataset.negatives == "given" else f", against {dataset.negatives}"
    rows = [
        (
            model.name,
            auroc_text(model.auroc.value, model.auroc.ci95),
            f"{model.bootstrap_mean:.3f} ±{model.bootstrap_sd:.3f}",
            f"{model.auprc.value:.3f}",
            f"{model.brier.value:.3f}",
            f"{model.ece.value:.3f} ({model.ece_floor:.3f})",
        )
        for model in dataset.models
    ]
    title = f"{plain(dataset.name)}: {dataset.n:,} sequences, {dataset.positives:,} bound{against}"
    print_table(title, _MEASURES, rows, right=("AUPRC", "Brier"), spare=_SPARE)


def _print_tests(dataset: DatasetResult, trials: int, caution: str) -> None:
    from tfbs_hub.report.words import p_value, reading  # noqa: PLC0415 - numpy

    _print_wrapped(reading(dataset), after="")
    first = dataset.models[0].name
    rows = []
    for name in (model.name for model in dataset.models[1:]):
        delong, paired = _pair(dataset.delong, first, name), _pair(dataset.paired, first, name)
        if delong is None or paired is None:
            continue
        sign = 1 if paired.a == first else -1
        low, high = sorted(sign * end for end in paired.ci95)
        rows.append(
            (
                name,
                f"{sign * paired.difference:+.3f}",
                p_value(delong.p),
                p_value(delong.p_holm),
                f"{low:+.3f} to {high:+.3f}",
                p_value(paired.p_holm),
            )
        )
    columns = (f"{first} less", "AUROC", "DeLong p", "Holm", "paired bootstrap 95%", "p, Holm")
    print_table("", columns, rows, right=("AUROC", "DeLong p", "Holm", "p, Holm"), spare=("DeLong p",))
    anova = dataset.anova
    if anova is not None:
        p = p_value(anova.p)
        _print_wrapped(
            f"ANOVA over {len(dataset.models)} models x {trials:,} resamples: "
            f"F({anova.df_between}, {anova.df_within}) = {anova.F:.4g}, p {p if p.startswith('<') else f'= {p}'}, "
            f"eta² = {anova.eta2:.3f}, omega² = {anova.omega2:.3f}. {caution}"
        )


def _pair(rows: Sequence[R], one: str, other: str) -> R | None:
    return next((row for row in rows if {row.a, row.b} == {one, other}), None)


def _print_wrapped(text: str, after: str = "\n") -> None:
    click.echo(click.wrap_text(plain(text), _WIDTH) + after)
