"""What the registry holds at one moment, as the screens show it; torch-free."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tfbs_hub.errors import TfbsHubError

if TYPE_CHECKING:
    from tfbs_hub.hookspecs import ExpertSpec
    from tfbs_hub.hub import Hub
    from tfbs_hub.registry import GateRecord, GenerationInfo

__all__ = ["UNFINISHED", "Desk", "short_architecture"]

UNFINISHED: Final = "new-"
"""How the files of evaluations begin that still run, or were stopped."""


@dataclass(frozen=True)
class Desk:
    """A look at a registry.

    Attributes:
        path: its folder.
        read_only: True if nothing may be changed.
        generation: number of the present state; 0 if it is damaged.
        specs: all experts, those of packages included.
        gate: the current one.
        gates: all, in order of promotion.
        history: all generations, oldest first.
        runs: files of finished evaluations, the newest first.
        trouble: what kept it from being read.
    """

    path: Path
    read_only: bool
    generation: int = 0
    specs: tuple[ExpertSpec, ...] = ()
    gate: GateRecord | None = None
    gates: tuple[GateRecord, ...] = ()
    history: tuple[GenerationInfo, ...] = ()
    runs: tuple[Path, ...] = ()
    trouble: TfbsHubError | None = None
    mixed: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def look(cls, hub: Hub, more: Path) -> Self:
        """Look now; `more` is a folder with further finished evaluations (of a registry that may not be written)."""
        registry = hub.registry
        history = tuple(registry.generations())
        runs = _runs(registry.evaluations(), more)
        try:
            gate = registry.gate()
            return cls(
                path=registry.path,
                read_only=registry.read_only,
                generation=registry.head().number,
                specs=tuple(hub.listing()),
                gate=gate,
                gates=tuple(registry.gates()),
                history=history,
                runs=runs,
                mixed=frozenset() if gate is None else frozenset(member.digest for member in gate.card.members),
            )
        except TfbsHubError as error:
            return cls(registry.path, registry.read_only, history=history, runs=runs, trouble=error)

    def spec(self, name: str) -> ExpertSpec | None:
        """An expert by name."""
        return next((spec for spec in self.specs if spec.card.name == name), None)

    def in_gate(self, spec: ExpertSpec) -> bool:
        """True if the current gate mixes this very version."""
        return spec.card.weights_sha256 in self.mixed

    @property
    def models(self) -> list[str]:
        """Everything that can be asked: the mixture, the plain mean, every expert."""
        mixture = [] if self.gate is None else ["moe", *(["mean"] if len(self.gate.card.members) > 1 else [])]
        return mixture + [spec.card.name for spec in self.specs]


def _runs(kept: list[Path], more: Path) -> tuple[Path, ...]:
    """Files by time; one that the registry has counts once."""
    finished = [path for path in more.glob("*.h5") if not path.name.startswith(UNFINISHED)]
    found = {path.stem: path for path in [*finished, *kept]}

    def when(path: Path) -> float:
        try:
            return path.stat().st_mtime
        except OSError:
            return 0.0

    return tuple(sorted(found.values(), key=lambda path: (-when(path), path.name)))


def short_architecture(reference: str) -> str:
    """The last word of `module:Class` that tells it from others: the module of a built-in, else the class."""
    module, _, name = reference.partition(":")
    return module.rpartition(".")[2] if module.startswith("tfbs_hub.experts.") else name or reference
