from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from tfbs_hub.errors import InputError
from tfbs_hub.metrics import auprc, auroc, brier, calibration_floor, checked_scores, ece, roc_points

# Few distinct values, so that ties within and between the classes are the rule.
TIED = st.integers(-3, 3).map(lambda value: value / 4)
ANY = st.floats(-1e6, 1e6, width=32)


@st.composite
def ranked(draw, values=TIED | ANY):
    """Labels of both classes, and scores."""
    rows = draw(st.integers(2, 60))
    labels = draw(hnp.arrays(np.int8, rows, elements=st.integers(0, 1)).filter(lambda found: 0 < found.sum() < rows))
    return labels, draw(hnp.arrays(np.float64, rows, elements=draw(st.sampled_from([values, TIED]))))


@st.composite
def chances(draw):
    """Labels, perhaps of one class, and probabilities."""
    rows = draw(st.integers(1, 60))
    labels = draw(hnp.arrays(np.int8, rows, elements=st.integers(0, 1)))
    values = st.integers(0, 4).map(lambda value: value / 4) | st.floats(0, 1)
    return labels, draw(hnp.arrays(np.float64, rows, elements=values))


@settings(deadline=None)
@given(ranked())
def test_ranking_equals_scikit_learn(data):
    assert auroc(*data) == pytest.approx(roc_auc_score(*data), abs=1e-12)
    assert auprc(*data) == pytest.approx(average_precision_score(*data), abs=1e-12)


@settings(deadline=None)
@given(ranked())
def test_roc_points_equal_scikit_learn_and_enclose_the_auroc(data):
    false, true = roc_points(*data)
    theirs = roc_curve(*data, drop_intermediate=False)
    np.testing.assert_allclose(false, theirs[0], atol=1e-12)
    np.testing.assert_allclose(true, theirs[1], atol=1e-12)
    assert np.trapezoid(true, false) == pytest.approx(auroc(*data), abs=1e-12)


@settings(deadline=None)
@given(ranked())
def test_auroc_is_the_share_of_pairs_in_order(data):
    labels, scores = data
    bound, unbound = scores[labels == 1], scores[labels == 0]
    pairs = (bound[:, None] > unbound).mean() + (bound[:, None] == unbound).mean() / 2
    assert auroc(labels, scores) == pytest.approx(pairs, abs=1e-12)


@settings(deadline=None)
@given(ranked(), st.randoms(use_true_random=False))
def test_ranking_has_its_symmetries(data, random):
    labels, scores = data
    value = auroc(labels, scores)
    assert auroc(labels, -scores) == pytest.approx(1 - value, abs=1e-15)
    assert auroc(1 - labels, scores) == pytest.approx(1 - value, abs=1e-15)
    order = list(range(len(labels)))
    random.shuffle(order)
    assert auroc(labels[order], scores[order]) == value
    assert auprc(labels[order], scores[order]) == auprc(labels, scores)


def test_ranking_of_a_case_done_by_hand():
    # Bound .9 and .4, unbound .4 and .1: three pairs in order, one tie.
    labels, scores = [1, 1, 0, 0], [0.9, 0.4, 0.4, 0.1]
    assert auroc(labels, scores) == 3.5 / 4
    assert auprc(labels, scores) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert auroc([True, False], [2, 1]) == 1.0
    assert auroc(np.array([1.0, 0.0]), np.array([1, 1], dtype=np.float32)) == 0.5


def test_large_and_single_precision_scores_are_ranked_exactly():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200_000)
    scores = np.round(rng.normal(labels, 2), 1).astype(np.float32)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    # Neighbours in float32 are distinct scores and no tie.
    assert auroc([0, 1], np.array([1, np.nextafter(np.float32(1), np.float32(2))], dtype=np.float32)) == 1.0


@settings(deadline=None)
@given(chances())
def test_brier_equals_scikit_learn(data):
    assert brier(*data) == pytest.approx(brier_score_loss(*data, pos_label=1, labels=[0, 1]), abs=1e-12)


def slow_ece(labels, probabilities, bins, orders, rng):
    """Mean over random orders of the ties of the textbook ECE's bin sums, bin by bin."""
    sums = 0.0
    for _ in range(orders):
        order = np.lexsort((rng.random(len(labels)), probabilities))
        parts = np.array_split(order, min(bins, len(order)))
        sums = sums + np.array([labels[part].sum() - probabilities[part].sum() for part in parts])
    return np.abs(sums / orders).sum() / len(labels)


@settings(deadline=None)
@given(chances(), st.integers(1, 12))
def test_ece_without_ties_is_the_textbook_one(data, bins):
    labels, probabilities = data
    distinct = (np.argsort(np.argsort(probabilities)) + probabilities) / (len(probabilities) + 1)
    expected = slow_ece(labels, distinct, bins, 1, np.random.default_rng(0))
    assert ece(labels, distinct, bins) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(chances(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_ece_does_not_depend_on_the_order_of_rows(data, bins, random):
    labels, probabilities = data
    order = list(range(len(labels)))
    random.shuffle(order)
    assert ece(labels[order], probabilities[order], bins) == pytest.approx(ece(labels, probabilities, bins), abs=1e-12)
    assert 0 <= ece(labels, probabilities, bins) <= 1


def test_ece_shares_ties_evenly():
    # A constant, right probability is calibrated, though the rows come with all the bound ones first.
    assert ece([1] * 50 + [0] * 50, [0.5] * 100) == 0
    assert ece([1] * 50 + [0] * 50, [0.7] * 100) == pytest.approx(0.2)
    rng = np.random.default_rng(1)
    probabilities = np.round(rng.random(103), 1)
    labels = rng.integers(0, 2, 103)
    assert ece(labels, probabilities, 7) == pytest.approx(slow_ece(labels, probabilities, 7, 4000, rng), abs=5e-3)


def test_ece_of_a_case_done_by_hand():
    # Five rows make a bin of three and a bin of two.
    value = ece([0, 1, 1, 0, 1], [0.1, 0.2, 0.6, 0.8, 1.0], bins=2)
    assert value == pytest.approx((abs(2 - 0.9) + abs(1 - 1.8)) / 5)


def test_the_floor_is_the_mean_ece_of_calibrated_labels():
    rng = np.random.default_rng(5)
    probabilities = rng.beta(0.5, 0.5, 1000)
    floor = calibration_floor(probabilities)
    own = np.mean([ece(rng.random(1000) < probabilities, probabilities) for _ in range(400)])
    assert floor == pytest.approx(own, rel=0.05)
    assert calibration_floor(rng.permutation(probabilities)) == floor
    assert calibration_floor(probabilities, seed=1) != floor
    # Chance shrinks with the square root of the rows.
    assert calibration_floor(np.repeat(probabilities, 9)) == pytest.approx(floor / 3, rel=0.1)
    assert calibration_floor([0.0, 1.0, 1.0]) == 0


RANKING = (auroc, auprc, roc_points)
PROBABILITY = (brier, ece)


@pytest.mark.parametrize("metric", RANKING + PROBABILITY)
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([], [], "no rows"),
        ([0, 1], [0.5], "2 labels need as many scores, not 1"),
        ([0, 1], [[0.5], [0.5]], "one row of numbers"),
        ([[0, 1]], [0.5, 0.5], "labels must be one row"),
        (["a", "b"], [0.5, 0.5], "labels must be one row"),
        ([0, 1], ["a", "b"], "scores must be one row"),
        ([0, 1, 2], [0.5, 0.5, 0.5], "row 3: labels must be 0 or 1, not 2"),
        ([-1, 1], [0.5, 0.5], "row 1: labels must be 0 or 1, not -1"),
        ([0, np.nan], [0.5, 0.5], "row 2: labels must be 0 or 1, not nan"),
        ([0, 1], [0.5, np.nan], "row 2: scores must be finite, not nan"),
        ([0, 1], [-np.inf, 0.5], "row 1: scores must be finite, not -inf"),
    ],
)
def test_malformed_rows_are_input_errors(metric, labels, scores, message):
    with pytest.raises(InputError, match=message):
        metric(labels, scores)


@pytest.mark.parametrize("metric", RANKING)
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_cannot_be_ranked(metric, label):
    with pytest.raises(InputError, match="needs bound and unbound rows"):
        metric([label] * 3, [0.1, 0.2, 0.3])


@pytest.mark.parametrize("metric", PROBABILITY)
def test_one_class_can_be_calibrated_but_logits_cannot(metric):
    assert metric([1, 1], [1.0, 1.0]) == 0
    with pytest.raises(InputError, match=r"row 2: a probability lies between 0 and 1; this is 1\.5"):
        metric([1, 0], [0.5, 1.5])


def test_bins_and_draws_must_be_positive():
    with pytest.raises(InputError, match="at least 1 bin"):
        ece([0, 1], [0.1, 0.9], bins=0)
    with pytest.raises(InputError, match="at least 1 draw"):
        calibration_floor([0.5], draws=0)
    with pytest.raises(InputError, match="no rows"):
        checked_scores([], None)


def test_scikit_learn_and_scipy_stay_unimported():
    code = (
        "import sys, tfbs_hub.metrics, tfbs_hub.evaluation.delong;"
        "print('sklearn' in sys.modules, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
