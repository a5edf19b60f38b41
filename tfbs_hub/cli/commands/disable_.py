"""tfbs-hub disable."""

from __future__ import annotations

import click

from tfbs_hub.cli.cards import expert_row
from tfbs_hub.cli.options import complete_expert, json_option, with_hub
from tfbs_hub.cli.output import print_json
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("disable")
@click.argument("name", shell_complete=complete_expert)
@json_option
@with_hub
def command(hub: Hub, name: str, as_json: bool) -> None:
    """Keep the next gate from mixing the expert NAME; the current gate stays as it is."""
    spec = hub.disable(name)
    if as_json:
        print_json({"expert": expert_row(spec, hub.registry.gate())})
        return
    click.echo(f"{name} is disabled; the gate changes with the next: tfbs-hub retrain-gate")
