"""The bootstrap, beside a loop over scikit-learn."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from timing import side_by_side

from tfbs_hub import metrics
from tfbs_hub.evaluation.bootstrap import (
    bootstrap_auprc,
    bootstrap_auroc,
    bootstrap_brier,
    bootstrap_ece,
    bootstrap_measures,
    resample_counts,
    resample_seeds,
)
from tfbs_hub.evaluation.compare import compare

ROWS, TRIALS = 1000, 30
MEASURES = {
    "AUROC": (roc_auc_score, bootstrap_auroc),
    "AUPRC": (average_precision_score, bootstrap_auprc),
    "Brier": (brier_score_loss, bootstrap_brier),
    "ECE": (metrics.ece, bootstrap_ece),
}


def models(count: int, rows: int = ROWS) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    labels = (np.arange(rows) % 2).astype(np.int8)
    return labels, {f"m{number}": rng.normal(1.5 * labels) for number in range(count)}


def sigmoid(scores: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-scores))


def drawn_rows(counts: np.ndarray) -> list[np.ndarray]:
    return [np.repeat(np.arange(counts.shape[1]), trial) for trial in counts]


def bench_bootstrap() -> list[dict]:
    labels, scores = models(10)
    chances = {name: sigmoid(given) for name, given in scores.items()}
    seeds = resample_seeds(0, TRIALS)
    note = f"{TRIALS} resamples x {len(scores)} models x {ROWS} rows, drawing included"
    rows = []
    for name, (loop, ours) in MEASURES.items():
        given = chances if name in {"Brier", "ECE"} else scores

        def looped(loop=loop, given=given) -> list[list[float]]:
            rng = np.random.default_rng(0)
            drawn = [rng.integers(0, ROWS, ROWS) for _ in range(TRIALS)]
            return [[loop(labels[each], values[each]) for each in drawn] for values in given.values()]

        def counted(ours=ours, given=given) -> list[np.ndarray]:
            counts = resample_counts(labels, seeds)
            return [ours(labels, values, counts) for values in given.values()]

        drawn = drawn_rows(resample_counts(labels, seeds))
        expected = [loop(labels[each], given["m0"][each]) for each in drawn]
        if np.abs(np.array(expected) - counted()[0]).max() > 1e-12:
            raise SystemExit(f"the two ways of resampling {name} disagree")
        of = "a loop over metrics.ece" if name == "ECE" else "a loop over scikit-learn"
        rows.append(side_by_side(f"bootstrap {name} / {of}", looped, counted, repeats=3, note=note))
    return rows


def bench_bootstrap_of_many_models() -> list[dict]:
    labels, scores = models(100)
    seeds = resample_seeds(0, 1000)
    started = time.perf_counter()
    drawn = drawn_rows(resample_counts(labels, seeds[:TRIALS]))
    for each in drawn:
        roc_auc_score(labels[each], scores["m0"][each])
    slow = (time.perf_counter() - started) * len(scores) * len(seeds) / TRIALS
    started = time.perf_counter()
    counts = resample_counts(labels, seeds)
    for given in scores.values():
        bootstrap_auroc(labels, given, counts)
    areas = time.perf_counter() - started
    started = time.perf_counter()
    compare("x", {}, "given", labels, scores, sequence_digest="", trials=len(seeds))
    whole = time.perf_counter() - started
    what = f"{len(scores)} models x 1 file x {len(seeds):,} resamples x {ROWS} rows"
    part = f"baseline {TRIALS} resamples of one model, scaled"
    return [
        {
            "name": "bootstrap AUROC of 100 models / scikit-learn",
            "baseline_s": slow,
            "ours_s": areas,
            "ratio": slow / areas,
            "note": f"{what}; {part}; 100 files would take {100 * areas / 60:.1f} minutes",
        },
        {
            "name": "all of compare() / AUROC alone, scikit-learn",
            "baseline_s": slow,
            "ours_s": whole,
            "ratio": slow / whole,
            "note": f"{what}; {part}; with every measure, interval and test; "
            f"100 files would take {100 * whole / 60:.1f} minutes",
        },
    ]


def bench_memory_of_many_rows() -> list[dict]:
    rows, trials = 1_000_000, 3
    labels, scores = models(2, rows)
    chances = {name: sigmoid(given) for name, given in scores.items()}
    seeds = resample_seeds(0, trials)
    tracemalloc.start()
    bootstrap_measures(labels, scores, chances, seeds)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    counts = rows * trials * 8 / 1e6

    def looped() -> None:
        rng = np.random.default_rng(0)
        for given in scores.values():
            drawn = rng.integers(0, rows, rows)
            roc_auc_score(labels[drawn], given[drawn])

    return [
        side_by_side(
            "bootstrap of 1,000,000 rows / scikit-learn",
            looped,
            lambda: bootstrap_measures(labels, scores, chances, seeds),
            scale=trials,
            repeats=1,
            note=f"2 models x {trials} resamples, all four measures against AUROC alone; peak {peak:.0f} MB besides "
            f"the scores, for any number of resamples (their indices alone: {counts:.0f} MB for {trials})",
        )
    ]
