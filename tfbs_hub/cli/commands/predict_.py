"""tfbs-hub predict."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from tfbs_hub.cli.options import complete_model, device_option, json_option, with_hub
from tfbs_hub.cli.output import say
from tfbs_hub.cli.predictions import JsonWriter, TableWriter
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.cli.target import staged
from tfbs_hub.hub import Hub
from tfbs_hub.progress import Event, silent

__all__ = ["command"]


@click.command("predict")
@click.argument("input_", metavar="INPUT")
@click.option("--model", default="moe", show_default=True, shell_complete=complete_model, help="moe, or an expert.")
@click.option(
    "--tile", type=click.IntRange(1), metavar="STEP", help="Slide the window by STEP bp over longer sequences."
)
@click.option("--genome", type=click.Path(dir_okay=False), help="FASTA of the genome that a BED file refers to.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write there instead of to stdout.")
@device_option
@json_option
@with_hub
def command(
    hub: Hub,
    input_: str,
    model: str,
    tile: int | None,
    genome: str | None,
    output: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Score the sequences of INPUT (FASTA, .seq.gz, BED with --genome, plain text, or - for stdin).

    Both strands are averaged. Columns: id, logit, probability, then for the mixture each expert's alpha (how
    loud it is) and contribution (what it said; with the gate's bias they sum to the logit).
    """
    asked = hub.model(model)
    parts = hub.predict_stream(input_, asked, tile=tile, genome=None if genome is None else Path(genome), device=device)
    rows = ambiguous = short = 0
    # With the rows on the terminal, a bar would only be in their way.
    watched = nullcontext(silent) if output is None and not as_json else shown_progress()
    with staged(output, whole=as_json) as file, watched as report:
        writer = JsonWriter(file, model, asked.bias) if as_json else TableWriter(file)
        for part in parts:
            writer.write(part)
            rows += len(part)
            ambiguous += part.ambiguous
            short += part.short
            report(Event("predicting", rows))
        writer.close()
    if ambiguous:
        say(f"{ambiguous:,} IUPAC letters were read as N")
    if short:
        say(
            f"note: sequences shorter than the window of {asked.window} bp: {short:,}; N stands for what they lack; "
            "give the sequence around them if you can"
        )
    if output is not None:
        say(f"{rows:,} predictions in {output}")
