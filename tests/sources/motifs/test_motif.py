from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tfbs_hub.errors import InputError
from tfbs_hub.sources.motifs import Motif

COUNTS = arrays.arrays(
    np.float64, st.tuples(st.just(4), st.integers(1, 12)), elements=st.integers(0, 500).map(float)
).filter(lambda counts: (counts.sum(axis=0) > 0).all())


@given(COUNTS)
def test_counts_become_probabilities(counts):
    motif = Motif.from_counts("M1", "TF", counts)
    assert motif.width == counts.shape[1]
    assert motif.sites == counts.sum(axis=0).max()
    np.testing.assert_allclose(motif.probabilities * counts.sum(axis=0), counts, atol=1e-9)


@given(COUNTS)
def test_turning_round_twice_changes_nothing(counts):
    motif = Motif.from_counts("M1", "TF", counts)
    turned = motif.reverse_complement()
    np.testing.assert_array_equal(turned.reverse_complement().probabilities, motif.probabilities)
    np.testing.assert_allclose(turned.information()[::-1], motif.information(), atol=1e-12)


@given(COUNTS, st.integers(0, 2**32))
def test_a_base_that_never_occurs_is_never_drawn(counts, seed):
    motif = Motif.from_counts("M1", "TF", counts)
    codes = motif.sample(50, np.random.default_rng(seed))
    assert codes.shape == (50, motif.width)
    assert codes.dtype == np.uint8
    assert (motif.probabilities[codes, np.arange(motif.width)] > 0).all()


def test_a_draw_at_the_very_end_takes_a_base_that_occurs():
    class Highest(np.random.Generator):
        def random(self, size):
            return np.full(size, np.nextafter(1, 0))

    # 0.06 + 0.57 + 0.37 is a little less than 1 in floating point.
    motif = Motif("M1", "TF", np.array([[0.06, 1.0], [0.57, 0], [0.37, 0], [0, 0]]))
    assert motif.sample(1, Highest(np.random.PCG64())).tolist() == [[2, 0]]


def test_reverse_complement_of_a_word():
    word = Motif("M1", "TF", np.eye(4)[:, [0, 0, 1]])
    assert word.sample(1, np.random.default_rng(0)).tolist() == [[0, 0, 1]]
    assert word.reverse_complement().sample(1, np.random.default_rng(0)).tolist() == [[2, 3, 3]]


def test_sampling_follows_the_frequencies():
    motif = Motif.from_counts("M1", "TF", [[70, 1, 0], [10, 1, 0], [15, 1, 0], [5, 1, 9]])
    codes = motif.sample(40_000, np.random.default_rng(3))
    found = np.stack([(codes == base).mean(axis=0) for base in range(4)])
    error = np.sqrt(motif.probabilities * (1 - motif.probabilities) / len(codes))
    assert (np.abs(found - motif.probabilities) <= 5 * error).all()
    # Columns are drawn independently of each other.
    joint = np.histogram2d(codes[:, 0], codes[:, 1], bins=4)[0] / len(codes)
    np.testing.assert_allclose(joint, np.outer(found[:, 0], found[:, 1]), atol=0.008)


def test_information_in_bits():
    motif = Motif.from_counts("M1", "TF", [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 1]])
    np.testing.assert_allclose(motif.information(), [2, 1, 0], atol=1e-12)


def test_probabilities_belong_to_the_motif_alone():
    given_matrix = np.full((4, 3), 0.25)
    motif = Motif("M1", "TF", given_matrix)
    given_matrix[:] = 0
    assert motif.probabilities.sum() == 3
    with pytest.raises(ValueError, match="read-only"):
        motif.probabilities[0, 0] = 1


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (np.full((3, 4), 0.25), "4 rows"),
        (np.empty((4, 0)), "at least one column"),
        (np.full(4, 0.25), "4 rows"),
        (np.full((4, 2), 0.3), "sum to 1"),
        (np.array([[1.5], [-0.5], [0], [0]]), "sum to 1"),
        (np.full((4, 2), np.nan), "sum to 1"),
    ],
)
def test_what_is_no_motif(matrix, said):
    with pytest.raises(InputError, match=said):
        Motif("M1", "TF", matrix)


@pytest.mark.parametrize(("counts", "said"), [([[1], [-1], [1], [1]], "negative"), ([[1, 0]] * 4, "column 2")])
def test_counts_that_cannot_be(counts, said):
    with pytest.raises(InputError, match=said):
        Motif.from_counts("M1", "TF", counts)
