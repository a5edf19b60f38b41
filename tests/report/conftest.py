"""Runs to draw: labels and scores from a seeded generator, compared as `tfbs-hub evaluate` compares them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tfbs_hub.evaluation.compare import compare
from tfbs_hub.evaluation.results import DatasetResult, EvaluationRun

HOSTILE = ("<script>alert(1)</script>", "[bold]x", "$\\frac{1}{0}$", "_private", "a\x1b[31m\u202eb&amp;", "x" * 120)
DATASETS = ("ARID3A", "FOXM1", "GATA3", "BCLAF1", "CTCF", "POLR2A", "RBBP5", "SAP30", "STAT3")
MODELS = ("moe", "mean", "ARID3A", "FOXM1", "GATA3")


def _dataset(name: str, models: Sequence[str], rows: int, trials: int, seed: int) -> DatasetResult:
    draw = np.random.default_rng(seed)
    labels = np.tile(np.array([1, 0], np.int8), rows // 2)
    shared = draw.normal(size=rows)
    experts = [model for model in models if model not in {"moe", "mean"}]
    scores = {}
    for model in models:
        # Every expert knows its own data set best; the mixture is good at all of them.
        strength = {"moe": 2.4, "mean": 2.0}.get(model, 3.2 if model == name else draw.uniform(0.7, 1.9))
        scores[model] = strength * (labels - 0.5) + 0.8 * shared + draw.normal(size=rows)
    alpha = dict(zip(experts, draw.dirichlet(np.ones(len(experts))).tolist(), strict=True)) if experts else {}
    return compare(
        name,
        {"name": f"{name}.seq.gz", "sha256": f"{seed + 1:064x}", "rows": rows},
        "given",
        labels,
        scores,
        alpha={"moe": alpha} if "moe" in models else None,
        sequence_digest=f"{seed + 100:064x}",
        trials=trials,
        seed=seed,
    )


@pytest.fixture(scope="session")
def make_run() -> Callable[..., EvaluationRun]:
    """A run over these data sets and models."""

    def make(
        datasets: Sequence[str] = DATASETS, models: Sequence[str] = MODELS, *, rows: int = 200, trials: int = 30
    ) -> EvaluationRun:
        cards = {name: {"weights_sha256": f"{place:064x}"} for place, name in enumerate(models, 1000)}
        return EvaluationRun(
            run="5f2c9a7d1b3e",
            seed=0,
            trials=trials,
            command=("evaluate", *(f"my data/{name}.seq.gz" for name in datasets), "--models", ",".join(models)),
            models={name: {} if name == "mean" else card for name, card in cards.items()},
            versions={"tfbs_hub": "0.1.0", "python": "3.11.9"},
            datasets=tuple(_dataset(name, models, rows, trials, seed) for seed, name in enumerate(datasets)),
        )

    return make


@pytest.fixture(scope="session")
def paper_run(make_run: Callable[..., EvaluationRun]) -> EvaluationRun:
    """Nine data sets, five models: the shape of the paper's evaluation."""
    return make_run()


@pytest.fixture(scope="session")
def hostile_run(make_run: Callable[..., EvaluationRun]) -> EvaluationRun:
    """Data sets and models whose names try to be something else."""
    return make_run(HOSTILE[:3], ("moe", *HOSTILE), rows=60)


@pytest.fixture(scope="session")
def runs(
    make_run: Callable[..., EvaluationRun], paper_run: EvaluationRun, hostile_run: EvaluationRun
) -> dict[str, EvaluationRun]:
    """Every shape that a run may have."""
    many = ["moe", *(f"EXPERT{place}" for place in range(12)), "mean"]
    return {
        "paper": paper_run,
        "hostile": hostile_run,
        "one by one": make_run(["ARID3A"], ["GATA3"], rows=60),
        "one by two": make_run(["ARID3A"], ["moe", "ARID3A"], rows=60, trials=2),
        "twelve by fourteen": make_run([f"DATA{place}" for place in range(12)], many, rows=60),
        "more models than can be told apart": make_run(["A", "B"], ["moe", *map(str, range(29)), "mean"], rows=60),
    }


SHAPES = (
    "paper",
    "hostile",
    "one by one",
    "one by two",
    "twelve by fourteen",
    "more models than can be told apart",
)


@pytest.fixture(params=SHAPES)
def run(request: pytest.FixtureRequest, runs: dict[str, EvaluationRun]) -> EvaluationRun:
    """Each of them in turn."""
    return runs[request.param]
