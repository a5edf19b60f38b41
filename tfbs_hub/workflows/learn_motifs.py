"""What an expert has learned, asked of the sequences that it should call bound."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.attribution.learned import LearnedMotifs, learned_motifs, write_learned
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.progress import Report, silent
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.batch import from_dataset
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.windows import fit_window
from tfbs_hub.workflows.explain import Explainer
from tfbs_hub.workflows.gather import gather

__all__ = ["learn_motifs"]

SEQUENCES: Final = 300
"""How many bound sequences are explained."""


def learn_motifs(explainer: Explainer, spec: ExpertSpec, cache: Path, report: Report = silent) -> LearnedMotifs:
    """Explain bound sequences of an expert's gate set, find and name the seqlets, count them by family, and keep that.

    The gate set is simulated from JASPAR where it is not on this machine; the network is not asked.

    Raises:
        NotFoundError: there is no gate set, and JASPAR has no matrix to simulate one from.
    """
    (gate_set,) = gather([spec], (), simulated=True, report=report)
    codes = _some(gate_set.codes[gate_set.labels == 1], explainer.model.window)
    rows = SequenceDataset(codes=codes, labels=None, ids=[str(row) for row in range(len(codes))])
    kind = "simulated from JASPAR" if gate_set.simulated else f"bound sequences of its gate set ({gate_set.kind})"
    explanation = explainer.explain(from_dataset(rows), report)
    named = explainer.seqlets(explanation, report)
    found = learned_motifs(explanation, named, digest=spec.card.weights_sha256, data=kind)
    write_learned(cache, found)
    return found


def _some(codes: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """At most `SEQUENCES` rows, always the same ones, cut to the window."""
    picked = np.sort(generator(0, "learned-motifs").permutation(len(codes))[:SEQUENCES])
    return fit_window(codes[picked], window)
