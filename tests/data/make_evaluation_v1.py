"""Makes evaluation-v1.h5, the example of format version 1: `python tests/data/make_evaluation_v1.py`.

All numbers come from whole ones, so that they are the same wherever this runs; the statistics are made up.
"""

from __future__ import annotations

import sys
from math import inf
from pathlib import Path

import numpy as np

from tfbs_hub.evaluation.results import (
    Anova,
    DatasetResult,
    DeLongRow,
    EvaluationRun,
    Measure,
    ModelResult,
    PairedRow,
    TukeyRow,
)
from tfbs_hub.evaluation.store import to_bytes
from tfbs_hub.metrics import auroc, roc_points

ROWS, TRIALS = 40, 8
LABELS = (np.arange(ROWS) % 2).astype(np.int8)


def example() -> EvaluationRun:
    """Two data sets, the second with a single model."""
    return EvaluationRun(
        run="0123456789ab",
        seed=7,
        trials=TRIALS,
        command=("evaluate", "ARID3A.seq.gz", "a b.fa", "--models", "moe,ARID3A", "--seed", "7"),
        models={
            "moe": {"weights_sha256": "5" * 64, "members": ["ARID3A", "GATA3"]},
            "ARID3A": {"weights_sha256": "6" * 64, "tf": "ARID3A", "note": "größer"},
        },
        versions={"tfbs_hub": "0.1.0", "python": "3.11.9", "numpy": "2.4.6", "torch": "2.13.0"},
        datasets=(dataset("ARID3A", ["moe", "ARID3A"]), dataset("a/b", ["moe"])),
    )


def dataset(name: str, models: list[str]) -> DatasetResult:
    pairs = [(a, b) for place, a in enumerate(models) for b in models[place + 1 :]]
    return DatasetResult(
        name=name,
        file={"name": f"{name}.seq.gz", "sha256": "a" * 64, "rows": ROWS},
        negatives="given",
        labels=LABELS,
        sequence_digest="d" * 64,
        resample_seeds=np.arange(1, TRIALS + 1, dtype=np.uint64) << np.uint64(60),
        models=tuple(model(each, 3 + place) for place, each in enumerate(models)),
        anova=Anova(inf, 0.0, 0.5, 0.25, 1, 2 * TRIALS - 2) if pairs else None,
        tukey=tuple(TukeyRow(a, b, 0.25, (-0.5, 1.0), 0.125) for a, b in pairs) if pairs else None,
        delong=tuple(DeLongRow(a, b, 0.25, (0.125, 0.375), 4.0, 0.0625, 0.0625) for a, b in pairs),
        paired=tuple(PairedRow(a, b, 0.25, (0.0, 0.5), 2 / 9, 2 / 9) for a, b in pairs),
    )


def model(name: str, step: int) -> ModelResult:
    scores = (np.arange(ROWS) * step % 11 + 4 * LABELS) / 4.0
    value = auroc(LABELS, scores)
    fpr, tpr = roc_points(LABELS, scores)
    return ModelResult(
        name=name,
        scores=scores,
        auroc=Measure(value, (value - 0.125, value + 0.0625)),
        auprc=Measure(0.75, (0.5, 0.875)),
        brier=Measure(0.1875, (0.125, 0.25)),
        ece=Measure(0.0625, (0.03125, 0.125)),
        ece_floor=0.046875,
        bootstrap_auroc=value + np.arange(-4, TRIALS - 4) / 64,
        roc_fpr=fpr,
        roc_tpr=tpr,
        alpha={"GATA3": 0.25, "ARID3A": 0.75} if name == "moe" else {},
    )


if __name__ == "__main__":
    target = Path(__file__).with_name("evaluation-v1.h5")
    target.write_bytes(to_bytes(example()))
    print(f"{target.name}: {target.stat().st_size:,} bytes", file=sys.stderr)
