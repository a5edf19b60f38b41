"""Train the shipped experts and their gate from scratch, and compare them on the paper's own test files.

    python tests/benchmarks/paper.py ENCODE_FOLDER [--train REGISTRY] [--seeds N] [--output build/bench-paper.json]

`--train` only trains: what it writes to REGISTRY is what the project ships in `registry/`. Sequences that share a
32-mer on either strand with any test file (part B) are dropped before training, and counted on the cards.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tfbs_hub import Hub
from tfbs_hub.progress import Event

EXPERTS = (("ARID3A", "HepG2"), ("FOXM1", "GM12878"), ("GATA3", "SH-SY5Y"))


def train(encode: Path, registry: Path, seed: int) -> Hub:
    """Three experts and the gate over them, in a registry that did not exist before."""
    os.environ["TFBS_HUB_ENCODE_MIRROR"] = str(encode)
    tests = sorted(encode.rglob("*_B.seq.gz"))
    hub = Hub.open(registry, create=True)
    for tf, cell in EXPERTS:
        added = hub.add_expert(tf, source="encode", cell=cell, exclude=tests, seed=seed, report=_say)
        card = added.spec.card
        print(f"{tf}: {card.provenance.dropped} training sequences dropped", flush=True)
        for metric in card.metrics:
            if metric.name == "auroc":
                print(f"{tf}: AUROC {metric.value:.4f} on {metric.data}", flush=True)
    made = hub.retrain_gate(seed=seed, report=_say)
    for score in made.card.gate_sets:
        print(f"gate on {score.name}: validation AUROC {score.auroc:.4f}, alpha {score.alpha}", flush=True)
    return hub


def _say(event: Event) -> None:
    if event.total and event.done >= event.total and event.message:
        print(f"{event.task}: {event.message}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encode", type=Path, help="folder with the ENCODE files (train/, test/, ...)")
    parser.add_argument("--train", type=Path, metavar="REGISTRY", required=True)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    train(chosen.encode, chosen.train, chosen.seed)


if __name__ == "__main__":
    main()
