"""Make the example sequences: random background with known sites planted, the same on every machine.

    python examples/make_sequences.py

writes `sequences.fa` (one sequence for each known site, and one with none) and `planted.fa` (labelled: each
sequence `_peak` is followed by its dinucleotide shuffle `_shuf`). Nothing in them comes from an experiment.
"""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import numpy as np

from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import decode, encode, reverse_complement
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle
from tfbs_hub.sources.jaspar import background

HERE = Path(__file__).parent
LENGTH = 101
# Consensus sites as JASPAR gives them: GATA3 (MA0037), a FOX factor (MA2469), ARID3A (MA0151), STAT3 (MA0144).
SITES = {"GATA3": "AGATAAGA", "FOXM1": "TGTTTACTTA", "ARID3A": "ATTAAA", "STAT3": "TTCCAGGAA"}


def plant(row: np.ndarray, site: str, start: int) -> np.ndarray:
    """`row` with the letters of `site` from position `start` (0-based)."""
    planted = row.copy()
    planted[start : start + len(site)] = encode(site)
    return planted


def main() -> None:
    rng = generator(4, "examples")
    lines = []
    for (name, site), row in zip(SITES.items(), background(len(SITES), LENGTH, rng), strict=True):
        lines += [f">{name}_site_at_30_and_65", decode(plant(plant(row, site, 30), site, 65))]
    row = background(1, LENGTH, rng)[0]
    two_strands = plant(plant(row, SITES["GATA3"], 25), decode(reverse_complement(encode(SITES["GATA3"]))), 60)
    lines += [">GATA3_site_on_both_strands", decode(two_strands)]
    lines += [">no_site", decode(background(1, LENGTH, rng)[0])]
    (HERE / "sequences.fa").write_text("\n".join(lines) + "\n")

    count = 60
    rows = background(count, LENGTH, rng)
    for place, site in zip(range(count), cycle(SITES.values()), strict=False):
        for start in (20 + place % 7, 55 + place % 11):
            rows[place] = plant(rows[place], site, start)
    shuffled = dinucleotide_shuffle(rows, rng)
    lines = []
    for place in range(count):
        lines += [
            f">planted_{place:03d}_peak",
            decode(rows[place]),
            f">planted_{place:03d}_shuf",
            decode(shuffled[place]),
        ]
    (HERE / "planted.fa").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
