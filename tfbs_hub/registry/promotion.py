"""Adding a gate and making it current.

A gate is known by its weights alone: training again with the same seed gives the same weights, with a card that
differs in remarks such as the previous gate's score. Such a gate is the one already here, and its first card stays; a
card that would make the same weights predict something else (other members, another temperature) is refused.
"""

from __future__ import annotations

import math
from pathlib import Path
from types import EllipsisType

from tfbs_hub.cards import GateCard, parse_gate_card
from tfbs_hub.errors import BusyError, IntegrityError, UsageError
from tfbs_hub.names import short
from tfbs_hub.registry.contents import PLACING_TRIES, TakenAwayError, Validate, checked_contents, entries, keep
from tfbs_hub.registry.generation import GateEntry, Generation
from tfbs_hub.registry.history import commit, read_head
from tfbs_hub.registry.layout import CARD, FILE_LIMITS, WEIGHTS, gate_folder
from tfbs_hub.registry.reading import GateRecord, read_gate
from tfbs_hub.registry.staging import place_folder
from tfbs_hub.registry.storage import VERIFY_HINT, read_capped, read_checked

__all__ = ["add_gate"]


def add_gate(
    root: Path,
    card: GateCard,
    weights: bytes,
    *,
    validate: Validate | None = None,
    expected: str | EllipsisType | None = ...,
) -> GateRecord:
    """Add a gate and make it current; see `Registry.add_gate`."""
    contents = checked_contents({WEIGHTS: weights, CARD: card.to_json()}, card.weights_sha256, "gate")
    _check_promotable(read_head(root), card, expected)
    for _ in range(PLACING_TRIES):
        entry = _place_gate(root, card, contents, validate)
        try:
            return read_gate(root, _commit_gate(root, card, entry, expected), current=True)
        except TakenAwayError:
            continue
    raise BusyError("`tfbs-hub gc` keeps removing the new files", where=str(root), hint="run the command again")


def _check_promotable(head: Generation, card: GateCard, expected: str | EllipsisType | None) -> None:
    present = {entry.digest for _, entry in head.versions()}
    for member in card.members:
        if member.digest not in present:
            raise UsageError(
                f"the gate mixes {member.name}@{short(member.digest)}, which is not in the registry",
                hint="run `tfbs-hub retrain-gate` again",
            )
    if expected is not ... and head.gate not in {expected, card.weights_sha256}:
        raise BusyError(
            "another gate became current while this one was trained", hint="run `tfbs-hub retrain-gate` again"
        )


def _place_gate(root: Path, card: GateCard, contents: dict[str, bytes], validate: Validate | None) -> GateEntry:
    relative = gate_folder(card.weights_sha256)
    if not place_folder(root, relative, contents, validate):
        contents = _same_gate(root / relative, card)
        if not place_folder(root, relative, contents):
            raise IntegrityError("other files are where this gate belongs", where=str(root / relative))
    members = tuple(member.digest for member in card.members)
    return GateEntry(digest=card.weights_sha256, members=members, files=entries(contents))


def _same_gate(folder: Path, card: GateCard) -> dict[str, bytes]:
    """The files of the gate that has these very weights; raises if its card gives them another meaning."""
    weights = read_checked(folder / WEIGHTS, card.weights_sha256, FILE_LIMITS[WEIGHTS])
    try:
        data = read_capped(folder / CARD, FILE_LIMITS[CARD])
    except FileNotFoundError as error:
        raise IntegrityError("this file is missing", where=str(folder / CARD), hint=VERIFY_HINT) from error
    known = parse_gate_card(data, str(folder / CARD))
    same = (known.members, known.config, known.window, known.simulated) == (
        card.members,
        card.config,
        card.window,
        card.simulated,
    )
    if not same or not math.isclose(known.temperature, card.temperature, rel_tol=1e-6):
        raise UsageError(
            f"a gate with these weights but another meaning is here already ({short(card.weights_sha256)})",
            where=str(folder),
            hint="train with another --seed",
        )
    return {WEIGHTS: weights, CARD: data}


def _commit_gate(root: Path, card: GateCard, entry: GateEntry, expected: str | EllipsisType | None) -> GateEntry:
    def change() -> Generation | None:
        head = read_head(root)
        _check_promotable(head, card, expected)
        if head.gate == entry.digest:
            return None
        keep(root / gate_folder(entry.digest))
        if any(gate.digest == entry.digest and gate != entry for gate in head.gates):
            where = root / gate_folder(entry.digest) / CARD
            raise IntegrityError("these bytes differ from their digest", where=str(where), hint=VERIFY_HINT)
        others = tuple(gate for gate in head.gates if gate.digest != entry.digest)
        return head.next(f"retrain-gate {short(entry.digest)}", gates=(*others, entry), gate=entry.digest)

    commit(root, change)
    return entry
