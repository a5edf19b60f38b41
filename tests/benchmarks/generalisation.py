"""How choices are made without a look at the paper's OOD files: twelve TFs, each left out in turn.

    OMP_NUM_THREADS=1 python tests/benchmarks/generalisation.py ENCODE_FOLDER [RECIPE…]

For each gate recipe: a gate over the three shipped experts and the nine of the package beside this project, its AUROC
on the twelve TFs' own test files, and, with one TF's expert and gate set left out at a time, on that TF's file. Then
each expert's specificity: its own TF's test positives against the other eleven TFs' (less those that share a 32-mer
on either strand with any of its own peaks). Writes build/generalisation.json.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from paper import EXPERTS, PACKAGE, ROOT

from tfbs_hub import Hub
from tfbs_hub.gate.embeddings import EmbeddingCache
from tfbs_hub.gate.gate_sets import GateSet
from tfbs_hub.metrics import auroc
from tfbs_hub.plugins.manifest import expert_spec, read_manifest
from tfbs_hub.prediction import logits
from tfbs_hub.sequences.overlap import KmerIndex
from tfbs_hub.sequences.readers import load
from tfbs_hub.training.gate import RECIPES, GateTask, scores, train_gate
from tfbs_hub.workflows.gather import gather


class Pool:
    """Twelve experts, their gate sets, their TFs' test files, and everybody's embeddings of both."""

    def __init__(self, encode: Path, folder: Path) -> None:
        hub = Hub.open(folder / "registry", create=True)
        shipped = Hub.open(ROOT / "registry")
        offered = [expert_spec(PACKAGE, row, "package") for row in read_manifest(PACKAGE).expert]
        for spec in [*(shipped.spec(tf) for tf in EXPERTS), *offered]:
            hub.registry.add_expert(spec.card, {"weights.safetensors": spec.weights.read_bytes()})
        specs = hub.registry.experts()
        self.names = [spec.card.name for spec in specs]
        self.experts = {spec.card.weights_sha256: hub.expert(spec.card.name) for spec in specs}
        self.sets = gather(specs, [])
        self.peaks = {spec.card.name: self._file(encode, spec.card.provenance.files[0].name) for spec in specs}
        self.tests = [self._test(encode, spec.card) for spec in specs]
        cache = EmbeddingCache(folder / "embeddings")
        cpu = torch.device("cpu")
        self.found = cache.embeddings(self.experts, [*self.sets, *self.tests], device=cpu).arrays

    @staticmethod
    def _file(encode: Path, name: str) -> Path:
        return next(path for path in encode.rglob("*.seq.gz") if path.name == name)

    def _test(self, encode: Path, card) -> GateSet:
        data = load(self._file(encode, card.provenance.files[0].name.replace("_AC.", "_B.")))
        return GateSet(name=card.name, codes=data.codes, labels=data.labels, validation=np.ones(len(data), np.bool_))

    def joined(self, members: list[int], gate_set: GateSet) -> np.ndarray:
        """Embeddings (2, n, sum of widths) of a set by some experts."""
        digests = list(self.experts)
        return np.concatenate([self.found[digests[member], gate_set.digest] for member in members], axis=2)

    def gate(self, members: list[int], recipe: str):
        """A gate over some experts, on their own gate sets."""
        task = GateTask(
            names=[self.names[member] for member in members],
            widths=[list(self.experts.values())[member].embedding_dim for member in members],
            gate_sets=[self.sets[member] for member in members],
            embeddings=[self.joined(members, self.sets[member]) for member in members],
            seed=0,
        )
        return train_gate(task, recipe=RECIPES[recipe])

    def tested(self, gate, members: list[int], place: int) -> tuple[float, np.ndarray, np.ndarray]:
        """AUROC on a TF's test file; mean alpha and mean contribution of each expert on its positives."""
        test = self.tests[place]
        logit, alpha, contribution = scores(gate, torch.from_numpy(self.joined(members, test)))
        bound = test.labels == 1
        return auroc(test.labels, logit), alpha[bound].mean(axis=0), contribution[bound].mean(axis=0)


def compare(pool: Pool, recipe: str) -> dict:
    """One recipe: all twelve, then each left out."""
    everyone = list(range(len(pool.names)))
    started = time.perf_counter()
    whole = pool.gate(everyone, recipe)
    seconds = time.perf_counter() - started
    inside = [pool.tested(whole.gate, everyone, place) for place in everyone]
    alpha = np.stack([row for _, row, _ in inside])
    contribution = np.stack([row for *_, row in inside])
    left_out = {}
    for place, name in enumerate(pool.names):
        others = [member for member in everyone if member != place]
        left_out[name] = pool.tested(pool.gate(others, recipe).gate, others, place)[0]
    return {
        "recipe": recipe,
        "seconds": seconds,
        "validation": max(point.auroc for point in whole.training.curve),
        "own_files": float(np.mean([value for value, *_ in inside])),
        "left_out": left_out,
        "left_out_mean": float(np.mean(list(left_out.values()))),
        "smallest_mean_alpha": float(alpha.mean(axis=0).min()),
        "own_alpha": float(np.diag(alpha).mean()),
        "experts": pool.names,
        # Rows are test files' positives, columns experts: how loud each is, and what it says.
        "alpha": alpha.tolist(),
        "contribution": contribution.tolist(),
    }


def specificity(pool: Pool) -> dict[str, float]:
    """AUROC of each expert: its TF's test positives against those of the others."""
    bound = {test.name: test.codes[test.labels == 1] for test in pool.tests}
    result = {}
    for name, expert in zip(pool.names, pool.experts.values(), strict=True):
        own = KmerIndex(np.concatenate([bound[name], load(pool.peaks[name]).codes]), 32)
        others = np.concatenate([codes for other, codes in bound.items() if other != name])
        others = others[~own.shares(others)]
        found = logits(expert, np.concatenate([bound[name], others]), window=expert.window, symmetric=False)
        result[name] = auroc(np.repeat([1, 0], [len(bound[name]), len(others)]), found)
    return result


def diagnostics(row: dict) -> None:
    """Print alpha and contribution of each expert (columns) on each TF's test positives (rows)."""
    print(f"{row['recipe']}: alpha / contribution on the positives of each test file")
    print(" " * 8 + "".join(f"{name:>12}" for name in row["experts"]))
    for name, alpha, contribution in zip(row["experts"], row["alpha"], row["contribution"], strict=True):
        cells = (f"{loud:.2f}/{said:+.2f}" for loud, said in zip(alpha, contribution, strict=True))
        print(f"{name:<8}" + "".join(f"{cell:>12}" for cell in cells))


def main(encode: str, *recipes: str) -> None:
    os.environ["TFBS_HUB_ENCODE_MIRROR"] = encode
    with tempfile.TemporaryDirectory() as folder:
        pool = Pool(Path(encode), Path(folder))
        report = {"recipes": [], "specificity": specificity(pool)}
        print("specificity", {name: round(value, 3) for name, value in report["specificity"].items()})
        print(f"specificity, mean of twelve: {np.mean(list(report['specificity'].values())):.4f}", flush=True)
        for recipe in recipes or RECIPES:
            row = compare(pool, recipe)
            report["recipes"].append(row)
            diagnostics(row)
            print(
                f"{recipe}: validation {row['validation']:.4f}, own files {row['own_files']:.4f}, left out "
                f"{row['left_out_mean']:.4f}, smallest mean alpha {row['smallest_mean_alpha']:.3f}, own alpha "
                f"{row['own_alpha']:.2f}, {row['seconds']:.0f} s to train",
                flush=True,
            )
    target = ROOT / "build" / "generalisation.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
