"""tfbs-hub gc."""

from __future__ import annotations

import click
import msgspec

from tfbs_hub.cli.options import json_option, with_hub
from tfbs_hub.cli.output import print_json, print_table, say
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("gc")
@click.option("--keep", type=click.IntRange(1), default=10, show_default=True, help="Newest generations to keep.")
@click.option("--apply", is_flag=True, help="Do it; without this the plan is only shown.")
@json_option
@with_hub
def command(hub: Hub, keep: int, apply: bool, as_json: bool) -> None:
    """Throw away what none of the newest generations needs, and leftovers of interrupted work."""
    plan = hub.gc(keep=keep, apply=apply)
    if as_json:
        print_json({"applied": apply, "plan": msgspec.to_builtins(plan)})
        return
    rows = [
        *(("leftover", path) for path in plan.staging),
        *(("version", path) for path in plan.versions),
        *(("generation", str(number)) for number in plan.generations),
    ]
    if rows:
        print_table("", ("kind", "what"), rows)
        done = "removed" if apply else "would be removed; do it with --apply"
        click.echo(f"{len(rows)} things of {plan.size:,} bytes {done}")
    else:
        click.echo("nothing to throw away")
    if plan.note:
        say(plan.note)
