from __future__ import annotations

import numpy as np

from tfbs_hub.attribution.annotate import name_seqlets
from tfbs_hub.attribution.learned import learned_motifs, read_learned, write_learned
from tfbs_hub.attribution.seqlets import Seqlet
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sources.jaspar import background

DIGEST = "ab" * 32


def found(made, named):
    rows = background(12, 60, np.random.default_rng(0))
    letters = [decode(row) for row in rows]
    sites = ["AGATAAGA", "TCTTATCT"] * 5 + ["CCGGAAGT"] * 2
    letters = [text[:25] + site + text[33:] for text, site in zip(letters, sites, strict=True)]
    actual = np.full((12, 60), 0.01, np.float32)
    actual[:, 25:33] = 1
    whole = made(letters, actual)
    seqlets = name_seqlets(whole, [Seqlet(row, 25, 33, 8.0, 1e-6) for row in range(12)])
    return learned_motifs(whole, [*seqlets, named(0, 0, 4, None)], digest=DIGEST, data="made-up sequences")


def test_sites_of_both_strands_are_counted_and_aligned(made, named):
    learned = found(made, named)
    assert (learned.sequences, learned.with_seqlets) == (12, 12)
    gata, ets, unknown = learned.motifs
    assert (gata.family, gata.seqlets, gata.sequences) == ("C4-GATA-related", 10, 10)
    assert "Ets" in ets.family and ets.sequences == 2
    assert (unknown.family, unknown.consensus, unknown.seqlets) == ("", "", 1)
    table = np.array(gata.counts)
    assert table.sum(axis=0).max() == 10
    assert "AGATAAGA" in gata.consensus or "TCTTATCT" in gata.consensus


def test_it_is_kept_by_digest_and_damage_is_no_error(made, named, tmp_path):
    learned = found(made, named)
    assert read_learned(tmp_path, DIGEST) is None
    write_learned(tmp_path, learned)
    assert read_learned(tmp_path, DIGEST) == learned
    # The same twelve digits, another digest.
    assert read_learned(tmp_path, DIGEST[:12] + "0" * 52) is None
    (path,) = (tmp_path / "motifs").iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    assert read_learned(tmp_path, DIGEST) is None
