from __future__ import annotations

import warnings
from itertools import combinations
from math import inf

import numpy as np
import pytest
from scipy.stats import tukey_hsd
from statsmodels.stats.multicomp import pairwise_tukeyhsd

from tfbs_hub.errors import InputError
from tfbs_hub.evaluation.anova import one_way, tukey

# Dobson (1983), An Introduction to Statistical Modelling; R's data set PlantGrowth.
PLANTS = {
    "ctrl": [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
    "trt1": [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
    "trt2": [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
}


def test_anova_of_a_published_example():
    # R: anova(lm(weight ~ group, PlantGrowth)): 3.76634 and 10.49209 on 2 and 27 degrees, F = 4.8461, p = 0.01591.
    found = one_way(list(PLANTS.values()))
    assert (found.df_between, found.df_within) == (2, 27)
    assert (found.F, found.p) == pytest.approx((4.8461, 0.01591), abs=5e-5)
    assert found.eta2 == pytest.approx(3.76634 / (3.76634 + 10.49209), abs=1e-6)
    error = 10.49209 / 27
    assert found.omega2 == pytest.approx((3.76634 - 2 * error) / (3.76634 + 10.49209 + error), abs=1e-6)


def test_anova_by_hand():
    # Means 2 and 4, one within each unit of its own: between 2 * 3 * 1 = 6, within 4 on 4 degrees.
    found = one_way([[1, 2, 3], [3, 4, 5]])
    assert (found.F, found.eta2) == pytest.approx((6, 6 / 10))
    assert found.omega2 == pytest.approx((6 - 1) / (10 + 1))
    # Equal means: less than chance would give.
    assert one_way([[1, 2, 3], [3, 2, 1]]).omega2 == pytest.approx(-1 / 5)


def test_tukey_of_a_published_example():
    # R: TukeyHSD(aov(weight ~ group, PlantGrowth)), which has the later group first.
    found = {(row.a, row.b): row for row in tukey(list(PLANTS), list(PLANTS.values()))}
    published = {
        ("ctrl", "trt1"): (0.371, -0.3202161, 1.0622161, 0.3908711),
        ("ctrl", "trt2"): (-0.494, -1.1852161, 0.1972161, 0.1979960),
        ("trt1", "trt2"): (-0.865, -1.5562161, -0.1737839, 0.0120064),
    }
    assert list(found) == list(published)
    for pair, expected in published.items():
        row = found[pair]
        assert (row.difference, *row.ci95, row.p) == pytest.approx(expected, abs=1e-5)


# statsmodels integrates with the same function, which complains for nothing: see the next test.
@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize(("models", "trials", "spread"), [(3, 30, 0.0), (4, 30, 1.0), (9, 1000, 0.001)])
def test_tukey_equals_statsmodels(models, trials, spread):
    rng = np.random.default_rng(models)
    values = 0.9 + 0.01 * (rng.normal(size=(models, trials)) + spread * rng.normal(size=(models, 1)))
    names = [f"m{number}" for number in range(models)]
    expected = pairwise_tukeyhsd(values.ravel(), np.repeat(names, trials))
    found = tukey(names, values)
    assert [(row.a, row.b) for row in found] == list(combinations(names, 2))
    # statsmodels has the later group first.
    np.testing.assert_allclose([row.difference for row in found], -expected.meandiffs, atol=1e-12)
    np.testing.assert_allclose([row.ci95[::-1] for row in found], -expected.confint, atol=1e-6)
    np.testing.assert_allclose([row.p for row in found], expected.pvalues, atol=1e-6)


def test_means_that_are_all_but_equal_give_no_warning():
    # The integral of the studentised range complains here, and is right all the same.
    values = np.random.default_rng(0).normal(size=(8, 1000))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        tukey_hsd(*values).confidence_interval()
        assert said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = tukey("abcdefgh", values)
    assert all(0 <= row.p <= 1 for row in rows)


def test_values_that_do_not_scatter():
    same = one_way(np.full((3, 30), 0.1))
    assert (same.F, same.p, same.eta2, same.omega2) == (0, 1, 0, 0)
    differ = one_way(np.repeat([[0.1], [0.1], [0.7]], 30, axis=1))
    assert (differ.F, differ.p, differ.eta2, differ.omega2) == (inf, 0, 1, 1)
    assert (differ.df_between, differ.df_within) == (2, 87)
    rows = tukey("abc", np.repeat([[0.5], [0.5], [1.0]], 30, axis=1))
    assert [(row.difference, row.ci95, row.p) for row in rows] == [
        (0, (0, 0), 1),
        (-0.5, (-0.5, -0.5), 0),
        (-0.5, (-0.5, -0.5), 0),
    ]
    # One of the models alone is constant: an ordinary case.
    mixed = one_way([[0.5, 0.5, 0.5], [0.4, 0.5, 0.6]])
    assert mixed.F == 0
    assert mixed.p == 1


@pytest.mark.parametrize("values", [[1, 2, 3], [[1, 2, 3]], [[1], [2]], [[1, 2], [3, np.nan]]])
def test_malformed_values_are_input_errors(values):
    with pytest.raises(InputError, match="analysis of variance needs"):
        one_way(values)
    with pytest.raises(InputError, match="analysis of variance needs"):
        tukey("ab", values)
