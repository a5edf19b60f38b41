from __future__ import annotations

from math import erfc, inf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfbs_hub.errors import InputError
from tfbs_hub.evaluation.delong import auroc_interval, delong_covariance, delong_test, delong_tests
from tfbs_hub.metrics import auroc

# Few distinct values, so that ties within and between the classes are the rule.
SCORES = st.integers(-4, 4).map(float) | st.floats(-100, 100, width=32)


@st.composite
def models(draw, count=3):
    """Labels with at least two rows of each class, and scores (count, rows)."""
    bound, unbound = draw(st.integers(2, 25)), draw(st.integers(2, 25))
    labels = np.array(draw(st.permutations([1] * bound + [0] * unbound)))
    return labels, draw(hnp.arrays(np.float64, (count, bound + unbound), elements=SCORES))


def direct(labels, scores):
    """AUROCs and their covariance from all m x n pairs, as DeLong and others (1988) write it."""
    bound, unbound = scores[:, labels == 1], scores[:, labels == 0]
    psi = (bound[:, :, None] > unbound[:, None, :]) + (bound[:, :, None] == unbound[:, None, :]) / 2
    v10, v01 = psi.mean(axis=2), psi.mean(axis=1)
    theta = psi.mean(axis=(1, 2))
    m, n = v10.shape[1], v01.shape[1]
    covariance = np.empty((len(scores), len(scores)))
    for r in range(len(scores)):
        for s in range(len(scores)):
            s10 = sum((v10[r, i] - theta[r]) * (v10[s, i] - theta[s]) for i in range(m)) / (m - 1)
            s01 = sum((v01[r, j] - theta[r]) * (v01[s, j] - theta[s]) for j in range(n)) / (n - 1)
            covariance[r, s] = s10 / m + s01 / n
    return theta, covariance


@settings(deadline=None)
@given(models())
def test_covariance_equals_the_direct_computation(data):
    labels, scores = data
    _, expected = direct(labels, scores)
    np.testing.assert_allclose(delong_covariance(labels, scores), expected, atol=1e-12, rtol=0)


@settings(deadline=None)
@given(models(count=1), st.sampled_from([(0.95, 1.959963984540054), (0.9, 1.6448536269514722)]))
def test_interval_equals_the_direct_computation(data, level):
    labels, scores = data
    (theta,), ((variance,),) = direct(labels, scores)
    value, low, high = auroc_interval(labels, scores[0], level[0])
    assert value == pytest.approx(theta, abs=1e-12) == auroc(labels, scores[0])
    assert 0 <= low <= value <= high <= 1
    if 0 < value < 1:
        assert low == pytest.approx(max(0, theta - level[1] * sqrt(variance)), abs=1e-7)
        assert high == pytest.approx(min(1, theta + level[1] * sqrt(variance)), abs=1e-7)


@settings(deadline=None)
@given(models(count=2))
def test_comparison_equals_the_direct_computation(data):
    labels, scores = data
    theta, covariance = direct(labels, scores)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    found = delong_test(labels, scores[0], scores[1])
    assert found.difference == pytest.approx(theta[0] - theta[1], abs=1e-12)
    assert -1 <= found.ci[0] <= found.difference <= found.ci[1] <= 1
    if variance > 1e-9:
        z = (theta[0] - theta[1]) / sqrt(variance)
        assert found.z == pytest.approx(z, abs=1e-6)
        assert found.p == pytest.approx(erfc(abs(z) / sqrt(2)), abs=1e-6)
        assert found.ci[1] == pytest.approx(min(1, found.difference + 1.959963984540054 * sqrt(variance)), abs=1e-6)


@settings(deadline=None)
@given(models(count=2))
def test_comparison_has_its_symmetries(data):
    labels, (a, b) = data
    found, swapped = delong_test(labels, a, b), delong_test(labels, b, a)
    assert (swapped.difference, swapped.z, swapped.p) == (-found.difference, -found.z, found.p)
    assert swapped.ci == (-found.ci[1], -found.ci[0])
    # Another scale or offset of one model changes nothing but rounding; a power of two not even that.
    assert delong_test(labels, a * 4, b) == found
    same = delong_test(labels, a, a * 2)
    assert (same.difference, same.z, same.p, same.ci) == (0, 0, 1, (0, 0))


def test_a_case_done_by_hand():
    # Bound 3 and 1, unbound 2 and 0: components 1, 1/2 and 1/2, 1; variances 1/8 each, over 2 rows each.
    labels, scores = [1, 1, 0, 0], [3, 1, 2, 0]
    np.testing.assert_allclose(delong_covariance(labels, [scores]), [[1 / 8]])
    value, low, high = auroc_interval(labels, scores)
    assert (value, high) == (0.75, 1.0)
    assert low == pytest.approx(0.75 - 1.959963984540054 * sqrt(1 / 8))


def test_perfect_separation_is_bounded_by_independent_pairs():
    for rows, expected in ((500, 0.9927), (10, 0.6915)):
        labels = np.repeat([1, 0], rows)
        value, low, high = auroc_interval(labels, labels * 2.0)
        assert (value, high) == (1.0, 1.0)
        assert low == pytest.approx(expected, abs=1e-4) == 0.025 ** (1 / rows)
        assert auroc_interval(labels, -labels) == (0.0, 0.0, 1 - low)
    # The rarer class sets the number of pairs.
    assert auroc_interval([1] * 4 + [0] * 900, [1] * 4 + [0] * 900, 0.9)[1] == pytest.approx(0.05**0.25)


def test_a_constant_score_is_half_without_a_doubt():
    assert auroc_interval([1, 1, 0, 0, 0], [7] * 5) == (0.5, 0.5, 0.5)


def test_differences_without_variance():
    labels = np.repeat([1, 0], 20)
    constant = np.zeros(40)
    assert delong_test(labels, labels, constant) == (0.5, inf, 0.0, (0.5, 0.5))
    assert delong_test(labels, constant, labels) == (-0.5, -inf, 0.0, (-0.5, -0.5))
    assert delong_test(labels, labels, labels * 3) == (0.0, 0.0, 1.0, (0.0, 0.0))


def test_the_interval_covers_as_it_says():
    # Normal scores a distance d apart have AUROC Phi(d / sqrt 2); d = 1.5 gives 0.8556.
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], [150, 200])
    hits = 0
    for _ in range(1000):
        _, low, high = auroc_interval(labels, rng.normal(1.5 * labels))
        hits += low <= 0.85557 <= high
    assert 0.93 <= hits / 1000 <= 0.97


def test_equal_models_are_rarely_told_apart():
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], 150)
    small = 0
    for _ in range(1000):
        shared = rng.normal(labels)
        small += delong_test(labels, shared + rng.normal(size=300), shared + rng.normal(size=300)).p < 0.05
    assert 0.03 <= small / 1000 <= 0.07


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 0, 0], [1, 2, 3], "two rows of each class; here 1 are bound and 2"),
        ([1, 1, 0], [1, 2, 3], "two rows of each class; here 2 are bound and 1"),
        ([1, 1], [1, 2], "needs bound and unbound rows"),
        ([1, 1, 0, 0], [1, 2, 3], "4 labels need as many scores, not 3"),
        ([1, 1, 0, 0], [1, 2, 3, np.nan], "row 4: scores must be finite"),
        ([1, 1, 0, 2], [1, 2, 3, 4], "labels must be 0 or 1"),
    ],
)
def test_malformed_rows_are_input_errors(labels, scores, message):
    with pytest.raises(InputError, match=message):
        auroc_interval(labels, scores)
    with pytest.raises(InputError, match=message):
        delong_test(labels, scores, scores)
    with pytest.raises(InputError, match=message):
        delong_covariance(labels, [scores, scores])


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, np.nan])
def test_a_level_is_a_share(level):
    with pytest.raises(InputError, match="lies between 0 and 1"):
        auroc_interval([1, 1, 0, 0], [1, 2, 3, 4], level)
    with pytest.raises(InputError, match="lies between 0 and 1"):
        delong_test([1, 1, 0, 0], [1, 2, 3, 4], [1, 2, 3, 4], level)


def test_a_covariance_needs_a_table():
    with pytest.raises(InputError, match="table of models by rows"):
        delong_covariance([1, 1, 0, 0], [1, 2, 3, 4])


# DeLong and others (1988), patients with ovarian cancer, as SAS/STAT's guide prints the complete records (LOGISTIC,
# "Comparing Receiver Operating Characteristic Curves"): albumin, total protein, K-G score, benefit from surgery.
PATIENTS = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1
3.8 5.7  5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0
2.3 4.4  6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1
3.1 6.6  6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0
3.7 6.1  5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1
3.3 5.7  6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def test_the_published_example():
    albumin, protein, score, benefit = np.array(PATIENTS.split(), float).reshape(-1, 4).T
    tests = [-score, albumin, protein]
    areas = [(0.7258, 0.1028, 0.5243, 0.9273), (0.7366, 0.0927, 0.5549, 0.9182), (0.6478, 0.1000, 0.4518, 0.8439)]
    errors = np.sqrt(np.diag(delong_covariance(benefit, tests)))
    for given_scores, error, (area, published, low, high) in zip(tests, errors, areas, strict=True):
        assert auroc_interval(benefit, given_scores) == pytest.approx((area, low, high), abs=5e-5)
        assert error == pytest.approx(published, abs=5e-5)
    by_albumin, by_protein = delong_tests(benefit, tests, [(1, 0), (2, 0)])
    assert (by_albumin.difference, *by_albumin.ci, by_albumin.p) == pytest.approx(
        (0.0108, -0.1761, 0.1976, 0.9102), abs=5e-5
    )
    assert (by_protein.difference, *by_protein.ci, by_protein.p) == pytest.approx(
        (-0.0780, -0.2830, 0.1271, 0.4561), abs=5e-5
    )
