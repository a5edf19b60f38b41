"""The row of generations: which there are, the newest, and how another one is committed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tfbs_hub.errors import BusyError, IntegrityError, NotFoundError
from tfbs_hub.limits import MAX_GENERATION_BYTES
from tfbs_hub.registry.generation import Generation, parse_generation
from tfbs_hub.registry.layout import GENERATIONS, LOCK, generation_file, generation_number
from tfbs_hub.registry.lock import advisory_lock
from tfbs_hub.registry.staging import link_new, staging
from tfbs_hub.registry.storage import VERIFY_HINT, list_folder, make_folder, read_capped, sync_folder

__all__ = [
    "GenerationInfo",
    "commit",
    "list_generations",
    "numbers",
    "publish",
    "read_generation",
    "read_head",
    "settle",
]

_TRIES: Final = 1000


@dataclass(frozen=True, kw_only=True)
class GenerationInfo:
    """One row of the history.

    Attributes:
        number: its number.
        action: what was done; empty if it is damaged.
        damaged: what is wrong with it; empty if it is sound.
        head: True for the newest, which is the present state.
    """

    number: int
    action: str
    damaged: str
    head: bool


def numbers(root: Path) -> list[int]:
    """The numbers of all generations, oldest first."""
    found = (generation_number(name) for name in list_folder(root / GENERATIONS))
    return sorted(number for number in found if number is not None)


def read_generation(root: Path, number: int) -> Generation:
    """One generation, checked; raises `NotFoundError` or `IntegrityError`."""
    path = root / generation_file(number)
    try:
        data = read_capped(path, MAX_GENERATION_BYTES)
    except FileNotFoundError as error:
        known = ", ".join(str(known) for known in numbers(root)[-10:]) or "none"
        raise NotFoundError(f"there is no generation {number}", where=str(root), hint=f"newest: {known}") from error
    generation = parse_generation(data, str(path))
    if generation.number != number:
        raise IntegrityError(
            f"this file holds generation {generation.number} instead of {number}", where=str(path), hint=VERIFY_HINT
        )
    return generation


def read_head(root: Path) -> Generation:
    """The newest generation, which is the present state; `IntegrityError` if it is damaged or there is none."""
    return read_generation(root, _highest(root))


def _highest(root: Path) -> int:
    known = numbers(root)
    if not known:
        raise IntegrityError("all generations are missing", where=str(root / GENERATIONS), hint=VERIFY_HINT)
    return known[-1]


def list_generations(root: Path) -> list[GenerationInfo]:
    """All generations, oldest first; a damaged one is a row that says so."""
    known = numbers(root)
    return [_info(root, number, head=number == known[-1]) for number in known]


def _info(root: Path, number: int, *, head: bool) -> GenerationInfo:
    try:
        action, damaged = read_generation(root, number).action, ""
    except IntegrityError as error:
        action, damaged = "", error.what
    return GenerationInfo(number=number, action=action, damaged=damaged, head=head)


def commit(root: Path, change: Callable[[], Generation | None]) -> Generation | None:
    """Publish what `change` makes of the newest generation; None if it finds nothing to do.

    `change` reads the registry itself and is asked again whenever another writer was faster; it raises if the change
    no longer applies. When this returns, the new generation is on disk.
    """
    with advisory_lock(root / LOCK):
        for attempt in range(_TRIES):
            draft = change()
            if draft is None:
                settle(root)
                return None
            if publish(root, draft):
                return draft
            time.sleep(min(attempt, 20) / 1000)
    raise BusyError("other writers were faster every time", where=str(root), hint="run the command again")


def settle(root: Path) -> None:
    """Bring the newest generation down to the disk, for a change that finds itself done already.

    Whoever published it may have been killed, or be just about to sync it; only then may anybody say that it is done.
    """
    sync_folder(root / GENERATIONS)


def publish(root: Path, generation: Generation) -> bool:
    """Link a new generation into place: the commit. False if its number is taken."""
    data = generation.to_json()
    target = root / generation_file(generation.number)
    # What could not be read again must never become the newest.
    parse_generation(data, str(target))
    make_folder(target.parent)
    with staging(root) as stage:
        return link_new(stage / target.name, target, data)
