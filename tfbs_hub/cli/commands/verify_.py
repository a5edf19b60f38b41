"""tfbs-hub verify."""

from __future__ import annotations

import click
import msgspec

from tfbs_hub.cli.options import json_option, with_hub
from tfbs_hub.cli.output import print_json, print_table
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.errors import IntegrityError
from tfbs_hub.hub import Hub

__all__ = ["command"]


@click.command("verify")
@click.option("--files-only", is_flag=True, help="Check files alone; do not recompute golden predictions.")
@json_option
@with_hub
def command(hub: Hub, files_only: bool, as_json: bool) -> None:
    """Check every file of every state of the registry, and what each expert and the gate compute today."""
    with shown_progress() as report:
        findings = hub.verify(files_only=files_only, report=report)
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        print_json({"ok": not errors, "findings": [msgspec.to_builtins(finding) for finding in findings]})
        click.get_current_context().exit(IntegrityError.exit_code if errors else 0)
    if findings:
        rows = [(finding.severity, finding.path, finding.what, finding.hint) for finding in findings]
        print_table("", ("severity", "where", "what", "what to do"), rows)
    if errors:
        raise IntegrityError(f"{len(errors)} problems", where=str(hub.registry.path), hint="see the table above")
    experts = len(hub.experts())
    click.echo(f"{hub.registry.path}: all is well ({experts} experts, {len(hub.registry.generations())} generations)")
