"""tfbs-hub add-expert."""

from __future__ import annotations

import click

from tfbs_hub.cli.cards import expert_row
from tfbs_hub.cli.newcomer import assessed, assessment_json, tell_assessment
from tfbs_hub.cli.options import device_option, json_option, seed_option, with_new_hub
from tfbs_hub.cli.output import auroc_text, print_json, print_table, say
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.hub import Added, Hub
from tfbs_hub.names import short

__all__ = ["command"]

_FILE = click.Path(dir_okay=False)


@click.command("add-expert")
@click.argument("tf")
@click.option("--data", multiple=True, type=_FILE, help="Your sequences (FASTA, .seq.gz, text); repeatable.")
@click.option("--peaks", type=_FILE, help="Your peaks (BED or narrowPeak), cut from --genome.")
@click.option("--genome", type=_FILE, help="FASTA of the genome that the peaks refer to.")
@click.option(
    "--window", type=click.IntRange(1), help="Length of sequences cut around summits or simulated [default: 101]."
)
@click.option(
    "--source", help="Where sequences come from: encode (default without data), jaspar, files, or a plug-in's."
)
@click.option("--cell", help="Cell line: which of the source's, or that of your data.")
@click.option("--file", help="Name of the experiment's file, where the cell line does not settle it.")
@click.option("--name", help="Name of the expert [default: the TF; TF_cell if that is taken].")
@click.option("--replace", is_flag=True, help="Let it take the place of the expert of that name.")
@click.option("--architecture", help="residual (default), deepbind, pwm, or a plug-in's.")
@click.option("--motif", type=_FILE, help="Matrix in MEME or JASPAR form: an expert without training.")
@click.option(
    "--negatives",
    type=click.Choice(["dinucleotide", "genomic", "other-tfs", "mixed", "given"]),
    help="What to tell sites from; mixed: shuffles and other TFs' peaks "
    "[default: given if the data has negatives, else dinucleotide].",
)
@click.option(
    "--others", multiple=True, type=_FILE, help="Peaks of other TFs, for --negatives other-tfs or mixed; repeatable."
)
@click.option("--test", type=_FILE, help="Labelled file to score the finished expert on.")
@click.option(
    "--exclude",
    multiple=True,
    type=_FILE,
    help="Leave out training sequences that share a 32-mer with this file; repeatable.",
)
@click.option("--trials", type=click.IntRange(0), default=0, help="Size of a hyperparameter search (Optuna).")
@click.option("--no-gate-data", is_flag=True, help="Leave out the sequences that a gate would learn from.")
@device_option
@seed_option
@json_option
@with_new_hub
def command(hub: Hub, tf: str, no_gate_data: bool, as_json: bool, **options: object) -> None:
    """Train an expert for the transcription factor TF and add it to the registry.

    Without data of your own, ENCODE's sequences are used; what cannot be had is an error, never replaced.
    """
    with shown_progress() as report:
        added = hub.add_expert(tf, gate_data=not no_gate_data, report=report, **options)
    found = assessed(hub, added.spec.card.name)
    if as_json:
        row = expert_row(added.spec, hub.registry.gate())
        print_json({"added": row, "brings": assessment_json(found), "older_weights": dict(added.untouched)})
        return
    _tell(added)
    tell_assessment(found)
    card = added.spec.card
    click.echo(f"added {card.name} ({short(card.weights_sha256)}); mix it in: tfbs-hub retrain-gate")


def _tell(added: Added) -> None:
    card = added.spec.card
    provenance = card.provenance
    if provenance.dropped:
        say(f"{provenance.dropped:,} training sequences share a 32-mer with a test file and were left out")
    if provenance.simulated:
        say(f"note: simulated sequences stand behind this expert, no experiment ({provenance.note})")
    rows = [
        (metric.name.upper(), auroc_text(metric.value, metric.ci95), metric.data, f"{metric.rows:,}")
        for metric in card.metrics
    ]
    if rows:
        print_table("", ("metric", "value (95%)", "on", "sequences"), rows, right=("sequences",))
    if added.untouched:
        older = [(path, digest[:16] + "…") for path, digest in added.untouched.items()]
        print_table("older weights, hashed before and after: unchanged", ("file", "sha256"), older)
