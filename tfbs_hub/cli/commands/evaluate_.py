"""tfbs-hub evaluate."""

from __future__ import annotations

import click
import msgspec

from tfbs_hub.cli.options import complete_model, device_option, json_option, with_hub
from tfbs_hub.cli.output import auroc_text, print_json, print_table
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("evaluate")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--models", shell_complete=complete_model, help="moe and experts, comma-separated [default: moe and its experts]."
)
@device_option
@json_option
@with_hub
def command(hub: Hub, files: tuple[str, ...], models: str | None, device: str, as_json: bool) -> None:
    """Measure models on labelled sequences: AUROC with DeLong's 95% interval, AUPRC, Brier score, ECE."""
    names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    with shown_progress() as report:
        result = hub.evaluate(files, models=names, device=device, report=report)
    if as_json:
        print_json({"run": None, **msgspec.to_builtins(result)})
        return
    for dataset in result.datasets:
        rows = [
            (
                model.name,
                auroc_text(model.auroc, model.ci95),
                f"{model.auprc:.3f}",
                f"{model.brier:.3f}",
                f"{model.ece:.3f}",
            )
            for model in dataset.models
        ]
        title = f"{dataset.name}: {dataset.n:,} sequences, {dataset.positives:,} bound"
        print_table(title, ("model", "AUROC (95%)", "AUPRC", "Brier", "ECE"), rows, right=("AUPRC", "Brier", "ECE"))
