"""One generation: a complete, self-checksummed snapshot of what a registry holds.

    {"action": "add-expert STAT3@0123456789ab", "checksum": SHA256 of the same document without this key,
     "experts": {"STAT3": {"digest": ..., "enabled": true, "files": {"card.json": {"sha256": ..., "size": ...}, ...},
                           "version": "0123456789ab"}},
     "format": "tfbs-hub-generation", "format_version": 1, "gate": null, "gates": [], "number": 2, "parent": 1,
     "superseded": {}}

The document is canonical JSON, and only its canonical bytes are accepted: a changed bit shows, and so does a line end
that some tool "corrected". It holds no times and no paths outside the registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import IntegrityError, UsageError
from tfbs_hub.names import DIGEST, check_name, short
from tfbs_hub.registry.layout import CARD, FILE_LIMITS, VERSION, WEIGHTS, expert_folder, gate_folder
from tfbs_hub.registry.storage import sha256

__all__ = ["FORMAT", "FORMAT_VERSION", "ExpertEntry", "FileEntry", "GateEntry", "Generation", "parse_generation"]

FORMAT: Final = "tfbs-hub-generation"
FORMAT_VERSION: Final = 1
_HINT: Final = "run `tfbs-hub verify` to see all that is damaged; `tfbs-hub rollback` goes back to a sound generation"


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """sha256 and size in bytes of one file."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class ExpertEntry:
    """One version of an expert.

    Attributes:
        digest: sha256 of its weights.
        version: name of its folder in `experts/NAME/`.
        enabled: True if the next gate will mix it.
        files: the files in that folder.
    """

    digest: str
    version: str
    enabled: bool
    files: dict[str, FileEntry]


@dataclass(frozen=True, kw_only=True)
class GateEntry:
    """One gate: digest of its weights, digests of the expert versions that it mixes, its files."""

    digest: str
    members: tuple[str, ...]
    files: dict[str, FileEntry]


@dataclass(frozen=True, kw_only=True)
class Generation:
    """The state of a registry.

    Attributes:
        number: place in the row of generations, from 1.
        parent: the generation that this state grew from; a rollback has its target's parent, so that rolling back
            again goes one step further back. None for the first.
        action: what was done ("add-expert STAT3@0123456789ab").
        experts: the experts by name.
        superseded: versions replaced by a newer one of the same name, kept while the current gate mixes them.
        gates: every gate of this line of history, in order of promotion.
        gate: digest of the current gate.
    """

    number: int
    parent: int | None
    action: str
    experts: dict[str, ExpertEntry] = field(default_factory=dict)
    superseded: dict[str, tuple[ExpertEntry, ...]] = field(default_factory=dict)
    gates: tuple[GateEntry, ...] = ()
    gate: str | None = None

    def next(self, action: str, **changes: Any) -> Generation:
        """The generation after this one, with some attributes changed."""
        return replace(self, number=self.number + 1, parent=self.number, action=action, **changes)._tidied()

    def _tidied(self) -> Generation:
        gate = self.current_gate()
        needed = set(gate.members) if gate else set()
        needed -= {entry.digest for entry in self.experts.values()}
        left = {
            name: tuple(entry for entry in entries if entry.digest in needed)
            for name, entries in self.superseded.items()
        }
        return replace(self, superseded={name: entries for name, entries in left.items() if entries})

    def current_gate(self) -> GateEntry | None:
        """The entry of the current gate."""
        return next((entry for entry in self.gates if entry.digest == self.gate), None)

    def find_name(self, name: str) -> str | None:
        """The name of an expert as the registry writes it, found regardless of case."""
        return next((known for known in self.experts if known.lower() == name.lower()), None)

    def versions(self) -> Iterator[tuple[str, ExpertEntry]]:
        """Every expert version with its expert's name: the present ones, then the superseded ones."""
        yield from self.experts.items()
        for name, entries in self.superseded.items():
            for entry in entries:
                yield name, entry

    def folders(self) -> dict[str, dict[str, FileEntry]]:
        """Every folder that this state needs, relative to the registry, with its files."""
        found = {expert_folder(name, entry.version): entry.files for name, entry in self.versions()}
        return found | {gate_folder(entry.digest): entry.files for entry in self.gates}

    def to_json(self) -> bytes:
        """The canonical bytes, checksum included."""
        document = msgspec.to_builtins(self) | {"format": FORMAT, "format_version": FORMAT_VERSION}
        return canonical_json(document | {"checksum": sha256(canonical_json(document))})


def parse_generation(data: bytes, where: str) -> Generation:
    """Read a generation; raises `IntegrityError` naming `where` unless it is exactly what was once written."""
    try:
        raw = msgspec.json.decode(data)
        if not isinstance(raw, dict) or raw.get("format") != FORMAT:
            raise IntegrityError("this is not a generation of a registry", where=where, hint=_HINT)
        version = raw.get("format_version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise IntegrityError(
                f"this generation has format version {version}; this tfbs-hub reads up to {FORMAT_VERSION}",
                where=where,
                hint="update tfbs-hub",
            )
        generation = msgspec.convert(raw, Generation)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise IntegrityError(f"this generation is damaged: {error}", where=where, hint=_HINT) from error
    if generation.to_json() != data:
        raise IntegrityError("this generation is damaged: its checksum does not fit", where=where, hint=_HINT)
    wrong = _wrong(generation)
    if wrong:
        raise IntegrityError(f"this generation is not sound: {wrong}", where=where, hint=_HINT)
    return generation


def _wrong(generation: Generation) -> str | None:
    """What a well-formed generation says that cannot be; None if all is well."""
    if generation.number < 1:
        return "number"
    for name, entry in generation.versions():
        try:
            check_name(name)
        except UsageError as error:
            return error.what
        if not VERSION.fullmatch(entry.version) or not entry.version.startswith(short(entry.digest)):
            return f"experts: {name}: version"
        if _wrong_files(entry.digest, entry.files):
            return f"experts: {name}: files"
    if len({name.lower() for name in generation.experts}) < len(generation.experts):
        return "experts: two names differ only in case"
    return _wrong_gates(generation)


def _wrong_gates(generation: Generation) -> str | None:
    digests = [entry.digest for entry in generation.gates]
    if len({short(digest) for digest in digests}) < len(digests):
        return "gates: one is listed twice"
    for entry in generation.gates:
        if _wrong_files(entry.digest, entry.files):
            return f"gates: {short(entry.digest)}: files"
    gate = generation.current_gate()
    if generation.gate is not None and gate is None:
        return "gate: it is not among the gates"
    if gate and not set(gate.members) <= {entry.digest for _, entry in generation.versions()}:
        return "gate: an expert that it mixes is missing"
    return None


def _wrong_files(digest: str, files: dict[str, FileEntry]) -> bool:
    if not {WEIGHTS, CARD} <= set(files) <= set(FILE_LIMITS) or files[WEIGHTS].sha256 != digest:
        return True
    return any(not DIGEST.fullmatch(file.sha256) or file.size < 0 for file in files.values())
