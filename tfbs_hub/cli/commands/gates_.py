"""tfbs-hub gates."""

from __future__ import annotations

import click

from tfbs_hub.cli.options import json_option, with_hub
from tfbs_hub.cli.output import print_json, print_table
from tfbs_hub.hub import Hub
from tfbs_hub.names import short

__all__ = ["command"]


@click.command("gates")
@json_option
@with_hub
def command(hub: Hub, as_json: bool) -> None:
    """List the gates, newest last, and the history of the registry."""
    gates = hub.registry.gates()
    history = hub.registry.generations()
    if as_json:
        print_json(
            {
                "gates": [
                    {
                        "digest": gate.digest,
                        "current": gate.current,
                        "recipe": gate.card.recipe_name,
                        "experts": [member.name for member in gate.card.members],
                        "simulated": gate.card.simulated,
                        "auroc": {score.name: score.auroc for score in gate.card.gate_sets},
                    }
                    for gate in gates
                ],
                "generations": [
                    {"number": row.number, "action": row.action, "damaged": row.damaged, "head": row.head}
                    for row in history
                ],
            }
        )
        return
    if gates:
        rows = [
            (
                "*" if gate.current else "",
                short(gate.digest),
                gate.card.recipe_name + (" (simulated gate sets)" if gate.card.simulated else ""),
                ", ".join(member.name for member in gate.card.members),
                ", ".join(f"{score.name} {score.auroc:.3f}" for score in gate.card.gate_sets),
            )
            for gate in gates
        ]
        print_table("gates (* is current)", ("", "digest", "recipe", "experts", "validation AUROC"), rows)
    else:
        click.echo("no gate yet: tfbs-hub retrain-gate")
    states = [("*" if row.head else "", f"{row.number}", row.damaged or row.action) for row in history]
    print_table("generations (* is current; tfbs-hub rollback NUMBER goes back)", ("", "number", "action"), states)
