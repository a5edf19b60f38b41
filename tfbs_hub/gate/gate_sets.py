"""Gate sets: the sequences that a gate learns from, one set for each expert.

Positives are rows that the expert's own training did not fit (a gate that is fitted on its experts' training
rows rewards memorisers); negatives are exact dinucleotide shuffles with a fixed seed; a fifth is held out for
validation. A set is stored beside the weights, referenced (public file and rows), or simulated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.cards import DataFile, ExpertCard, GateSetSpec
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError
from tfbs_hub.limits import MAX_GATE_SET_BYTES
from tfbs_hub.registry.storage import read_checked
from tfbs_hub.seeding import derive, generator
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.hdf5 import from_bytes, open_dataset, to_bytes
from tfbs_hub.sequences.safe_hdf5 import read_tree
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle

__all__ = [
    "MAX_POSITIVES",
    "STRONGEST",
    "VALIDATION",
    "GateSet",
    "build",
    "from_dataset",
    "gate_set_seed",
    "no_gate_set",
    "parse_stored",
    "read_stored",
    "rebuild",
    "stored_bytes",
]

VALIDATION: Final = 0.2
"""Share of positives (each with its shuffle) that is held out to choose the epoch and the temperature."""
MAX_POSITIVES: Final = 6000
"""More positives than this add time, not accuracy."""
_MIN_POSITIVES: Final = 10
STRONGEST: Final = 500
"""Bound rows at the head of a public file that count as strong: these files list their strongest peaks first, and leave
every other one of the first thousand to the test file."""


@dataclass(frozen=True, eq=False)
class GateSet:
    """Sequences for the gate.

    Attributes:
        name: its expert's name, or the stem of the user's file.
        codes: uint8 (n, length).
        labels: int8 (n,).
        validation: bool (n,), True for rows that are never fitted.
        kind: "stored", "referenced", "simulated" or "given".
        simulated: True if no experiment stands behind the rows.
        strong: bool (n,), the strongest peaks and their negatives; None where nobody knows how strong the peaks are.
    """

    name: str
    codes: NDArray[np.uint8]
    labels: NDArray[np.int8]
    validation: NDArray[np.bool_]
    kind: str = "given"
    simulated: bool = False
    strong: NDArray[np.bool_] | None = None
    _digest: list[str] = field(default_factory=list, repr=False)

    @property
    def digest(self) -> str:
        """sha256 over shape, codes, labels and split."""
        if not self._digest:
            body = hashlib.sha256(f"tfbs-hub-gate-set 1 {self.codes.shape}\n".encode())
            for array in (self.codes, self.labels.astype(np.int8), self.validation.astype(np.uint8)):
                body.update(np.ascontiguousarray(array).tobytes())
            self._digest.append(body.hexdigest())
        return self._digest[0]

    def __len__(self) -> int:
        return len(self.codes)


def build(
    name: str, positives: NDArray[np.uint8], seed: int, *, kind: str = "given", simulated: bool = False
) -> GateSet:
    """A gate set from positives (n, length): an exact shuffle of each as its negative, and a seeded split."""
    if len(positives) < _MIN_POSITIVES:
        raise InputError(
            f"{len(positives)} positives are too few for a gate set",
            where=name,
            hint=f"give at least {_MIN_POSITIVES} sequences",
        )
    shuffled = dinucleotide_shuffle(positives, generator(seed, "gate-set", "shuffle"))
    held_out = _held_out(len(positives), seed)
    return GateSet(
        name=name,
        codes=np.concatenate([positives, shuffled]),
        labels=np.repeat(np.array([1, 0], dtype=np.int8), len(positives)),
        validation=np.concatenate([held_out, held_out]),
        kind=kind,
        simulated=simulated,
    )


def from_dataset(name: str, dataset: SequenceDataset, seed: int) -> GateSet:
    """A gate set from the user's own sequences: their negatives if they brought any, else shuffles."""
    if dataset.labels is None or bool((dataset.labels == 1).all()):
        return build(name, dataset.codes, seed, simulated=dataset.simulated)
    if not (dataset.labels == 1).any():
        raise InputError("none of these sequences is labelled as bound", where=name)
    validation = _held_out(len(dataset), seed)
    for part in (validation, ~validation):
        if len(np.unique(dataset.labels[part])) < 2:
            raise InputError("too few sequences of either label for a gate set", where=name)
    return GateSet(
        name=name, codes=dataset.codes, labels=dataset.labels, validation=validation, simulated=dataset.simulated
    )


def _held_out(rows: int, seed: int) -> NDArray[np.bool_]:
    order = generator(seed, "gate-set", "split").permutation(rows)
    held_out = np.zeros(rows, dtype=np.bool_)
    held_out[order[: max(1, round(rows * VALIDATION))]] = True
    return held_out


def stored_bytes(gate_set: GateSet) -> bytes:
    """The bytes of `gate-set.h5`: a data set with its split; the same set gives the same bytes."""
    dataset = SequenceDataset(
        codes=gate_set.codes,
        labels=gate_set.labels,
        ids=[str(row) for row in range(len(gate_set))],
        source="gate-set",
        simulated=gate_set.simulated,
    )
    return to_bytes(dataset, arrays={"split": gate_set.validation.astype(np.int8)})


def read_stored(name: str, path: Path, spec: GateSetSpec, *, sha256: str | None = None) -> GateSet:
    """Read `gate-set.h5` and check it against the card.

    Args:
        name: its expert's.
        path: the file.
        spec: what the card says of it.
        sha256: of the file's bytes, as the user's own registry recorded it. A file that has it is read in this
            process, which is quicker: it was made here, or was read in another one when it came in. Without it the
            file is from elsewhere (see `sequences.foreign_hdf5`).

    Raises:
        IntegrityError: it is damaged, or not what the card promises.
        NotFoundError: it is not there, and nobody said that it would be.
    """
    if sha256 is None:
        return _stored(name, *open_dataset(path), spec)
    data = read_checked(path, sha256, MAX_GATE_SET_BYTES)
    return _stored(name, *from_bytes(data, where=str(path), read=read_tree), spec)


def parse_stored(name: str, data: bytes, spec: GateSetSpec) -> GateSet:
    """As `read_stored`, from the bytes of a `gate-set.h5` that came from elsewhere."""
    return _stored(name, *from_bytes(data, where=f"gate set of {name}"), spec)


def _stored(name: str, dataset: SequenceDataset, arrays: Mapping[str, NDArray[Any]], spec: GateSetSpec) -> GateSet:
    split = arrays.get("split")
    if dataset.labels is None or split is None or split.shape != (len(dataset),):
        raise IntegrityError("a gate set needs labels and a split", where=f"gate set of {name}")
    return _checked(
        GateSet(
            name=name,
            codes=dataset.codes,
            labels=dataset.labels,
            validation=split.astype(np.bool_),
            kind="stored",
            simulated=spec.simulated,
        ),
        spec,
    )


def rebuild(card: ExpertCard, locate: Callable[[DataFile], Path], load: Callable[[Path], SequenceDataset]) -> GateSet:
    """Rebuild a referenced gate set from its public file.

    Raises:
        NotFoundError: the file cannot be had (what `locate` raises).
        IntegrityError: what was rebuilt is not what the card promises.
    """
    spec = card.gate_set
    if spec.file is None:
        raise IntegrityError("a referenced gate set must name its file", where=f"{card.name}: gate_set")
    bound = load(locate(spec.file)).positives()
    if not spec.positives or min(spec.positives) < 0 or max(spec.positives) >= len(bound):
        raise IntegrityError(f"{spec.file.name} has no such rows", where=f"{card.name}: gate_set.positives")
    rows = np.array(spec.positives)
    found = build(card.name, bound.codes[rows], spec.seed, kind="referenced", simulated=spec.simulated)
    return _checked(replace(found, strong=np.tile(rows < STRONGEST, 2)), spec)


def _checked(gate_set: GateSet, spec: GateSetSpec) -> GateSet:
    if gate_set.digest != spec.digest:
        raise IntegrityError(
            f"the gate set has digest {gate_set.digest[:12]}, the card says {spec.digest[:12]}",
            where=gate_set.name,
            hint="add the expert again, or give other sequences with --data",
        )
    return gate_set


def gate_set_seed(seed: int) -> int:
    """The seed of an expert's gate set, from the seed of its training."""
    return derive(seed, "gate-set") % (1 << 31)


def no_gate_set(card: ExpertCard) -> NotFoundError:
    """The error for an expert that came without a gate set."""
    return NotFoundError(
        f"{card.name} came without a gate set",
        hint="leave it out with --experts, add sequences with --data FILE, or allow --simulated-gate-sets",
    )
