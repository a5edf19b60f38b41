"""How good attribution methods are, by definitions that were fixed before the first run.

    OMP_NUM_THREADS=1 python tests/benchmarks/attribution_quality.py ENCODE_FOLDER [TF…] [--rows 500] [--models own,moe]

For each TF the test file's positives (the first `--rows`), explained with the TF's own shipped expert and with the
mixture. A is the actual attribution, one number a base, S the logit on the strand as given.

faithfulness    Pearson correlation over the positions of A with in-silico mutagenesis (S at the observed base less the
                mean over the four bases); mean over the sequences. In-silico mutagenesis itself has 1 by definition.
deletion        Bases are made unknown (0.25 in every row) one by one from the highest A down; the mean fall of the
                logit, S(x) - S(x with k bases unknown), over k = 1…20. Higher is better.
insertion       From a wholly unknown sequence bases are restored one by one from the highest A down; the mean rise of
                the logit over k = 1…20. Higher is better.
stability       Six crops of 81 bp of the same 101 bp (starts 0, 4, … 20), each centred in the window as `predict` and
                `explain` centre what is shorter; A of the bases that all six share; mean Pearson correlation over the
                fifteen pairs of crops, mean over the sequences. The crops move the sequence in the window and take away
                its ends; they are not the circular shifts that ShiftSmooth averages.
localisation    Share of the ten positions with the highest A that lie inside a hit (FIMO, p < 1e-4, either strand) of
                the TF's JASPAR matrix; mean over the sequences that have a hit. `by chance`: the share of all positions
                that lie inside one. A matrix so short that no hit reaches p < 1e-4 (ARID3A's has 6 positions) gives no
                number.

Differences are paired with the plain gradient, sequence by sequence, with the 95 % percentile interval of 2,000
bootstrap resamples of the sequences. Writes build/attribution-quality.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from memelite import fimo
from numpy.typing import NDArray

from tfbs_hub import Hub
from tfbs_hub.attribution.compute import attribute
from tfbs_hub.attribution.methods import find_method
from tfbs_hub.prediction import run
from tfbs_hub.sequences.alphabet import UNKNOWN
from tfbs_hub.sequences.readers import load
from tfbs_hub.sequences.windows import fit_window
from tfbs_hub.sources.motifs import jaspar_motif

ROOT = Path(__file__).resolve().parents[2]
TFS = ("GATA3", "ARID3A", "FOXM1")
VARIANTS: dict[str, tuple[str, dict, dict]] = {
    "gradient": ("gradient", {}, {}),
    "gradient, corrected": ("gradient", {}, {"corrected": True}),
    "gradient, both strands": ("gradient", {}, {"both_strands": True}),
    "saliency": ("saliency", {}, {}),
    "smoothgrad": ("smoothgrad", {}, {}),
    "integrated gradients": ("integrated-gradients", {}, {}),
    "mutagenesis": ("mutagenesis", {}, {}),
    "ShiftSmooth": ("shiftsmooth", {}, {}),
    "ShiftSmooth, corrected": ("shiftsmooth", {}, {"corrected": True}),
    "ShiftSmooth, both strands": ("shiftsmooth", {}, {"both_strands": True}),
    "ShiftSmooth, both strands, corrected": ("shiftsmooth", {}, {"both_strands": True, "corrected": True}),
    "ShiftSmooth, padded": ("shiftsmooth-padded", {}, {}),
    "ShiftSmooth, padded, triangular": ("shiftsmooth-padded", {"triangular": True}, {}),
    "ShiftSmooth, padded, both strands, corrected": (
        "shiftsmooth-padded",
        {},
        {"both_strands": True, "corrected": True},
    ),
}
BASELINE = "gradient"
CROP, STARTS = 81, range(0, 21, 4)
STEPS, TOP, P_HIT = 20, 10, 1e-4

Codes = NDArray[np.uint8]
Array = NDArray[np.float64]
Explain = Callable[[Codes], Array]


def explainer(network: torch.nn.Module, variant: str) -> Explain:
    """Actual attribution (n, length) of codes (n, length) by a variant."""
    name, options, settings = VARIANTS[variant]
    method = find_method(name, **options)
    return lambda codes: attribute(network, codes, method, **settings).actual.astype(np.float64)


def logits(network: torch.nn.Module, codes: Codes) -> Array:
    """Logits (n,) of the strand as given."""
    return run(lambda x: (network(x),), codes, device=torch.device("cpu"))[0].astype(np.float64)


def correlation(one: Array, other: Array) -> Array:
    """Pearson correlation of rows (n, length); 0 where a row is constant."""
    x, y = (each - each.mean(axis=1, keepdims=True) for each in (one, other))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.zeros(len(x)), where=scale > 0)


def curves(network: torch.nn.Module, codes: Codes, actual: Array) -> tuple[Array, Array]:
    """Mean fall of the logit as bases become unknown, and mean rise as they are restored (n,)."""
    order = np.argsort(-actual, axis=1, kind="stable")
    rows = np.arange(len(codes))
    full, empty = logits(network, codes), logits(network, np.full_like(codes[:1], UNKNOWN))[0]
    gone, shown = codes.copy(), np.full_like(codes, UNKNOWN)
    fall, rise = np.zeros(len(codes)), np.zeros(len(codes))
    for step in range(STEPS):
        place = order[:, step]
        shown[rows, place] = codes[rows, place]
        gone[rows, place] = UNKNOWN
        fall += (full - logits(network, gone)) / STEPS
        rise += (logits(network, shown) - empty) / STEPS
    return fall, rise


def stability(explain: Explain, codes: Codes) -> Array:
    """Agreement of crops, one number a sequence (n,)."""
    window = codes.shape[1]
    first, last = max(STARTS), min(STARTS) + CROP
    margin = window // 2 - CROP // 2
    found = []
    for start in STARTS:
        actual = explain(fit_window(codes[:, start : start + CROP], window))
        # Back from the window to the sequence's own positions.
        found.append(actual[:, margin + first - start : margin + last - start])
    return np.mean([correlation(one, other) for one, other in combinations(found, 2)], axis=0)


def hits(tf: str, codes: Codes) -> NDArray[np.bool_]:
    """Where hits of the TF's JASPAR matrix lie: (n, length)."""
    motif = jaspar_motif(tf)
    one_hot = np.eye(5, dtype=np.int8)[codes][:, :, :4].transpose(0, 2, 1)
    (table,) = fimo({motif.name: motif.probabilities}, np.ascontiguousarray(one_hot), threshold=P_HIT)
    inside = np.zeros(codes.shape, np.bool_)
    for row, start, end in zip(table["sequence_name"], table["start"], table["end"], strict=True):
        inside[int(row), int(start) : int(end)] = True
    return inside


def localisation(actual: Array, inside: NDArray[np.bool_]) -> Array:
    """Share of the top positions inside hits, one number a sequence that has a hit."""
    top = np.argsort(-actual, axis=1, kind="stable")[:, :TOP]
    share = np.take_along_axis(inside, top, axis=1).mean(axis=1)
    return share[inside.any(axis=1)]


def interval(difference: Array) -> list[float]:
    """95 % percentile interval of the mean under resampling of the sequences; NaN of none."""
    if not len(difference):
        return [float("nan")] * 2
    draw = np.random.default_rng(0).integers(0, len(difference), (2000, len(difference)))
    low, high = np.percentile(difference[draw].mean(axis=1), [2.5, 97.5])
    return [float(low), float(high)]


def mean(values: Array) -> float:
    """The mean; NaN of none."""
    return float(values.mean()) if len(values) else float("nan")


def compare(network: torch.nn.Module, codes: Codes, tf: str) -> dict:
    """Every variant by every measure, and the paired differences from the plain gradient."""
    reference = explainer(network, "mutagenesis")(codes)
    inside = hits(tf, codes)
    values: dict[str, dict[str, Array]] = {}
    for variant in VARIANTS:
        explain = explainer(network, variant)
        actual = reference if variant == "mutagenesis" else explain(codes)
        fall, rise = curves(network, codes, actual)
        values[variant] = {
            "faithfulness": correlation(actual, reference),
            "deletion": fall,
            "insertion": rise,
            "stability": stability(explain, codes),
            "localisation": localisation(actual, inside),
        }
        print(f"  {variant:<46}" + "".join(f"{mean(found):>13.3f}" for found in values[variant].values()), flush=True)
    rows = {}
    for variant, found in values.items():
        rows[variant] = {}
        for measure, each in found.items():
            difference = each - values[BASELINE][measure]
            rows[variant][measure] = {
                "mean": mean(each),
                "difference": mean(difference),
                "ci95": interval(difference),
            }
    with_hit = inside.any(axis=1)
    return {
        "sequences": len(codes),
        "with_hit": int(with_hit.sum()),
        "by_chance": mean(inside[with_hit]),
        "methods": rows,
    }


def table(report: dict) -> None:
    """Print the paired differences from the gradient."""
    measures = list(next(iter(report["methods"].values())))
    print(f"  difference from {BASELINE} (95 %); localisation by chance: {report['by_chance']:.3f}")
    for variant, found in report["methods"].items():
        cells = []
        for measure in measures:
            low, high = found[measure]["ci95"]
            cells.append(f"{found[measure]['difference']:+.3f} ({low:+.3f} to {high:+.3f})")
        print(f"  {variant:<46}" + "".join(f"{cell:>28}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encode", type=Path)
    parser.add_argument("tfs", nargs="*", default=TFS)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--models", default="own,moe")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "attribution-quality.json")
    chosen = parser.parse_args()
    hub = Hub.open(ROOT / "registry")
    report = {}
    for tf in chosen.tfs:
        provenance = hub.registry.expert(tf).card.provenance
        name = provenance.files[0].name.replace("_AC.", "_B.")
        data = load(next(path for path in chosen.encode.rglob("*_B.seq.gz") if path.name == name))
        codes = data.codes[data.labels == 1][: chosen.rows]
        for model in chosen.models.split(","):
            network = hub.expert(tf) if model == "own" else hub.gate()
            print(f"{tf}, {'own expert' if model == 'own' else 'mixture'}, {len(codes)} positives")
            print(
                f"  {'':<46}"
                + "".join(f"{each:>13}" for each in ("faithful", "deletion", "insertion", "stable", "local"))
            )
            report[f"{tf} {model}"] = compare(network, codes, tf)
            table(report[f"{tf} {model}"])
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written: {chosen.output}")


if __name__ == "__main__":
    main()
