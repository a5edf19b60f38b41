"""Is everything still what it was? Reads every byte that any generation names, and raises nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.registry.collect import version_folders
from tfbs_hub.registry.generation import FileEntry, Generation
from tfbs_hub.registry.history import numbers, read_generation
from tfbs_hub.registry.layout import (
    EVALUATIONS,
    FORMAT_FILE,
    GATES,
    GENERATIONS,
    LOCK,
    TMP,
    expert_folder,
    gate_folder,
    generation_file,
    generation_number,
)
from tfbs_hub.registry.reading import GateRecord, read_gate, read_spec
from tfbs_hub.registry.storage import hash_file

__all__ = ["Finding", "verify"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        severity: "error" for damage, "note" for what is merely untidy.
        path: the file or folder, relative to the registry.
        what: what is wrong, one sentence without a full stop.
        hint: what to do next.
    """

    severity: Literal["error", "note"]
    path: str
    what: str
    hint: str = ""


def verify(
    root: Path,
    check: Callable[[ExpertSpec], None] | None = None,
    check_gate: Callable[[GateRecord], None] | None = None,
) -> list[Finding]:
    """Check the whole registry; see `Registry.verify`."""
    known = numbers(root)
    sound, findings = _generations(root, known)
    folders: dict[str, dict[str, FileEntry]] = {}
    for generation in sound:
        folders |= generation.folders()
    damaged: set[str] = set()
    for folder, files in sorted(folders.items()):
        for finding in _files(root, folder, files):
            damaged.add(folder)
            findings.append(finding)
    findings += _cards(root, sound, damaged)
    if sound and sound[-1].number == known[-1]:
        findings += _deep(root, sound[-1], damaged, check, check_gate)
    findings += _strays(root, folders, complete=len(sound) == len(known))
    return findings


def _generations(root: Path, known: list[int]) -> tuple[list[Generation], list[Finding]]:
    sound: list[Generation] = []
    findings: list[Finding] = []
    if not known:
        findings.append(Finding(severity="error", path=GENERATIONS, what="all generations are missing"))
    for number in known:
        try:
            sound.append(read_generation(root, number))
        except TfbsHubError as error:
            hint = "`tfbs-hub rollback` goes back to the newest sound generation" if number == known[-1] else ""
            hint = error.hint or "" if error.hint == "update tfbs-hub" else hint
            findings.append(Finding(severity="error", path=generation_file(number), what=error.what, hint=hint))
    return sound, findings


def _files(root: Path, folder: str, files: dict[str, FileEntry]) -> Iterator[Finding]:
    owner = folder.split("/")[1]
    hint = f"restore it from a copy, or `tfbs-hub remove {owner}` (train a gate without it first) and add it again"
    if folder.startswith(GATES):
        hint = "restore it from a copy, or run `tfbs-hub retrain-gate`"
    for name, entry in sorted(files.items()):
        path = f"{folder}/{name}"
        try:
            digest, size = hash_file(root / path)
        except FileNotFoundError:
            yield Finding(severity="error", path=path, what="this file is missing", hint=hint)
        except TfbsHubError as error:
            yield Finding(severity="error", path=path, what=error.what, hint=error.hint or hint)
        else:
            if size != entry.size:
                what = f"this file has {size} bytes instead of {entry.size}"
                yield Finding(severity="error", path=path, what=what, hint=hint)
            elif digest != entry.sha256:
                yield Finding(severity="error", path=path, what="these bytes differ from their digest", hint=hint)


def _cards(root: Path, sound: Iterable[Generation], damaged: set[str]) -> list[Finding]:
    """Cards whose bytes are right but whose meaning is not; each folder once."""
    readers: dict[str, Callable[[], object]] = {}
    for generation in sound:
        for name, entry in generation.versions():
            folder = expert_folder(name, entry.version)
            readers[folder] = partial(read_spec, root, name, entry)
        for gate in generation.gates:
            readers[gate_folder(gate.digest)] = partial(read_gate, root, gate, current=False)
    findings = (_tried(root, folder, reader) for folder, reader in readers.items() if folder not in damaged)
    return [finding for finding in findings if finding]


def _tried(root: Path, folder: str, reader: Callable[[], object]) -> Finding | None:
    try:
        reader()
    except TfbsHubError as error:
        where = (error.where or folder).removeprefix(f"{root}/")
        return Finding(severity="error", path=where, what=error.what, hint=error.hint or "")
    return None


def _deep(
    root: Path,
    head: Generation,
    damaged: set[str],
    check: Callable[[ExpertSpec], None] | None,
    check_gate: Callable[[GateRecord], None] | None,
) -> list[Finding]:
    """What the callers' own checks (predictions, shapes) say of the present state."""
    looks: dict[str, Callable[[], None]] = {}
    gate = head.current_gate()
    if check:
        for name, entry in head.versions():
            folder = expert_folder(name, entry.version)
            looks[folder] = partial(_look, check, partial(read_spec, root, name, entry))
    if check_gate and gate:
        looks[gate_folder(gate.digest)] = partial(_look, check_gate, partial(read_gate, root, gate, current=True))
    findings = (_tried(root, folder, look) for folder, look in looks.items() if folder not in damaged)
    # A sound gate over a damaged expert meets the damage that is known already.
    return [finding for finding in findings if finding and finding.path.rpartition("/")[0] not in damaged]


def _look(check: Callable[[T], None], read: Callable[[], T]) -> None:
    check(read())


def _strays(root: Path, named: dict[str, dict[str, FileEntry]], *, complete: bool) -> list[Finding]:
    orphans = version_folders(root) - set(named)
    findings = [
        Finding(
            severity="note",
            path=folder,
            what="no generation names this folder",
            hint="`tfbs-hub gc` lists what can be removed",
        )
        # A damaged generation may name them: then nothing can be said.
        for folder in (sorted(orphans) if complete else ())
    ]
    expected = {f"{folder}/{name}" for folder, files in named.items() for name in files}
    for path in _all_files(root):
        inside = path.rpartition("/")[0]
        if path not in expected and inside not in orphans and not _known(path):
            findings.append(Finding(severity="note", path=path, what="this file does not belong to the registry"))
    return findings


def _all_files(root: Path) -> list[str]:
    found = (Path(folder, name) for folder, _, names in os.walk(root) for name in names)
    return sorted(path.relative_to(root).as_posix() for path in found)


def _known(path: str) -> bool:
    first, _, rest = path.partition("/")
    if first == GENERATIONS:
        return generation_number(rest) is not None
    return first in {FORMAT_FILE, LOCK, TMP} or (first == EVALUATIONS and rest.endswith(".h5") and "/" not in rest)
