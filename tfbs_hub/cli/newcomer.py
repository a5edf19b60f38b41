"""What a new expert brings, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tfbs_hub.cli.output import auroc_text, print_table, say
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.errors import NotFoundError

if TYPE_CHECKING:
    from tfbs_hub.hub import Hub
    from tfbs_hub.workflows.newcomer import Assessment

__all__ = ["assessed", "assessment_json", "tell_assessment"]

_SHOWN = 5


def assessed(hub: Hub, name: str) -> Assessment | None:
    """What the expert brings; None, with the reason on stderr, where its sequences cannot be had."""
    try:
        with shown_progress() as report:
            return hub.assess(name, report=report)
    except NotFoundError as error:
        say(f"note: what {name} brings cannot be said: {error.what}")
        return None


def assessment_json(found: Assessment | None) -> dict[str, Any] | None:
    """The assessment as plain values, its warnings among them."""
    return None if found is None else {**msgspec.to_builtins(found), "warnings": list(found.warnings)}


def tell_assessment(found: Assessment | None) -> None:
    """Print what the expert brings, its nearest neighbours first, and warn."""
    if found is None:
        return
    known = "" if found.gate is None else f"; the current gate reaches {found.gate:.3f}"
    rows = [
        (
            other.name,
            f"{other.similarity:.2f}",
            f"{other.auroc:.3f}",
            "" if other.motif is None else f"{other.motif:+.2f}",
            "" if other.shared is None else f"{other.shared:.1%}",
        )
        for other in found.neighbours[:_SHOWN]
    ]
    columns = ("beside", "similarity", "its AUROC there", "motif", "sequences shared")
    title = f"{found.name} on sequences it was not fitted to: AUROC {auroc_text(found.auroc, found.ci95)}{known}"
    print_table(title, columns, rows, right=columns[1:])
    for warning in found.warnings:
        say(f"warning: {warning}")
