"""tfbs-hub new-plugin."""

from __future__ import annotations

from pathlib import Path

import click

from tfbs_hub.cli.options import json_option
from tfbs_hub.cli.output import print_json
from tfbs_hub.scaffold import KINDS, write_plugin

__all__ = ["command"]

_FIRST = {
    "weights": "python {name}/pack.py REGISTRY NAME...   # copy your experts into it",
    "architecture": "edit {name}/src/{module}/network.py      # it works as it is",
    "source": "edit {name}/src/{module}/source.py       # it works as it is",
}


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="weights",
    show_default=True,
    help="weights: experts as data, no code; architecture: a network; source: training sequences.",
)
@json_option
def command(name: str, kind: str, as_json: bool) -> None:
    """Write a plug-in package of your own as the folder ./NAME: project, README, sources, and tests that pass.

    NAME is what `pip install` will call it: lower-case letters, digits and hyphens.
    """
    folder = write_plugin(name, kind, Path())
    if as_json:
        written = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        print_json({"written": str(folder), "kind": kind, "files": written})
        return
    click.echo(f"wrote {folder}; next:")
    for line in (_FIRST[kind], "pip install -e ./{name} pytest", "tfbs-hub plugins check {name}", "pytest {name}"):
        click.echo("  " + line.format(name=name, module=name.replace("-", "_")))
