"""What a part of the campaign found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Figures"]


@dataclass
class Figures:
    """A row of the table.

    Attributes:
        name: what was done to the registry.
        cases: how often.
        bad: what was wrong afterwards, one line for each bad case.
        note: what else is worth knowing.
    """

    name: str
    cases: int = 0
    bad: list[str] = field(default_factory=list)
    note: str = ""

    def count(self, case: str, wrong: list[str]) -> None:
        """Count a case, with what is wrong after it."""
        self.cases += 1
        self.bad += [f"{case}: {what}" for what in wrong[:1]]

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "cases": self.cases, "bad": self.bad, "note": self.note}
