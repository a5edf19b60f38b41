"""The cache of frozen embeddings, and the memory of a long prediction."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from tfbs_hub.experts.residual import Residual
from tfbs_hub.gate.embeddings import EmbeddingCache
from tfbs_hub.gate.gate_sets import build
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sources.jaspar import background

ROOT = Path(__file__).resolve().parents[2]


def bench_embedding_cache() -> list[dict]:
    """Three experts, then a fourth, then nothing new: how many embeddings are computed, and what a repeat costs."""
    experts = {sha256(bytes([number])).hexdigest(): Residual.from_config({}).eval() for number in range(4)}
    sets = [build(str(number), background(500, 101, generator(number, "bench")), number) for number in range(4)]
    cpu = torch.device("cpu")
    with tempfile.TemporaryDirectory() as folder:
        cache = EmbeddingCache(Path(folder))
        first = cache.embeddings(dict(list(experts.items())[:3]), sets[:3], device=cpu)
        joined = cache.embeddings(experts, sets, device=cpu)
        again = cache.embeddings(experts, sets, device=cpu)
    computed = f"{first.computed}, {joined.computed}, {again.computed} computed"
    spent = first.seconds + joined.seconds
    return [_row("embeddings, 4 experts x 4 gate sets", spent, again.seconds, computed)]


def bench_prediction_memory() -> list[dict]:
    """Peak memory of `tfbs-hub predict` for 10,000 and for 200,000 sequences (seconds are those of each run)."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [_predict(Path(folder), rows) for rows in (10_000, 200_000)]
    (small, low), (large, high) = runs
    note = f"peak {low:.0f} MB and {high:.0f} MB for 20 times as many"
    return [_row("predict, 10,000 and 200,000 sequences", small, large, note)]


def _predict(folder: Path, rows: int) -> tuple[float, float]:
    codes = background(1000, 101, np.random.default_rng(0))
    lines = "".join(f">{row}\n{decode(codes[row])}\n" for row in range(1000))
    fasta = folder / f"{rows}.fa"
    fasta.write_text(lines * (rows // 1000))
    code = (
        "import resource, runpy, sys, time; start = time.perf_counter()\n"
        "try: runpy.run_module('tfbs_hub.cli', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "print(time.perf_counter() - start, peak, file=sys.stderr)"
    )
    arguments = ["--registry", str(ROOT / "registry"), "predict", str(fasta), "-o", os.devnull, "--model", "GATA3"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    seconds, peak = map(float, done.stderr.split()[-2:])
    return seconds, peak


def _row(name: str, baseline: float, ours: float, note: str) -> dict:
    return {"name": name, "baseline_s": baseline, "ours_s": ours, "ratio": baseline / max(ours, 1e-9), "note": note}
