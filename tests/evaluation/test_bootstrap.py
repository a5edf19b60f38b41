from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from tfbs_hub import metrics
from tfbs_hub.errors import InputError
from tfbs_hub.evaluation import bootstrap
from tfbs_hub.evaluation.bootstrap import (
    bootstrap_auprc,
    bootstrap_auroc,
    bootstrap_brier,
    bootstrap_ece,
    bootstrap_measures,
    resample_counts,
    resample_seeds,
)

# Few distinct values, so that ties within and between the classes are the rule.
LOGITS = st.integers(-4, 4).map(float) | st.floats(-50, 50, width=32)


@st.composite
def rows(draw):
    """Labels of both classes, scores with ties, and counts of a few resamples (trials, rows)."""
    bound, unbound = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    labels = np.array(draw(st.permutations([1] * bound + [0] * unbound)))
    scores = draw(hnp.arrays(np.float64, bound + unbound, elements=LOGITS))
    return labels, scores, resample_counts(labels, resample_seeds(draw(st.integers(0, 99)), 5))


def sigmoid(scores):
    return np.exp(-np.logaddexp(0, -scores))


def written_out(counts):
    """The rows of each resample, one after another."""
    return [np.repeat(np.arange(counts.shape[1]), trial) for trial in counts]


@given(rows())
def test_areas_equal_a_loop_over_scikit_learn(data):
    labels, scores, counts = data
    drawn = written_out(counts)
    expected = [roc_auc_score(labels[each], scores[each]) for each in drawn]
    np.testing.assert_allclose(bootstrap_auroc(labels, scores, counts), expected, rtol=0, atol=1e-12)
    expected = [average_precision_score(labels[each], scores[each]) for each in drawn]
    np.testing.assert_allclose(bootstrap_auprc(labels, scores, counts), expected, rtol=0, atol=1e-12)


@given(rows(), st.integers(1, 12))
def test_calibration_equals_that_of_the_rows_written_out(data, bins):
    labels, scores, counts = data
    chances, drawn = sigmoid(scores), written_out(counts)
    expected = [metrics.ece(labels[each], chances[each], bins) for each in drawn]
    np.testing.assert_allclose(bootstrap_ece(labels, chances, counts, bins), expected, rtol=0, atol=1e-12)
    expected = [brier_score_loss(labels[each], chances[each]) for each in drawn]
    np.testing.assert_allclose(bootstrap_brier(labels, chances, counts), expected, rtol=0, atol=1e-12)


@given(rows())
def test_the_auroc_is_that_of_metrics_to_the_last_bit(data):
    labels, scores, counts = data
    expected = [metrics.auroc(labels[each], scores[each]) for each in written_out(counts)]
    assert bootstrap_auroc(labels, scores, counts).tolist() == expected


@given(rows())
def test_only_the_order_of_scores_matters(data):
    labels, scores, counts = data
    order = np.unique(scores, return_inverse=True)[1]
    for measure in (bootstrap_auroc, bootstrap_auprc):
        assert (
            measure(labels, order.astype(float) ** 3 - 7, counts).tolist() == measure(labels, scores, counts).tolist()
        )


@given(rows())
def test_swapped_labels_give_the_rest(data):
    labels, scores, counts = data
    rest = 1 - bootstrap_auroc(labels, scores, counts)
    np.testing.assert_allclose(bootstrap_auroc(1 - labels, scores, counts), rest, rtol=0, atol=1e-12)


@given(rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(data, random):
    labels, scores, counts = data
    order = list(range(len(labels)))
    random.shuffle(order)
    assert (
        bootstrap_auroc(labels[order], scores[order], counts[:, order]).tolist()
        == bootstrap_auroc(labels, scores, counts).tolist()
    )
    for measure in (bootstrap_ece, bootstrap_brier):
        chances = sigmoid(scores)
        expected = measure(labels, chances, counts)
        np.testing.assert_allclose(measure(labels[order], chances[order], counts[:, order]), expected, atol=1e-12)


def test_each_row_once_is_the_sample_itself():
    labels, scores = np.array([1, 0, 1, 0, 0]), np.array([2.0, 2.0, 1.0, 0.0, -3.0])
    once, chances = np.ones((1, 5), int), sigmoid(scores)
    assert bootstrap_auroc(labels, scores, once) == [metrics.auroc(labels, scores)]
    assert bootstrap_auprc(labels, scores, once) == [metrics.auprc(labels, scores)]
    assert bootstrap_brier(labels, chances, once) == pytest.approx([metrics.brier(labels, chances)], abs=1e-15)
    assert bootstrap_ece(labels, chances, once) == pytest.approx([metrics.ece(labels, chances)], abs=1e-15)


def test_seeds_are_their_own():
    seeds = resample_seeds(3, 50)
    assert seeds.dtype == np.uint64
    assert len(set(seeds.tolist())) == 50
    assert resample_seeds(3, 9).tolist() == seeds[:9].tolist()
    assert not set(resample_seeds(4, 50).tolist()) & set(seeds.tolist())


def test_a_resample_is_a_draw_with_replacement_whatever_the_class():
    labels = np.repeat([1, 0], [30, 170])
    counts = resample_counts(labels, resample_seeds(0, 400))
    assert counts.shape == (400, 200)
    assert (counts.sum(axis=1) == 200).all()
    # Binomial: each row 1 ± 1 in each trial, the bound rows 30 ± 5 (unstratified, so not always 30).
    assert abs(counts.mean(axis=0) - 1).max() < 5 / np.sqrt(400)
    assert counts.var(axis=0).mean() == pytest.approx(199 / 200, abs=0.03)
    bound = counts[:, :30].sum(axis=1)
    assert bound.mean() == pytest.approx(30, abs=4 * 5.05 / 20)
    assert bound.std() == pytest.approx(5.05, abs=0.7)


def test_trials_depend_on_their_own_seed_alone():
    labels, seeds = np.arange(40) % 2, resample_seeds(0, 20)
    together = resample_counts(labels, seeds)
    assert np.array_equal(together[7:9], resample_counts(labels, seeds[7:9]))
    assert np.array_equal(together, resample_counts(labels, seeds))


def test_a_resample_without_one_of_the_classes_is_drawn_again():
    labels = np.array([1, 0, 0])
    counts = resample_counts(labels, resample_seeds(0, 200))
    assert (counts[:, 0] > 0).all()
    assert (counts[:, 1:].sum(axis=1) > 0).all()
    assert len(np.unique(counts, axis=0)) == 5  # 2 + 1, 1 + 2 and 1 + 1 + 1, by which of the two are drawn


@given(rows())
def test_all_measures_at_once_are_each_of_them(data):
    labels, scores, _ = data
    seeds = resample_seeds(0, 70)
    models = {"a": scores, "b": -scores, "c": np.zeros_like(scores)}
    chances = {name: sigmoid(logits) for name, logits in models.items()}
    found = bootstrap_measures(labels, models, chances, seeds)
    counts = resample_counts(labels, seeds)
    assert list(found) == ["a", "b", "c"]
    for name, logits in models.items():
        assert found[name].auroc.tolist() == bootstrap_auroc(labels, logits, counts).tolist()
        assert found[name].auprc.tolist() == bootstrap_auprc(labels, logits, counts).tolist()
        assert found[name].brier.tolist() == bootstrap_brier(labels, chances[name], counts).tolist()
        assert found[name].ece.tolist() == bootstrap_ece(labels, chances[name], counts).tolist()
    assert set(found["c"].auroc) == {0.5}


def test_models_in_several_batches_meet_the_same_resamples(monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    models = {f"m{number}": rng.normal(labels) for number in range(5)}
    chances = {name: sigmoid(logits) for name, logits in models.items()}
    seeds = resample_seeds(0, 30)
    whole = bootstrap_measures(labels, models, chances, seeds)
    monkeypatch.setattr(bootstrap, "_LARGEST", 200)
    batches = bootstrap_measures(labels, models, chances, seeds)
    assert {name: [each.tolist() for each in found] for name, found in batches.items()} == {
        name: [each.tolist() for each in found] for name, found in whole.items()
    }


def test_many_rows_stay_exact():
    # Twice the pairs of 200,000 rows are beyond 32 bits.
    rng = np.random.default_rng(0)
    labels = rng.random(200_000) < 0.5
    scores = np.round(rng.normal(labels), 3)
    counts = resample_counts(labels, resample_seeds(0, 1))
    drawn = np.repeat(np.arange(200_000), counts[0])
    assert bootstrap_auroc(labels, scores, counts) == [metrics.auroc(labels[drawn], scores[drawn])]
    chances = sigmoid(scores)
    expected = metrics.ece(labels[drawn], chances[drawn])
    assert bootstrap_ece(labels, chances, counts) == pytest.approx([expected], abs=1e-12)


def test_what_does_not_fit_is_said():
    labels, scores = [1, 1, 0], [1.0, 2.0, 3.0]
    once = np.ones((2, 3), int)
    for counts in (once[0], once[:, :2], once.astype(float)):
        with pytest.raises(InputError, match="whole numbers"):
            bootstrap_auroc(labels, scores, counts)
    for measure in (bootstrap_auroc, bootstrap_auprc):
        for lacking in ([[1, 2, 0]], [[0, 0, 3]]):
            with pytest.raises(InputError, match="lacks one of the classes"):
                measure(labels, scores, np.array(lacking))
    with pytest.raises(InputError, match="as many rows"):
        bootstrap_ece(labels, [0.1, 0.2, 0.3], 2 * once)
    with pytest.raises(InputError, match="between 0 and 1"):
        bootstrap_brier(labels, scores, once)
    with pytest.raises(InputError, match="at least 1 bin"):
        bootstrap_ece(labels, [0.1, 0.2, 0.3], once, 0)
    with pytest.raises(InputError, match="bound and unbound"):
        resample_counts([1, 1], resample_seeds(0, 2))
    with pytest.raises(InputError, match="finite"):
        bootstrap_auroc(labels, [1.0, np.nan, 0.0], once)
