"""Sequences simulated from a matrix, for experts and gate sets that no experiment stands behind."""

from __future__ import annotations

import numpy as np

from tfbs_hub.progress import Event, Report
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sources.jaspar import background, plant
from tfbs_hub.sources.motifs import Motif

__all__ = ["ROWS", "simulated"]

ROWS = 2000
"""Positives in a simulated gate set."""


def simulated(motif: Motif, window: int, seed: int, report: Report, rows: int = ROWS) -> SequenceDataset:
    """Background sequences with sites of the motif planted; labelled 1 and marked as simulated."""
    report(Event(f"simulating sites of {motif.name or motif.id}"))
    rng = generator(seed, "simulated", motif.id)
    codes = plant(motif, background(rows, window, rng), rng)
    return SequenceDataset(
        codes=codes,
        labels=np.ones(rows, dtype=np.int8),
        ids=[f"{motif.id}_{row}" for row in range(rows)],
        source="jaspar",
        simulated=True,
        note=f"simulated from {motif.id} ({motif.name}, {motif.source})",
    )
