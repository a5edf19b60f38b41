"""Adding an expert version.

Folders are named by the weights. Two versions may share weights and differ in their card (another licence, another
gate set): the second one's folder gets a suffix made of its files' digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfbs_hub.cards import ExpertCard, canonical_json
from tfbs_hub.errors import BusyError, IntegrityError, UsageError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.names import check_name, short
from tfbs_hub.registry.contents import PLACING_TRIES, TakenAwayError, Validate, checked_contents, entries, keep
from tfbs_hub.registry.generation import ExpertEntry, Generation
from tfbs_hub.registry.history import commit, read_head, settle
from tfbs_hub.registry.layout import CARD, FILE_LIMITS, GATE_SET, WEIGHTS, expert_folder
from tfbs_hub.registry.reading import read_spec
from tfbs_hub.registry.staging import place_folder
from tfbs_hub.registry.storage import VERIFY_HINT, read_checked, sha256

__all__ = ["add_expert"]


def add_expert(
    root: Path,
    card: ExpertCard,
    files: Mapping[str, bytes],
    *,
    enabled: bool = True,
    validate: Validate | None = None,
    replace_version: bool = False,
) -> ExpertSpec:
    """Add an expert version; see `Registry.add_expert`."""
    contents = _expert_contents(card, files)
    placed = ExpertEntry(digest=card.weights_sha256, version="", enabled=enabled, files=entries(contents))
    if kept := _already_there(read_head(root), card, placed, replace_version):
        settle(root)
        return read_spec(root, card.name, kept)
    for _ in range(PLACING_TRIES):
        entry = replace(placed, version=_place_expert(root, card, contents, validate))
        try:
            return read_spec(root, card.name, _commit_expert(root, card, entry, replace_version))
        except TakenAwayError:
            continue
    raise BusyError("`tfbs-hub gc` keeps removing the new files", where=str(root), hint="run the command again")


def _expert_contents(card: ExpertCard, files: Mapping[str, bytes]) -> dict[str, bytes]:
    check_name(card.name)
    if not {WEIGHTS} <= set(files) <= {WEIGHTS, GATE_SET}:
        raise UsageError(f"an expert's files are {WEIGHTS} and maybe {GATE_SET}, not {', '.join(sorted(files))}")
    if (card.gate_set.kind == "stored") != (GATE_SET in files):
        raise IntegrityError(
            f"the card says that the gate set is {card.gate_set.kind!r}, which does not fit the files",
            where=f"{card.name}: gate_set",
        )
    return checked_contents({**files, CARD: card.to_json()}, card.weights_sha256, card.name)


def _already_there(head: Generation, card: ExpertCard, new: ExpertEntry, replace_version: bool) -> ExpertEntry | None:
    """The entry that makes adding needless; None if there is something to add. Raises if the name is taken."""
    name = head.find_name(card.name)
    if name is None:
        return None
    known = head.experts[name]
    if name != card.name:
        raise UsageError(
            f"{card.name!r} differs only in case from the expert {name!r}",
            hint="add-expert and import take another name with --name",
        )
    if known.digest == new.digest and (not replace_version or known.files == new.files):
        return known
    if not replace_version:
        raise UsageError(
            f"the registry already has another {name} ({short(known.digest)})",
            hint="add-expert and import take another name with --name; or take the old one away first: "
            f"`tfbs-hub remove {name}`",
        )
    return None


def _place_expert(root: Path, card: ExpertCard, contents: dict[str, bytes], validate: Validate | None) -> str:
    version = short(card.weights_sha256)
    if place_folder(root, expert_folder(card.name, version), contents, validate):
        return version
    # Raises if what is there is not these weights: damage, which nobody should build on.
    weights = root / expert_folder(card.name, version) / WEIGHTS
    read_checked(weights, card.weights_sha256, FILE_LIMITS[WEIGHTS])
    version = f"{version}-{sha256(canonical_json(entries(contents)))[:8]}"
    if place_folder(root, expert_folder(card.name, version), contents, validate):
        return version
    raise IntegrityError(
        "other files are where this version belongs", where=str(weights.parent.parent / version), hint=VERIFY_HINT
    )


def _commit_expert(root: Path, card: ExpertCard, entry: ExpertEntry, replace_version: bool) -> ExpertEntry:
    kept = entry

    def change() -> Generation | None:
        nonlocal kept
        head = read_head(root)
        there = _already_there(head, card, entry, replace_version)
        if there is not None:
            kept = there
            return None
        keep(root / expert_folder(card.name, entry.version))
        superseded = head.superseded
        if old := head.experts.get(card.name):
            superseded = superseded | {card.name: (*superseded.get(card.name, ()), replace(old, enabled=False))}
        return head.next(
            f"add-expert {card.name}@{short(entry.digest)}",
            experts=head.experts | {card.name: entry},
            superseded=superseded,
        )

    commit(root, change)
    return kept
