from __future__ import annotations

import numpy as np
import pytest
import torch

from tfbs_hub.attribution.annotate import name_seqlets
from tfbs_hub.attribution.seqlets import Seqlet

FLANKS = ("CCTGCATCAG", "CTGGACCTCA")


def explained(made, sites):
    sequences = [FLANKS[0] + site + FLANKS[1] for site in sites]
    return made(sequences, [[0.01] * 10 + [1.0] * len(site) + [0.01] * 10 for site in sites])


@pytest.mark.parametrize(
    ("site", "families"),
    [
        ("AGATAAGA", {"C4-GATA-related"}),
        ("TCTTATCT", {"C4-GATA-related"}),
        ("TGACTCAT", {"Fos-related", "Jun-related"}),
        ("CCGGAAGT", {"Ets-related"}),
        ("CACGTGAC", {"bHLH-ZIP"}),
    ],
)
def test_known_sites_have_known_families(made, site, families):
    whole = explained(made, [site])
    (found,) = name_seqlets(whole, [Seqlet(0, 10, 10 + len(site), 8.0, 1e-6)])
    assert families & set(found.match.family.split("::"))
    assert found.match.p_value < 1e-3 and found.name == found.match.name
    assert found.match.start < 10 + len(site) and found.match.start + found.match.width > 10


def test_strands_are_opposite_and_the_matrix_lies_where_it_fits(made):
    whole = explained(made, ["AGATAAGA", "TCTTATCT"])
    forward, reverse = name_seqlets(whole, [Seqlet(row, 10, 18, 8.0, 1e-6) for row in (0, 1)])
    assert {forward.match.strand, reverse.match.strand} == {"+", "-"}
    assert forward.match.matrix == reverse.match.matrix


def test_what_looks_like_nothing_has_no_name(made):
    whole = made(["ACGT" * 10], [np.full(40, 0.01)])
    (found,) = name_seqlets(whole, [Seqlet(0, 0, 4, 1.0, 0.5)])
    assert found.match is None or found.match.p_value <= 0.01
    unknown = made(["N" * 20 + "A"], [[0.0] * 20 + [1.0]])
    (found,) = name_seqlets(unknown, [Seqlet(0, 0, 21, 1.0, 0.5)])
    assert found.match is None and found.name == "?"


def test_no_seqlets_no_names(made):
    assert name_seqlets(explained(made, ["AGATAAGA"]), []) == []


def test_pytorch_keeps_its_threads(made):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        name_seqlets(explained(made, ["AGATAAGA"]), [Seqlet(0, 10, 18, 8.0, 1e-6)])
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
