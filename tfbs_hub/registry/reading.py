"""Experts and gates of a snapshot, read from their folders and checked against their digests."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from tfbs_hub.cards import GateCard, parse_expert_card, parse_gate_card
from tfbs_hub.errors import IntegrityError, NotFoundError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.registry.generation import ExpertEntry, GateEntry, Generation
from tfbs_hub.registry.layout import CARD, FILE_LIMITS, GATE_SET, WEIGHTS, expert_folder, gate_folder
from tfbs_hub.registry.storage import VERIFY_HINT, read_checked

__all__ = ["GateRecord", "not_found", "read_gate", "read_spec"]


@dataclass(frozen=True, kw_only=True)
class GateRecord:
    """A gate of the registry, without its weights.

    Attributes:
        digest: sha256 of its weights.
        card: its card.
        weights: path of the weights file.
        current: True if this gate serves now.
    """

    digest: str
    card: GateCard
    weights: Path
    current: bool


def read_spec(root: Path, name: str, entry: ExpertEntry) -> ExpertSpec:
    """An expert version; raises `IntegrityError` if its card is missing, damaged or another's."""
    folder = root / expert_folder(name, entry.version)
    path = folder / CARD
    card = parse_expert_card(read_checked(path, entry.files[CARD].sha256, FILE_LIMITS[CARD]), str(path))
    if card.name != name or card.weights_sha256 != entry.digest:
        raise IntegrityError(f"this card is not that of {name}", where=str(path), hint=VERIFY_HINT)
    gate_set = entry.files.get(GATE_SET)
    return ExpertSpec(
        card=card,
        weights=folder / WEIGHTS,
        gate_set=folder / GATE_SET if gate_set else None,
        gate_set_sha256=gate_set.sha256 if gate_set else None,
        enabled=entry.enabled,
    )


def read_gate(root: Path, entry: GateEntry, *, current: bool) -> GateRecord:
    """A gate; raises `IntegrityError` if its card is missing, damaged or another's."""
    folder = root / gate_folder(entry.digest)
    path = folder / CARD
    card = parse_gate_card(read_checked(path, entry.files[CARD].sha256, FILE_LIMITS[CARD]), str(path))
    members = tuple(member.digest for member in card.members)
    if card.weights_sha256 != entry.digest or members != entry.members:
        raise IntegrityError("this card is not that of the gate", where=str(path), hint=VERIFY_HINT)
    return GateRecord(digest=entry.digest, card=card, weights=folder / WEIGHTS, current=current)


def not_found(name: str, generation: Generation) -> NotFoundError:
    """The error for an expert that is not there, with the names that look like it."""
    by_lower = {known.lower(): known for known in generation.experts}
    near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=5, cutoff=0.5)]
    hint = f"did you mean {', '.join(near)}?" if near else "`tfbs-hub experts` lists them"
    return NotFoundError(f"there is no expert {name!r}", hint=hint)
