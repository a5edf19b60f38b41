"""`Registry`: the one object to talk to about what is on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import EllipsisType
from typing import Final

import msgspec

from tfbs_hub.cards import ExpertCard, GateCard, canonical_json
from tfbs_hub.errors import IntegrityError, NotFoundError, ReadOnlyError, UsageError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.limits import MAX_FORMAT_BYTES, MAX_WEIGHTS_BYTES
from tfbs_hub.registry import adding, changes, collect, evaluations, history, promotion, reading
from tfbs_hub.registry import verify as verification
from tfbs_hub.registry.contents import Validate
from tfbs_hub.registry.generation import Generation
from tfbs_hub.registry.history import GenerationInfo
from tfbs_hub.registry.layout import (
    EVALUATIONS,
    EXPERTS,
    FILE_LIMITS,
    FORMAT_FILE,
    GATE_SET,
    GATES,
    GENERATIONS,
    LOCK,
    TMP,
    WEIGHTS,
)
from tfbs_hub.registry.reading import GateRecord
from tfbs_hub.registry.staging import link_new, staging
from tfbs_hub.registry.storage import (
    hash_file,
    list_folder,
    make_folder,
    read_capped,
    read_checked,
    storage_errors,
    sync_above,
    sync_folder,
)

__all__ = ["FORMAT", "FORMAT_VERSION", "Registry"]

FORMAT: Final = "tfbs-hub-registry"
FORMAT_VERSION: Final = 1
_LAYOUT: Final = frozenset({EVALUATIONS, EXPERTS, FORMAT_FILE, GATE_SET, GATES, GENERATIONS, LOCK, TMP})


class Registry:
    """A folder of experts and gates, read as its newest generation says and changed only by committing another.

    Every method looks at the disk anew, so that what another process added is seen at once. Methods that change
    something return when the change is on disk; they raise `ReadOnlyError` where the registry may not be written,
    `StorageError` where the file system refuses, and `IntegrityError` where the newest generation is damaged.

    Attributes:
        path: the folder.
        read_only: True if nothing may be changed.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only

    @classmethod
    def create(cls, path: Path) -> Registry:
        """Make an empty registry in a new or empty folder; raises `UsageError` if something is there already."""
        path = path.absolute()
        with storage_errors(path):
            if path.exists() and not path.is_dir():
                raise UsageError("a file is in the place of the registry", where=str(path))
        present = set(list_folder(path))
        if FORMAT_FILE in present:
            raise UsageError("there is a registry already", where=str(path))
        if present - _LAYOUT:
            raise UsageError(
                "this folder holds other things", where=str(path), hint="name a new or empty folder for the registry"
            )
        make_folder(path)
        sync_above(path)
        if history.numbers(path):
            history.settle(path)  # by one who was killed here, or is just as far
        else:
            history.publish(path, Generation(number=1, parent=None, action="create"))
        sync_folder(path)
        # Last, for this file is what makes a folder a registry.
        with staging(path) as stage:
            data = canonical_json({"format": FORMAT, "format_version": FORMAT_VERSION})
            link_new(stage / FORMAT_FILE, path / FORMAT_FILE, data)
        return cls(path, read_only=False)

    @classmethod
    def open(cls, path: Path, *, read_only: bool | None = None) -> Registry:
        """Open the registry in a folder; with `read_only` None, what the file system permits decides.

        Raises `NotFoundError` if the folder is no registry, `IntegrityError` if its format is unknown. Generations
        are read later, so that a registry with a damaged one can still be verified and rolled back.
        """
        path = path.absolute()
        try:
            data = read_capped(path / FORMAT_FILE, MAX_FORMAT_BYTES)
        except FileNotFoundError as error:
            raise NotFoundError(
                "there is no registry here", where=str(path), hint="name one with --registry or TFBS_HUB_REGISTRY"
            ) from error
        _check_format(data, str(path / FORMAT_FILE))
        return cls(path, read_only=not os.access(path, os.W_OK) if read_only is None else read_only)

    def __repr__(self) -> str:
        return f"Registry({str(self.path)!r}, read_only={self.read_only})"

    def head(self) -> Generation:
        """The newest generation."""
        return history.read_head(self.path)

    def generations(self) -> list[GenerationInfo]:
        """All generations, oldest first, damaged ones included."""
        return history.list_generations(self.path)

    def experts(self) -> list[ExpertSpec]:
        """All experts, by name regardless of case; raises `IntegrityError` if a card is damaged."""
        entries = sorted(self.head().experts.items(), key=lambda item: (item[0].lower(), item[0]))
        return [reading.read_spec(self.path, name, entry) for name, entry in entries]

    def expert(self, name: str) -> ExpertSpec:
        """One expert, its name in any case; raises `NotFoundError` with the names that look like it."""
        head = self.head()
        known = head.find_name(name)
        if known is None:
            raise reading.not_found(name, head)
        return reading.read_spec(self.path, known, head.experts[known])

    def version(self, digest: str, name: str | None = None) -> ExpertSpec:
        """An expert by the digest of its weights, also one that a newer version superseded while the gate mixes it.

        This is how a gate's members are found. Where two experts share weights, `name` says which is preferred.
        """
        found = [(known, entry) for known, entry in self.head().versions() if entry.digest == digest]
        if not found:
            raise NotFoundError(f"no expert has weights with the digest {digest}", where=str(self.path))
        known, entry = next((pair for pair in found if pair[0] == name), found[0])
        return reading.read_spec(self.path, known, entry)

    def gate(self) -> GateRecord | None:
        """The current gate; None if none was trained yet."""
        entry = self.head().current_gate()
        return reading.read_gate(self.path, entry, current=True) if entry else None

    def gates(self) -> list[GateRecord]:
        """All gates of this line of history, in order of promotion."""
        head = self.head()
        return [reading.read_gate(self.path, entry, current=entry.digest == head.gate) for entry in head.gates]

    def read_weights(self, expert: ExpertSpec | str) -> bytes:
        """The bytes of an expert's weights, checked against their digest; a string is the digest.

        An expert that a package offers is read just so. Raises `IntegrityError` if the file is missing or different.
        """
        spec = self.version(expert) if isinstance(expert, str) else expert
        return read_checked(spec.weights, spec.card.weights_sha256, MAX_WEIGHTS_BYTES)

    def read_gate_weights(self, gate: GateRecord) -> bytes:
        """The bytes of a gate's weights, checked against their digest."""
        return read_checked(gate.weights, gate.digest, MAX_WEIGHTS_BYTES)

    def read_gate_set(self, expert: ExpertSpec) -> bytes:
        """The bytes of an expert's stored gate set, checked against its digest; `NotFoundError` if it has none."""
        for folder, files in self.head().folders().items():
            path = self.path / folder / GATE_SET
            if GATE_SET in files and path == expert.gate_set:
                return read_checked(path, files[GATE_SET].sha256, FILE_LIMITS[GATE_SET])
        raise NotFoundError(f"{expert.card.name} has no stored gate set in this registry", where=str(self.path))

    def snapshot_digests(self) -> dict[str, str]:
        """sha256 of every weights file of the present state, hashed anew, by path relative to the registry."""
        paths = [f"{folder}/{WEIGHTS}" for folder in self.head().folders()]
        return {path: self._hashed(path) for path in sorted(paths)}

    def _hashed(self, path: str) -> str:
        try:
            return hash_file(self.path / path)[0]
        except FileNotFoundError as error:
            raise IntegrityError("this file is missing", where=str(self.path / path)) from error

    def add_expert(
        self,
        card: ExpertCard,
        files: Mapping[str, bytes],
        *,
        enabled: bool = True,
        validate: Validate | None = None,
        replace: bool = False,
    ) -> ExpertSpec:
        """Add an expert: `files` holds `weights.safetensors` and, if the card says "stored", `gate-set.h5`.

        `validate` sees the staged folder (card included) and raises to refuse it. Adding weights again that the
        expert already has changes nothing and returns what is there. Raises `UsageError` if the name is taken by
        other weights, unless `replace`: then the old version stays as long as the current gate mixes it.
        """
        self.check_writable()
        return adding.add_expert(self.path, card, files, enabled=enabled, validate=validate, replace_version=replace)

    def add_gate(
        self,
        card: GateCard,
        weights: bytes,
        *,
        validate: Validate | None = None,
        expected: str | EllipsisType | None = ...,
    ) -> GateRecord:
        """Add a gate and make it current; one with the same weights that is here already is made current instead.

        Raises `UsageError` if a member is not in the registry, and `BusyError` if `expected` is given (a digest, or
        None for no gate) and another gate is current.
        """
        self.check_writable()
        return promotion.add_gate(self.path, card, weights, validate=validate, expected=expected)

    def set_enabled(self, name: str, enabled: bool) -> ExpertSpec:
        """Say whether the next gate mixes an expert, and return it; the current gate goes on as it is."""
        self.check_writable()
        return changes.set_enabled(self.path, name, enabled)

    def remove(self, name: str) -> None:
        """Take an expert out; its bytes stay until `gc`. Raises `UsageError` while the current gate mixes it."""
        self.check_writable()
        changes.remove(self.path, name)

    def rollback(self, number: int | None = None) -> Generation:
        """Commit the state of generation `number` anew, and return the new generation.

        By default the state before the present one, so that rolling back twice goes two steps back; if the newest
        generation is damaged, the newest sound one. Raises `NotFoundError` if there is nothing to go back to.
        """
        self.check_writable()
        return changes.rollback(self.path, number)

    def gc(self, *, keep: int = 10, apply: bool = False) -> collect.GcPlan:
        """List what nobody needs (a dry run), or with `apply` remove it.

        That is: generations older than the newest `keep`; versions that no kept generation names and that have been
        idle for an hour; leftovers in `tmp/` (an hour old; a stopped evaluation, a week).
        """
        if apply:
            self.check_writable()
        return collect.collect(self.path, keep=keep, apply=apply)

    def verify(
        self,
        check: Callable[[ExpertSpec], None] | None = None,
        check_gate: Callable[[GateRecord], None] | None = None,
    ) -> list[verification.Finding]:
        """Check every file that any generation names (size, digest, card), and note files that none names.

        `check` and `check_gate` look deeper at the present state and raise any `TfbsHubError` to report; they are
        not called for damaged files.
        """
        return verification.verify(self.path, check, check_gate)

    def place_evaluation(self, run_id: str, source: bytes | Path) -> Path:
        """Keep a finished run's file, given as bytes or as a file to copy; raises `UsageError` if the id is taken."""
        self.check_writable()
        return evaluations.place_evaluation(self.path, run_id, source)

    def evaluations(self) -> list[Path]:
        """The files of all finished runs, by name; a file's stem is its run's id."""
        return evaluations.list_evaluations(self.path)

    def settle_evaluations(self) -> None:
        """Bring the runs down to the disk, for one who relies on a run that another process may have placed just now.

        A registry that is read-only is left as it is.
        """
        if not self.read_only:
            evaluations.settle_evaluations(self.path)

    def check_writable(self) -> None:
        """Raise `ReadOnlyError` if this registry may not be changed: worth asking before hours of training."""
        if self.read_only:
            raise ReadOnlyError(
                "this registry is read-only",
                where=str(self.path),
                hint="name a registry of your own with --registry or TFBS_HUB_REGISTRY",
            )


def _check_format(data: bytes, where: str) -> None:
    hint = f'it holds {{"format": "{FORMAT}", "format_version": {FORMAT_VERSION}}}: restore it'
    try:
        document = msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise IntegrityError(f"this is not a registry's format file: {error}", where=where, hint=hint) from error
    version = document.get("format_version") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("format") != FORMAT or not isinstance(version, int):
        raise IntegrityError("this is not a registry's format file", where=where, hint=hint)
    if version > FORMAT_VERSION:
        raise IntegrityError(
            f"this registry has format version {version}; this tfbs-hub reads up to {FORMAT_VERSION}",
            where=where,
            hint="update tfbs-hub",
        )
