from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.sources.motifs import Motif, jaspar_motif
from tfbs_hub.sources.motifs.similarity import similarity


def motif(seed, width):
    return Motif.from_counts("M", "M", np.random.default_rng(seed).integers(0, 50, (4, width)) + 1)


widths = st.integers(1, 20)


@given(seed=st.integers(0, 1000), width=widths)
def test_a_motif_is_like_itself_on_either_strand(seed, width):
    one = motif(seed, width)
    assert similarity(one, one) == pytest.approx(1)
    assert similarity(one, one.reverse_complement()) == pytest.approx(1)


@given(seed=st.integers(0, 1000), width=widths, other=widths)
def test_symmetric_and_bounded(seed, width, other):
    one, two = motif(seed, width), motif(seed + 1, other)
    assert similarity(one, two) == pytest.approx(similarity(two, one))
    assert -1 <= similarity(one, two) <= 1 + 1e-9


def test_a_shifted_motif_loses_only_what_hangs_over():
    columns = np.random.default_rng(0).dirichlet([0.2] * 4, 12).T
    one, two = Motif("A", "A", columns[:, :10]), Motif("B", "B", columns[:, 2:])
    over = ((columns[:, 2:10] - 0.25) ** 2).sum()
    expected = over / np.sqrt(((columns[:, :10] - 0.25) ** 2).sum() * ((columns[:, 2:] - 0.25) ** 2).sum())
    assert similarity(one, two) >= expected - 1e-12


def test_families_stand_together():
    gata, relative, stranger = (jaspar_motif(tf) for tf in ("GATA3", "GATA1", "CTCF"))
    assert similarity(gata, relative) > 0.7 > 0.4 > similarity(gata, stranger)


def test_a_motif_that_says_nothing_is_like_nothing():
    assert similarity(Motif("N", "N", np.full((4, 6), 0.25)), jaspar_motif("GATA3")) == 0
