"""What can be asked for by name: the mixture, the plain mean of its experts, and every expert; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tfbs_hub.cards import ExpertCard, GateCard
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.registry import GateRecord

__all__ = ["MEAN", "MIXTURE", "Candidate"]

MIXTURE: Final = "moe"
"""Name of the mixture among models."""
MEAN: Final = "mean"
"""Name of the plain mean of the logits of the mixture's experts."""


@dataclass(frozen=True)
class Candidate:
    """A model that was asked for and not loaded yet: a gate's under a reserved name, or else an expert.

    Attributes:
        name: "moe", "mean" or the expert's own name.
        source: the gate that says which experts are mixed or averaged; or the expert.
    """

    name: str
    source: GateRecord | ExpertSpec

    @property
    def window(self) -> int:
        """Input length in base pairs."""
        return self.source.card.window

    @property
    def card(self) -> dict[str, Any]:
        """Its card as plain values; of the mean, which has none, the experts that it averages."""
        card: ExpertCard | GateCard = self.source.card
        if self.name == MEAN and isinstance(card, GateCard):
            return {"members": [{"name": member.name, "digest": member.digest} for member in card.members]}
        plain: dict[str, Any] = msgspec.to_builtins(card, str_keys=True)
        return plain

    @property
    def origin(self) -> str:
        """Who answers for what it computes, in words: its architecture, and the package that brings it, if any."""
        if isinstance(self.source, GateRecord):
            return f"the experts {', '.join(member.name for member in self.source.card.members)}"
        architecture = f"the architecture {self.source.card.architecture}"
        return architecture if self.source.origin == "registry" else f"{architecture}, the package {self.source.origin}"
