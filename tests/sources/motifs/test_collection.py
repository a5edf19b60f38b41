from __future__ import annotations

import numpy as np

from tfbs_hub.sources.motifs import jaspar_family, jaspar_motif
from tfbs_hub.sources.motifs.collection import jaspar_collection


def test_holds_the_newest_version_of_every_vertebrate_matrix_once():
    collection = jaspar_collection()
    bases = [motif.id.partition(".")[0] for motif, _ in collection]
    assert len(bases) == len(set(bases)) > 800 and bases == sorted(bases)
    known = {motif.id.partition(".")[0]: (motif, family) for motif, family in collection}
    for name in ("GATA3", "STAT3", "CTCF"):
        one = jaspar_motif(name)
        motif, family = known[one.id.partition(".")[0]]
        assert motif.id >= one.id and family == jaspar_family(name)
        newest = jaspar_motif(motif.id)
        assert newest.id == motif.id and np.allclose(motif.probabilities, newest.probabilities)


def test_dimers_have_the_families_of_all_their_parts():
    families = {motif.name: family for motif, family in jaspar_collection()}
    assert set(families["GATA1::TAL1"].split("::")) == {"C4-GATA-related", "Tal-related"}
    assert jaspar_collection() is jaspar_collection()
