"""What an expert has learned, as rows of reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfbs_hub.attribution.learned import LearnedMotif, LearnedMotifs

__all__ = ["motif_lines", "motif_records"]

_SHOWN = 6


def motif_lines(learned: LearnedMotifs | None, name: str) -> str:
    """A line for each of the most frequent families, or how to get them."""
    if learned is None:
        return f"not computed yet: tfbs-hub show {name} --motifs"
    head = (
        f"seqlets in {learned.with_seqlets:,} of {learned.sequences:,} sequences ({learned.data}), "
        f"by {learned.method}; CAPITALS where 70 % of the sites agree"
    )
    known = [motif for motif in learned.motifs if motif.family]
    unknown = sum(motif.seqlets for motif in learned.motifs if not motif.family)
    lines = [head, *(_line(motif, learned.sequences) for motif in known[:_SHOWN])]
    if len(known) > _SHOWN:
        lines.append(f"{len(known) - _SHOWN:,} rarer families: --json lists them")
    if unknown:
        lines.append(f"{unknown:,} seqlets look like nothing in JASPAR")
    return "\n".join(lines)


def motif_records(learned: LearnedMotifs) -> list[dict[str, Any]]:
    """Every family as plain values."""
    return [
        {
            "family": motif.family,
            "name": motif.name,
            "matrix": motif.matrix,
            "seqlets": motif.seqlets,
            "sequences": motif.sequences,
            "consensus": motif.consensus,
            "counts": [list(row) for row in motif.counts],
        }
        for motif in learned.motifs
    ]


def _line(motif: LearnedMotif, sequences: int) -> str:
    share = f"{motif.sequences / max(sequences, 1):.0%}"
    return f"{share:>4}  {motif.consensus:<18} {motif.family} (like {motif.name} {motif.matrix})"
