"""How reliably seqlets are called: on planted sites, and on shuffles without one, at the same threshold.

    OMP_NUM_THREADS=1 python tests/benchmarks/seqlets.py ENCODE_FOLDER [--model GATA3]

Two sites are planted into 60 sequences: at 25 and 60 of random ones (kind `random`), of dinucleotide shuffles of the
GATA3 test file's peaks that hold neither GATA nor TATC (kind `shuffled`), or of such shuffles that hold not even a half
of a site, GAT or ATC, which speaks for binding beside a whole one (kind `no half`). `either` and `both` count the
sequences in which a seqlet overlaps either or both of the sites, `top two` those whose two first seqlets are on them,
one each, and `named` is the share of seqlets on them whose best JASPAR match belongs to a GATA family. `without a site`
counts, among 200 of the shuffles without GATA and TATC as they are, the ones in which anything is called.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from tfbs_hub import Hub
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import decode, encode
from tfbs_hub.sequences.readers import load
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle
from tfbs_hub.sources.jaspar import background

ROOT = Path(__file__).resolve().parents[2]
ROWS, STARTS = 60, (25, 60)
SITES = (("AGATAAGA", "TCTTATCT"), ("GATAA", "TTATC"))
WAYS = (
    ("shiftsmooth", {}),
    ("shiftsmooth", {"both_strands": True}),
    ("integrated-gradients", {}),
    ("integrated-gradients", {"both_strands": True}),
)


class Caller:
    """Seqlets of one model by one method."""

    def __init__(self, hub: Hub, model: str, method: str, options: dict) -> None:
        self.hub, self.model, self.method, self.options = hub, model, method, options
        self.explainer = hub.explainer(method, model, **options)

    def __call__(self, codes: np.ndarray) -> list[list]:
        """The named seqlets of every sequence, the strongest first."""
        letters = [decode(row) for row in codes]
        found: list[list] = [[] for _ in codes]
        for each in self.explainer.seqlets(self.hub.explain(letters, self.method, model=self.model, **self.options)):
            found[each.seqlet.sequence].append(each)
        return found


def without(words: str, codes: np.ndarray) -> np.ndarray:
    """Those sequences in which a regular expression finds nothing."""
    return np.stack([row for row in codes if not re.search(words, decode(row))])


def plant(codes: np.ndarray, sites: tuple[str, str]) -> np.ndarray:
    planted = codes.copy()
    for site, start in zip(sites, STARTS, strict=True):
        planted[:, start : start + len(site)] = encode(site)
    return planted


def summary(found: list[list], width: int) -> str:
    on = [[{start for start in STARTS if overlaps(each.seqlet, start, width)} for each in row] for row in found]
    either = sum(any(row) for row in on)
    both = sum(len(set().union(*row)) == 2 for row in on)
    top = sum(len(row) > 1 and row[0] | row[1] == set(STARTS) and len(row[0]) == len(row[1]) == 1 for row in on)
    named = [
        each.match is not None and "GATA" in each.match.family
        for row, sites in zip(found, on, strict=True)
        for each, site in zip(row, sites, strict=True)
        if site
    ]
    return f"either {either:>3}   both {both:>3}   top two {top:>3}   named {np.mean(named) if named else 0:.0%}"


def overlaps(seqlet, start: int, width: int) -> bool:
    return seqlet.start < start + width and seqlet.end > start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encode", type=Path)
    parser.add_argument("--model", default="GATA3")
    chosen = parser.parse_args()
    hub = Hub.open(ROOT / "registry", read_only=True)
    data = load(next(chosen.encode.rglob("GATA3_*_B.seq.gz")))
    shuffles = without("GATA|TATC", data.codes[data.labels == 0])
    others = dinucleotide_shuffle(np.repeat(data.codes[data.labels == 1], 10, axis=0), generator(7, "no half"))
    backgrounds = {
        "random": background(ROWS, shuffles.shape[1], generator(7, "planted")),
        "shuffled": shuffles[-ROWS:],
        "no half": without("GAT|ATC", others)[:ROWS],
    }
    for method, options in WAYS:
        call = Caller(hub, chosen.model, method, options)
        called = sum(map(bool, call(shuffles[:200])))
        print(f"{chosen.model}, {method} {' '.join(options)}: without a site {called} of {len(shuffles[:200])}")
        for sites in SITES:
            for kind, codes in backgrounds.items():
                found = summary(call(plant(codes, sites)), len(sites[0]))
                print(f"  {' + '.join(sites):<20} {kind:<10} {found}   of {ROWS}", flush=True)


if __name__ == "__main__":
    main()
