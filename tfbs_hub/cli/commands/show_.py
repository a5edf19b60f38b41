"""tfbs-hub show."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from tfbs_hub.cards import ExpertCard
from tfbs_hub.cli.cards import architecture_name, expert_row, is_mixed
from tfbs_hub.cli.motifs import motif_lines, motif_records
from tfbs_hub.cli.options import complete_expert, json_option, with_hub
from tfbs_hub.cli.output import auroc_text, print_json, print_pairs
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("show")
@click.argument("name", shell_complete=complete_expert)
@click.option("--motifs", is_flag=True, help="Compute what motifs the expert has learned (once; a minute or so).")
@json_option
@with_hub
def command(hub: Hub, name: str, motifs: bool, as_json: bool) -> None:
    """Show everything that is known about the expert NAME."""
    spec = hub.spec(name)
    gate = hub.registry.gate()
    learned = hub.learned_motifs(name)
    if motifs and learned is None:
        with shown_progress() as report:
            learned = hub.learn_motifs(name, report=report)
    if as_json:
        card: dict[str, Any] = msgspec.to_builtins(spec.card, str_keys=True)
        found = None if learned is None else {**msgspec.to_builtins(learned), "motifs": motif_records(learned)}
        print_json({"expert": expert_row(spec, gate), "card": card, "learned": found})
        return
    print_pairs([*_about(spec, in_gate=is_mixed(spec, gate)), ("motifs", motif_lines(learned, name))])


def _about(spec: ExpertSpec, *, in_gate: bool) -> list[tuple[str, str]]:
    card = spec.card
    provenance = card.provenance
    files = "\n".join(f"{file.name} ({file.rows:,} rows, sha256 {file.sha256[:12]}…)" for file in provenance.files)
    metrics = "\n".join(
        f"{metric.name.upper()} {auroc_text(metric.value, metric.ci95)} on {metric.data} ({metric.rows:,} sequences)"
        for metric in card.metrics
    )
    return [
        ("name", card.name),
        ("TF", " ".join(filter(None, [card.tf, f"({card.family})" if card.family else ""]))),
        ("cell", card.cell),
        ("from", spec.origin),
        ("state", f"{'enabled' if spec.enabled else 'disabled'}, {'in' if in_gate else 'not in'} the current gate"),
        ("architecture", f"{architecture_name(card.architecture)} {_settings(card.config)}"),
        ("window", f"{card.window} bp, embedding of {card.embedding_dim}"),
        ("measured", metrics),
        ("data", f"{provenance.source}{', SIMULATED' if provenance.simulated else ''}: {provenance.note}".rstrip(": ")),
        ("files", files),
        ("rows", _rows(card)),
        ("training", _training(card)),
        ("gate set", _gate_set(card)),
        ("licence", card.licence),
        ("cite", card.citation),
        ("made with", ", ".join(f"{name} {version}" for name, version in card.versions.items())),
        ("weights", card.weights_sha256),
        ("golden", f"{len(card.golden.sequences)} predictions, checked by tfbs-hub verify"),
    ]


def _settings(config: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in config.items())


def _rows(card: ExpertCard) -> str:
    provenance = card.provenance
    dropped = f", {provenance.dropped:,} dropped because a test file shares a 32-mer" if provenance.dropped else ""
    return f"{provenance.positives:,} bound{dropped}; negatives: {provenance.negatives}" if provenance.positives else ""


def _training(card: ExpertCard) -> str:
    training = card.training
    if training is None:
        return "none: the weights are a matrix"
    best = max(training.curve, key=lambda point: point.auroc, default=None)
    epochs = "" if best is None else f", best of {len(training.curve)} epochs: {best.epoch}"
    trials = f", {training.trials} trials" if training.trials else ""
    return f"seed {training.seed}{epochs}{trials}; {training.fitted:,} fitted, {training.held_out:,} held out"


def _gate_set(card: ExpertCard) -> str:
    spec = card.gate_set
    simulated = ", simulated" if spec.simulated else ""
    if spec.kind == "referenced" and spec.file is not None:
        return f"referenced: {len(spec.positives):,} rows of {spec.file.name}{simulated}"
    return spec.kind + simulated
