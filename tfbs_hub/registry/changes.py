"""Changes that bring no new files: enabled or not, out, and back to an older generation.

A change is a function of the newest generation, asked again for each newer one until its result is committed, so two
writers never undo each other; where a change no longer applies, it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfbs_hub.errors import BusyError, IntegrityError, NotFoundError, UsageError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.registry.generation import FileEntry, Generation
from tfbs_hub.registry.history import commit, numbers, read_generation, read_head
from tfbs_hub.registry.reading import not_found, read_spec
from tfbs_hub.registry.storage import VERIFY_HINT, list_folder, touch

__all__ = ["remove", "rollback", "set_enabled"]


def set_enabled(root: Path, name: str, enabled: bool) -> ExpertSpec:
    """Say whether the next gate mixes an expert; see `Registry.set_enabled`."""

    def change() -> Generation | None:
        head = read_head(root)
        known = _known(head, name)
        entry = head.experts[known]
        if entry.enabled == enabled:
            return None
        experts = head.experts | {known: replace(entry, enabled=enabled)}
        return head.next(f"{'enable' if enabled else 'disable'} {known}", experts=experts)

    head = commit(root, change) or read_head(root)
    known = _known(head, name)
    return read_spec(root, known, head.experts[known])


def remove(root: Path, name: str) -> None:
    """Take an expert out of the registry's state; see `Registry.remove`."""

    def change() -> Generation:
        head = read_head(root)
        known = _known(head, name)
        gate = head.current_gate()
        if gate and head.experts[known].digest in gate.members:
            raise UsageError(
                f"the current gate mixes {known}",
                hint=f"`tfbs-hub disable {known}`, then `tfbs-hub retrain-gate`, then remove it",
            )
        left = {key: entry for key, entry in head.experts.items() if key != known}
        return head.next(f"remove {known}", experts=left)

    commit(root, change)


def _known(head: Generation, name: str) -> str:
    known = head.find_name(name)
    if known is None:
        raise not_found(name, head)
    return known


def rollback(root: Path, number: int | None = None) -> Generation:
    """Commit the state of an older generation anew; see `Registry.rollback`."""
    seen = numbers(root)[-1:]

    def change() -> Generation:
        known = numbers(root)
        if number is None and known[-1:] != seen:
            raise BusyError("the registry was changed just now", hint="look at what is there now, then try again")
        target = _rollback_target(root, known, number)
        for folder, files in target.folders().items():
            _check_present(root / folder, files)
        return replace(target, number=known[-1] + 1, action=f"rollback to {target.number}")

    return commit(root, change) or read_head(root)


def _rollback_target(root: Path, known: list[int], number: int | None) -> Generation:
    if not known:
        raise IntegrityError("all generations are missing", where=str(root), hint=VERIFY_HINT)
    if number is not None:
        if number == known[-1]:
            read_head(root)
            raise UsageError(f"generation {number} is the present state")
        return read_generation(root, number)
    try:
        parent = read_head(root).parent
    except IntegrityError:
        return _newest_sound(root, known[:-1])
    if parent is None:
        raise NotFoundError("there is no earlier state to go back to", where=str(root))
    return read_generation(root, parent)


def _newest_sound(root: Path, known: list[int]) -> Generation:
    for number in reversed(known):
        try:
            return read_generation(root, number)
        except IntegrityError:
            continue
    raise IntegrityError("no generation is sound", where=str(root), hint=VERIFY_HINT)


def _check_present(folder: Path, files: Mapping[str, FileEntry]) -> None:
    """Keep a folder from `gc` and see that its files are there; their bytes are checked whenever they are read."""
    try:
        touch(folder)
    except FileNotFoundError:
        missing = list(files)
    else:
        missing = [name for name in files if name not in list_folder(folder)]
    if missing:
        raise IntegrityError(
            f"that state needs {', '.join(sorted(missing))}, missing here", where=str(folder), hint=VERIFY_HINT
        )
