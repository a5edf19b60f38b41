from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from tfbs_hub.errors import InputError
from tfbs_hub.evaluation.bootstrap import bootstrap_auroc, resample_counts, resample_seeds
from tfbs_hub.evaluation.delong import delong_test
from tfbs_hub.evaluation.pairs import MAX_PAIRS, delong_rows, holm, paired_rows
from tfbs_hub.metrics import auroc


def test_holm_as_in_r():
    # R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") and p.adjust(c(.042, .001, .031, .014, .007), "holm")
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.042, 0.001, 0.031, 0.014, 0.007]) == pytest.approx([0.062, 0.005, 0.062, 0.042, 0.028])
    assert holm([]).tolist() == []


# statsmodels collects garbage at every call, which takes as long as all else together.
@settings(max_examples=15)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_equals_statsmodels(p):
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=0, atol=1e-15)


@pytest.fixture(scope="module")
def models():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    shared = rng.normal(labels)
    return labels, {name: shared + width * rng.normal(size=200) for name, width in (("a", 0.1), ("b", 1), ("c", 3))}


def test_delong_rows_are_delongs_tests(models):
    labels, scores = models
    rows = delong_rows(labels, scores)
    assert [(row.a, row.b) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    for row in rows:
        test = delong_test(labels, scores[row.a], scores[row.b])
        assert (row.difference, row.ci95, row.z, row.p) == (test.difference, test.ci, test.z, test.p)
    assert [row.p_holm for row in rows] == holm([row.p for row in rows]).tolist()


def test_paired_rows_are_percentiles_of_differences(models):
    labels, scores = models
    counts = resample_counts(labels, resample_seeds(0, 99))
    points = {name: auroc(labels, each) for name, each in scores.items()}
    resampled = {name: bootstrap_auroc(labels, each, counts) for name, each in scores.items()}
    rows = paired_rows(points, resampled)
    assert [(row.a, row.b) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    for row in rows:
        gaps = resampled[row.a] - resampled[row.b]
        assert row.difference == points[row.a] - points[row.b]
        assert row.ci95 == tuple(np.percentile(gaps, [2.5, 97.5]))
        assert row.p == min(1, 2 * (1 + min((gaps <= 0).sum(), (gaps >= 0).sum())) / 100)
    assert [row.p_holm for row in rows] == holm([row.p for row in rows]).tolist()


def test_the_bootstraps_p_by_hand():
    zero = np.zeros(9)
    up = np.array([1, 1, 1, 1, 1, 1, 1, 1, -1.0])

    def p(gaps):
        (row,) = paired_rows({"a": 0.0, "b": 0.0}, {"a": gaps, "b": zero})
        return row.p

    assert p(zero) == 1
    assert p(np.ones(9)) == p(-np.ones(9)) == 2 * 1 / 10
    assert p(up) == p(-up) == 2 * 2 / 10
    assert p(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1.0])) == 1


def test_many_models_are_compared_with_the_first_unless_asked():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    scores = {f"m{number:02}": rng.normal(labels) for number in range(MAX_PAIRS + 1)}
    points = {name: auroc(labels, each) for name, each in scores.items()}
    resampled = {name: rng.random(5) for name in scores}
    against = [("m00", name) for name in list(scores)[1:]]
    assert [(row.a, row.b) for row in delong_rows(labels, scores)] == against
    assert [(row.a, row.b) for row in paired_rows(points, resampled)] == against
    every = MAX_PAIRS * (MAX_PAIRS + 1) // 2
    assert len(delong_rows(labels, scores, all_pairs=True)) == every
    assert len(paired_rows(points, resampled, all_pairs=True)) == every
    del scores["m00"]
    assert len(delong_rows(labels, scores)) == MAX_PAIRS * (MAX_PAIRS - 1) // 2


def test_a_single_model_has_no_pairs():
    assert delong_rows([1, 1, 0, 0], {"a": np.arange(4.0)}) == ()
    assert paired_rows({"a": 0.5}, {"a": np.arange(4.0)}) == ()


def test_what_is_no_pair_is_said():
    with pytest.raises(InputError, match="same models"):
        paired_rows({"a": 0.5, "b": 0.5}, {"b": np.ones(3), "a": np.ones(3)})
    with pytest.raises(InputError, match="same models"):
        paired_rows({"a": 0.5, "b": 0.5}, {"a": np.ones(3), "b": np.ones(4)})
