"""tfbs-hub enable."""

from __future__ import annotations

import click

from tfbs_hub.cli.cards import expert_row
from tfbs_hub.cli.newcomer import assessed, assessment_json, tell_assessment
from tfbs_hub.cli.options import complete_expert, json_option, with_hub
from tfbs_hub.cli.output import print_json
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("enable")
@click.argument("name", shell_complete=complete_expert)
@json_option
@with_hub
def command(hub: Hub, name: str, as_json: bool) -> None:
    """Let the next gate mix the expert NAME; one of an installed package is copied into the registry."""
    spec = hub.enable(name)
    found = assessed(hub, spec.card.name)
    if as_json:
        print_json({"expert": expert_row(spec, hub.registry.gate()), "brings": assessment_json(found)})
        return
    tell_assessment(found)
    click.echo(f"{name} is enabled; the gate changes with the next: tfbs-hub retrain-gate")
