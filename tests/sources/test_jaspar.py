from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_hub.sources.jaspar import background, fetch, fetch_test, plant
from tfbs_hub.sources.motifs import Motif, jaspar_motif
from tfbs_hub.sources.options import SourceOptions

WORD = "GGGCCCGTTA"


@pytest.fixture(scope="module")
def chance():
    return background(20_000, 60, np.random.default_rng(1))


def word(text):
    return Motif("M1", "WORD", np.eye(4)[:, ["ACGT".index(letter) for letter in text]])


def pair_frequencies(codes):
    pairs = codes[:, :-1].astype(int) * 4 + codes[:, 1:]
    return np.bincount(pairs.ravel(), minlength=16).reshape(4, 4) / pairs.size


def test_background_has_the_bases_of_the_genome(chance):
    bases = np.bincount(chance.ravel(), minlength=4) / chance.size
    np.testing.assert_allclose(bases, [0.285, 0.215, 0.215, 0.285], atol=0.003)


def test_background_is_the_same_at_every_place(chance):
    gc = np.isin(chance, [1, 2]).mean(axis=0)
    assert np.abs(gc - 0.43).max() < 5 * np.sqrt(0.25 / len(chance))


def test_background_lacks_cpg_and_its_strands_look_alike(chance):
    pairs = pair_frequencies(chance)
    expected = np.outer(pairs.sum(axis=1), pairs.sum(axis=0))
    ratio = pairs / expected
    assert ratio[1, 2] == pytest.approx(0.25, abs=0.02)
    # What C and G have left over falls to every other base alike.
    np.testing.assert_allclose(ratio[1, [0, 1, 3]], ratio[[0, 2, 3], 2], atol=0.03)
    np.testing.assert_allclose(ratio[1, [0, 1, 3]], (1 - 0.25 * 0.215) / (1 - 0.215), atol=0.02)
    np.testing.assert_allclose(pairs, pair_frequencies(3 - chance[:, ::-1]), atol=0.002)


def test_neighbours_of_neighbours_depend_on_neighbours_alone(chance):
    first, second, third = (chance[:, place : place + 58].ravel() for place in range(3))
    for between in range(4):
        after_a, after_g = (np.bincount(third[(first == base) & (second == between)], minlength=4) for base in (0, 2))
        np.testing.assert_allclose(after_a / after_a.sum(), after_g / after_g.sum(), atol=0.01)


@given(st.integers(1, 30), st.text("ACGT", min_size=1, max_size=12), st.integers(0, 40), st.integers(0, 2**32))
def test_every_row_holds_one_or_two_whole_sites(n, text, room, seed):
    # Nothing but N around them, so that sites stand out.
    blank = np.full((n, len(text) + room), 4, dtype=np.uint8)
    codes = plant(word(text), blank, np.random.default_rng(seed))
    assert (blank == 4).all()
    planted = (codes < 4).sum(axis=1)
    assert np.isin(planted, [len(text), 2 * len(text)]).all()
    turned = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    for row in codes:
        left = "".join("ACGTN"[code] for code in row)
        found = [left[start : start + len(text)] for start in range(len(left)) if left[start] != "N"]
        assert found[0] in {text, turned}


def test_sites_stand_everywhere_and_on_both_strands():
    blank = np.full((30_000, 30), 4, dtype=np.uint8)
    codes = plant(word(WORD), blank, np.random.default_rng(2))
    filled = (codes < 4).sum(axis=1)
    assert (filled > len(WORD)).mean() == pytest.approx(1 - np.exp(-0.25), abs=0.01)
    one = codes[filled == len(WORD)]
    starts = np.argmax(one < 4, axis=1)
    counts = np.bincount(starts, minlength=21)
    assert counts.shape == (21,)
    assert ((counts - len(one) / 21) ** 2 / (len(one) / 21)).sum() < 60  # chi-square, 20 degrees of freedom
    forward = one[np.arange(len(one)), starts] == "ACGT".index(WORD[0])
    assert forward.mean() == pytest.approx(0.5, abs=0.02)


def test_fetch_simulates_and_says_so():
    events = []
    rows = fetch("GATA3", SourceOptions(seed=4, positives=300, report=events.append))
    assert rows.codes.shape == (300, 101)
    assert rows.codes.max() < 4
    assert rows.labels.tolist() == [1] * 300
    assert len(set(rows.ids)) == 300
    assert (rows.source, rows.simulated, rows.files) == ("jaspar", True, ())
    assert "MA0037.3" in rows.note
    assert "JASPAR20" in rows.note
    assert "Homo sapiens" in rows.note
    assert (events[-1].done, events[-1].total) == (300, 300)


def test_the_sites_can_be_found_again():
    motif = jaspar_motif("CTCF")
    rows = fetch("CTCF", SourceOptions(positives=500, window=60))
    chance = background(500, 60, np.random.default_rng(9))
    odds = np.log((motif.probabilities + 0.01) / 1.04 / 0.25)

    def best(codes):
        both = []
        for strand in (codes, 3 - codes[:, ::-1]):
            windows = np.lib.stride_tricks.sliding_window_view(strand, motif.width, axis=1)
            both.append(odds[windows, np.arange(motif.width)].sum(axis=2).max(axis=1))
        return np.maximum(*both)

    found, by_chance = best(rows.codes), best(chance)
    assert (found[:, None] > by_chance).mean() > 0.97


def test_same_choices_same_rows_and_other_choices_other_rows():
    def digest(tf, seed):
        return fetch(tf, SourceOptions(seed=seed, positives=50)).digest

    assert digest("STAT3", 1) == digest("stat3", 1)
    assert len({digest("STAT3", 1), digest("STAT3", 2), digest("GATA3", 1)}) == 3


def test_different_matrices_share_no_background():
    first, second = (fetch(tf, SourceOptions(seed=1, positives=200)).codes for tf in ("STAT3", "GATA3"))
    assert (first == second).mean() < 0.35


def test_default_size():
    assert fetch("FOXM1", SourceOptions()).codes.shape == (4000, 101)


def test_what_cannot_be_simulated():
    with pytest.raises(UsageError, match="too short"):
        fetch("CTCF", SourceOptions(window=5))
    with pytest.raises(UsageError, match="cannot be simulated"):
        fetch("CTCF", SourceOptions(positives=0))
    with pytest.raises(NotFoundError, match="no matrix"):
        fetch("POLR2A", SourceOptions())


def test_a_window_of_just_the_site():
    width = jaspar_motif("GATA3").width
    assert fetch("GATA3", SourceOptions(window=width, positives=3)).length == width


def test_test_rows_are_the_users_or_none(tmp_path, seqgz):
    assert fetch_test("GATA3", SourceOptions()) is None
    (tmp_path / "own.seq.gz").write_bytes(seqgz(rows=3))
    assert len(fetch_test("GATA3", SourceOptions(test=tmp_path / "own.seq.gz"))) == 3
