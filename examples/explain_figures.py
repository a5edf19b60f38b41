"""Draw which bases matter: the gradient above ShiftSmooth, and an expert above the mixture.

    python examples/explain_figures.py [FOLDER]

draws `methods.png`, `methods.svg`, `models.png` and `models.svg` into FOLDER (by default where you are) for one
sequence with the site AGATAAGA on either strand, and for one without a site, and says which seqlets it found. The
sequences are made by `make_sequences.py`, and the comparisons are those of the figures of Tripathi et al. 2024.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tfbs_hub import Hub
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.sequences.readers import load
from tfbs_hub.workflows.explain_files import save
from tfbs_hub.workflows.side_by_side import explain_all

HERE = Path(__file__).parent
SHOWN = ("GATA3_site_on_both_strands", "no_site")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    hub = Hub.open()
    data = load(HERE / "sequences.fa")
    rows = [data.codes[list(data.ids).index(name)] for name in SHOWN]
    batch = from_strings([decode(row) for row in rows], SHOWN)
    asked = {
        "methods": [hub.explainer(method, "GATA3") for method in ("gradient", "shiftsmooth")],
        "models": [hub.explainer("shiftsmooth", model) for model in ("GATA3", "moe")],
    }
    for figure, explainers in asked.items():
        (explained,) = explain_all(explainers, [batch])
        for suffix in (".png", ".svg"):
            save([explained], folder / f"{figure}{suffix}")
        for explanation, seqlets in explained.found:
            for named in seqlets:
                seqlet = named.seqlet
                bases = explanation.sequence(seqlet.sequence)[seqlet.start : seqlet.end]
                family = "nothing known" if named.match is None else named.match.family
                name = explanation.ids[seqlet.sequence]
                print(f"{figure}: {explanation.label}: {name} {seqlet.start}-{seqlet.end} {bases} like {family}")


if __name__ == "__main__":
    main()
