"""tfbs-hub remove."""

from __future__ import annotations

import click

from tfbs_hub.cli.options import complete_expert, json_option, with_hub
from tfbs_hub.cli.output import print_json
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("remove")
@click.argument("name", shell_complete=complete_expert)
@json_option
@with_hub
def command(hub: Hub, name: str, as_json: bool) -> None:
    """Take the expert NAME out of the registry; refused while the current gate mixes it."""
    hub.remove(name)
    if as_json:
        print_json({"removed": name})
        return
    click.echo(f"removed {name}; undo: tfbs-hub rollback. Its files stay until tfbs-hub gc --apply")
