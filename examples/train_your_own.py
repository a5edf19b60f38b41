"""Train a small expert on sequences of your own in a scratch registry, mix it in, and compare.

    python examples/train_your_own.py

The sequences are made here, with a site planted; in your hands they are peaks.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tfbs_hub import Hub
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import decode, encode
from tfbs_hub.sources.jaspar import background


def write_peaks(path: Path, site: str, count: int) -> None:
    """Background sequences of 61 bp with `site` somewhere near the middle."""
    rng = generator(1, "own", site)
    rows = background(count, 61, rng)
    for row, start in zip(rows, rng.integers(20, 35, count), strict=True):
        row[start : start + len(site)] = encode(site)
    path.write_text("".join(f">peak_{place}\n{decode(row)}\n" for place, row in enumerate(rows)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub.open(Path(folder) / "registry", create=True)
        for tf, site in (("EBOX", "CACGTGAC"), ("ETS", "CCGGAAGT")):
            peaks = Path(folder) / f"{tf}.fa"
            write_peaks(peaks, site, 400)
            added = hub.add_expert(
                tf,
                data=[peaks],
                architecture="deepbind",
                config={"detectors": 8, "width": 12},
                recipe={"epochs": 12, "learning_rate": 0.02, "batch": 64},
            )
            metric = added.spec.card.metric()
            print(f"{tf}: validation AUROC {metric.value:.3f}" if metric else tf)
        made = hub.retrain_gate()
        for score in made.card.gate_sets:
            print(f"gate on {score.name}: AUROC {score.auroc:.3f}, mean alpha {score.alpha}")
        print(f"{made.computed} embeddings computed; once more: {hub.retrain_gate().computed}")


if __name__ == "__main__":
    main()
