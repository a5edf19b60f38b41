"""What is looked at, in words: the sequence and its layers, the base under the cursor, the motifs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from tfbs_hub.tui.text import cut
from tfbs_hub.tui.track.subject import Subject
from tfbs_hub.workbench.messages import Explained, Layer, Mark

__all__ = ["headline", "motif_list", "readout"]


def readout(subject: Subject, place: int, explained: Explained, marks: Mapping[Layer, Sequence[Mark]]) -> Text:
    """Where it is, what it contributes by each layer, what the other bases would mean, and the motif it is in."""
    text = Text(no_wrap=True, overflow="ellipsis")
    base, old = subject.present[place], subject.original[place]
    text.append(f" {place + 1} ", "dim")
    text.append(base if base == old else f"{old}→{base}", "bold")
    for track in explained.tracks:
        text.append("  ")
        if len(explained.tracks) > 1:
            text.append(f"{cut(track.layer.label, 24)} ", "dim")
        text.append(f"{track.actual[place]:+.3f}", "bold")
    first = explained.tracks[0]
    text.append("   here ", "dim")
    for number, letter in enumerate("ACGT"):
        text.append(f"{letter} ", "dim")
        text.append(f"{first.hypothetical[number][place]:+.2f} ", "bold" if letter == base else "")
    inside = [mark for found in marks.values() for mark in found if mark.start <= place < mark.end]
    if inside:
        mark = min(inside, key=lambda mark: mark.p_value if mark.p_value is not None else 1.0)
        arrow = {"+": "→", "-": "←"}.get(mark.strand, "")
        text.append("   in ", "dim")
        text.append(f"{cut(mark.name, 20)}{arrow}", "bold")
        if mark.p_value is not None:
            text.append(f" {cut(mark.family, 30)} p {mark.p_value:.0e}", "dim")
    return text


def motif_list(explained: Explained, marks: Mapping[Layer, Sequence[Mark]]) -> Text:
    """The motifs of each layer, by place."""
    text = Text()
    for track in explained.tracks:
        found = marks.get(track.layer)
        if len(explained.tracks) > 1:
            text.append(f"{cut(track.layer.label, 36)}\n", "dim")
        if found is None:
            text.append("looking…\n", "dim")
        elif not found:
            text.append("none stands out\n", "dim")
        for mark in found or ():
            arrow = {"+": "→", "-": "←"}.get(mark.strand, " ")
            text.append(f"{cut(mark.name, 14)}{arrow}", "bold")
            text.append(f" {mark.start + 1}-{mark.end}")
            text.append(f" sum {mark.attribution:+.1f}", "dim")
            if mark.p_value is not None:
                text.append(f"\n  {cut(mark.family, 26)} p {mark.p_value:.0e}", "dim")
            text.append("\n")
    return text


def headline(subject: Subject, asked: Sequence[Layer], explained: Explained | None, both_strands: bool) -> Text:
    """Which sequence is in view, who is asked about it, and what was changed in it."""
    text = Text(no_wrap=True, overflow="ellipsis")
    if subject:
        if len(subject.letters) > 1:
            text.append(f"{subject.chosen + 1}/{len(subject.letters)} ", "dim")
        text.append(cut(subject.name, 40), "bold")
        text.append(f"  {len(subject.present):,} bp", "dim")
        text.append("  ← other strand" if subject.flipped else "", "bold")
        if explained is not None and explained.tiled:
            text.append(f"  window slides by {explained.tiled}", "dim")
    for layer in asked:
        text.append("  ▪ ", "dim")
        text.append(cut(layer.label, 40))
    if both_strands:
        text.append("  both strands", "dim")
    if subject.edits:
        text.append("  " + " ".join(map(str, subject.edits[-6:])), "bold")
    return text
