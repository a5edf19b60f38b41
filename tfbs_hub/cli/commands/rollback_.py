"""tfbs-hub rollback."""

from __future__ import annotations

import click

from tfbs_hub.cli.options import json_option, with_hub
from tfbs_hub.cli.output import print_json
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("rollback")
@click.argument("generation", type=click.IntRange(0), required=False)
@json_option
@with_hub
def command(hub: Hub, generation: int | None, as_json: bool) -> None:
    """Go back to the state of GENERATION (by default the one before); nothing is lost, also this can be undone."""
    number = hub.rollback(generation)
    if as_json:
        print_json({"generation": number})
        return
    click.echo(f"the registry is as it was; this state is generation {number} (tfbs-hub gates lists all)")
