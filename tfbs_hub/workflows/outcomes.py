"""What a change of the registry gives back: what is new, and proof that nothing else changed; torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfbs_hub.cards import GateCard
from tfbs_hub.errors import IntegrityError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.registry import Registry

__all__ = ["Added", "Retrained", "unchanged"]


@dataclass(frozen=True)
class Added:
    """An expert that was added.

    Attributes:
        spec: as the registry holds it now.
        untouched: path and sha256 of every older weights file: hashed before and after, and found equal.
    """

    spec: ExpertSpec
    untouched: Mapping[str, str]


@dataclass(frozen=True)
class Retrained:
    """A gate that became current.

    Attributes:
        card: the new gate's card.
        previous: digest of the gate before; None if this is the first.
        before: AUROC of the gate before on each gate set; None where it cannot be said.
        computed, reused: embeddings (pairs of expert and gate set) that were computed, and that were at hand.
        embedding_seconds: wall-clock time spent on getting them.
        untouched: path and sha256 of every expert's weights file: hashed before and after, and found equal.
    """

    card: GateCard
    previous: str | None
    before: Mapping[str, float | None]
    computed: int
    reused: int
    embedding_seconds: float
    untouched: Mapping[str, str]


def unchanged(registry: Registry, before: Mapping[str, str]) -> dict[str, str]:
    """The weights files of `before` that are still there, hashed anew; raises `IntegrityError` if one differs."""
    after = {path: digest for path, digest in registry.snapshot_digests().items() if path in before}
    for path, digest in after.items():
        if digest != before[path]:
            raise IntegrityError("this file changed while the command ran", where=path, hint="run `tfbs-hub verify`")
    return after
