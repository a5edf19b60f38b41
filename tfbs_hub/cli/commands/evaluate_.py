"""tfbs-hub evaluate."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tfbs_hub.cli.evaluations import as_document, draw, find_run, print_run, read
from tfbs_hub.cli.options import complete_model, device_option, json_option, seed_option, with_hub
from tfbs_hub.cli.output import print_json, say
from tfbs_hub.cli.running import run_job
from tfbs_hub.cli.target import checked_target
from tfbs_hub.errors import UsageError
from tfbs_hub.files import write_whole
from tfbs_hub.hub import Hub
from tfbs_hub.registry.evaluations import SUFFIX
from tfbs_hub.registry.layout import EVALUATIONS

if TYPE_CHECKING:
    from tfbs_hub.evaluation.results import EvaluationRun

__all__ = ["command"]

_FILE = click.Path(dir_okay=False)
_QUESTION = ("models", "bootstrap", "seed", "negatives", "tukey", "genome", "device")
"""Options that make another run."""


@click.command("evaluate")
@click.argument("files", nargs=-1, metavar="[FILE]…")
@click.option(
    "--models",
    shell_complete=complete_model,
    help="moe, mean (of its experts) and experts, comma-separated [default: moe, mean and its experts].",
)
@click.option("--bootstrap", type=click.IntRange(2, 1_000_000), default=30, show_default=True, help="Resamples.")
@seed_option
@click.option(
    "--negatives",
    type=click.Choice(["given", "other-tfs"]),
    default="given",
    show_default=True,
    help="other-tfs: the bound sequences of the other FILEs instead of the unbound ones of the same.",
)
@click.option("--tukey", is_flag=True, help="Compare all pairs of models, however many they are.")
@click.option("--genome", type=_FILE, help="FASTA of the genome that BED files refer to.")
@click.option("-o", "--output", type=_FILE, metavar="RUN.h5", help="Write a copy of the run there.")
@click.option("--report", "page", type=_FILE, metavar="REPORT.html", help="Write a report of one HTML page.")
@click.option("--figures", type=click.Path(file_okay=False), metavar="FOLDER", help="Draw figures there (SVG, PNG).")
@click.option("--from", "source", metavar="RUN", help="Show a past run again: its id, or its file.")
@device_option
@json_option
@with_hub
def command(
    hub: Hub,
    files: tuple[str, ...],
    models: str | None,
    output: str | None,
    page: str | None,
    figures: str | None,
    source: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure models on labelled FILEs (FASTA, .seq.gz, .h5) and test their differences.

    Of each model: AUROC with DeLong's 95% interval, mean ± SD of the bootstrap's AUROCs, AUPRC, Brier score, and ECE
    beside its floor (what a perfectly calibrated model would show). The run is kept in the registry; stopped, it goes
    on where it was when the same command is given again.
    """
    _check_combination(files, source)
    target, page_target = (None if path is None else checked_target(path) for path in (output, page))
    if source is None:
        names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
        run = _computed(hub, {"files": _regular(files), "models": names, **options}, target)
    else:
        path = find_run(hub.registry, source)
        run = read(path)
        if target is not None:
            write_whole(target, path.read_bytes())
    if as_json:
        print_json(as_document(run))
    else:
        print_run(run)
    draw(run, page_target, figures)
    say(f"run {run.run}" + (f" in {output}" if output else ""))


def _check_combination(files: tuple[str, ...], source: str | None) -> None:
    if source is None:
        if not files:
            raise click.UsageError("Missing argument 'FILE…' (or --from RUN).")
        return
    context = click.get_current_context()
    given = [name for name in _QUESTION if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if files or given:
        raise click.UsageError(
            f"--from shows a run as it was: {'a FILE' if files else '--' + given[0]} cannot be given with it."
        )


def _regular(files: tuple[str, ...]) -> list[str]:
    """The files; stdin and pipes are refused, for another process reads them, and reads them again to resume."""
    for file in files:
        if file == "-" or (Path(file).exists() and not Path(file).is_file()):
            raise UsageError(
                "an evaluation reads regular files: a run that was stopped reads them again",
                where=file,
                hint="save it to a file first",
            )
    return list(files)


def _computed(hub: Hub, options: dict[str, Any], target: Path | None) -> EvaluationRun:
    registry = hub.registry
    with ExitStack() as stack:
        if target is None and registry.read_only:
            target = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tfbs-hub-"))) / "run.h5"
            say("note: the registry is read-only, so the run is not kept; -o RUN.h5 would write it to a file")
        done = run_job(
            hub,
            "evaluate",
            {"output": None if target is None else str(target), **options},
            resumed="data sets that were finished are kept: give the same command again to go on from there",
        )
        return read(target or registry.path / EVALUATIONS / f"{done['run']}{SUFFIX}")
