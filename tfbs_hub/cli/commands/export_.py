"""tfbs-hub export."""

from __future__ import annotations

import click

from tfbs_hub.cli.options import complete_expert, json_option, with_hub
from tfbs_hub.cli.output import print_json
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("export")
@click.argument("name", shell_complete=complete_expert)
@click.argument("file", type=click.Path(dir_okay=False))
@json_option
@with_hub
def command(hub: Hub, name: str, file: str, as_json: bool) -> None:
    """Write the expert NAME, card and all, as the one FILE that tfbs-hub import takes."""
    path = hub.export_expert(name, file)
    if as_json:
        print_json({"exported": name, "file": str(path)})
        return
    click.echo(f"wrote {path}")
