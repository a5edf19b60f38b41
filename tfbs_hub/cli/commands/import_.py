"""tfbs-hub import."""

from __future__ import annotations

import click

from tfbs_hub.cli.cards import expert_row
from tfbs_hub.cli.newcomer import assessed, assessment_json, tell_assessment
from tfbs_hub.cli.options import json_option, with_new_hub
from tfbs_hub.cli.output import print_json
from tfbs_hub.hub import Hub
from tfbs_hub.names import short

__all__ = ["command"]


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--name", help="Name it so; by default as its card says.")
@json_option
@with_new_hub
def command(hub: Hub, file: str, name: str | None, as_json: bool) -> None:
    """Add the expert in FILE, checked from its digests to its golden predictions."""
    spec = hub.import_expert(file, name=name)
    found = assessed(hub, spec.card.name)
    if as_json:
        print_json({"imported": expert_row(spec, hub.registry.gate()), "brings": assessment_json(found)})
        return
    tell_assessment(found)
    digest = short(spec.card.weights_sha256)
    click.echo(f"imported {spec.card.name} ({digest}); mix it in: tfbs-hub retrain-gate")
