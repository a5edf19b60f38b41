"""tfbs-hub experts."""

from __future__ import annotations

import click

from tfbs_hub.cli.cards import architecture_name, expert_row, is_mixed
from tfbs_hub.cli.options import json_option, with_hub
from tfbs_hub.cli.output import auroc_text, print_json, print_table
from tfbs_hub.hub import Hub
from tfbs_hub.names import short

__all__ = ["command"]

_COLUMNS = ("name", "TF", "cell", "architecture", "AUROC (95%)", "on", "source", "digest", "enabled", "in gate")
_SPARE = ("digest", "architecture", "on", "source", "cell", "TF", "enabled")


@click.command("experts")
@json_option
@with_hub
def command(hub: Hub, as_json: bool) -> None:
    """List the experts of the registry and of installed packages."""
    record = hub.registry.gate()
    mixed = [] if record is None else [member.name for member in record.card.members]
    specs = hub.listing()
    if as_json:
        gate = None if record is None else {"digest": record.digest, "experts": mixed}
        print_json({"experts": [expert_row(spec, record) for spec in specs], "gate": gate})
        return
    if not specs:
        click.echo("This registry is empty. Add an expert: tfbs-hub add-expert GATA3")
        return
    rows = []
    for spec in specs:
        card = spec.card
        metric = card.metric()
        origin = "" if spec.origin == "registry" else f" in {spec.origin}"
        simulated = " (simulated)" if card.provenance.simulated else ""
        rows.append(
            (
                card.name,
                card.tf,
                card.cell,
                architecture_name(card.architecture),
                "" if metric is None else auroc_text(metric.value, metric.ci95),
                "" if metric is None else _where(metric.data),
                card.provenance.source + simulated + origin,
                short(card.weights_sha256),
                "yes" if spec.enabled else "no",
                "yes" if is_mixed(spec, record) else "no",
            )
        )
    print_table("", _COLUMNS, rows, spare=_SPARE)
    if record is not None:
        click.echo(f"gate {short(record.digest)} mixes {', '.join(mixed)}")


def _where(data: str) -> str:
    return data if data == "validation" else "test"
