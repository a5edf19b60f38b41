from __future__ import annotations

import numpy as np
import pytest

from tfbs_hub import metrics
from tfbs_hub.errors import InputError, PluginError, UsageError
from tfbs_hub.evaluation import compare as module
from tfbs_hub.evaluation.anova import one_way
from tfbs_hub.evaluation.bootstrap import bootstrap_auprc, bootstrap_auroc, resample_counts, resample_seeds
from tfbs_hub.evaluation.compare import compare
from tfbs_hub.evaluation.delong import auroc_interval

FILE = {"name": "x.seq.gz", "sha256": "b" * 64, "rows": 120}
LABELS = (np.arange(120) % 3 == 0).astype(np.int8)


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    return {name: np.round(rng.normal(gain * LABELS), 1) for name, gain in (("moe", 2), ("A", 1), ("B", 0.5))}


def run(scores, labels=LABELS, **options):
    return compare("x", FILE, "given", labels, scores, **{"sequence_digest": "d" * 64, "trials": 40, **options})


def test_everything_is_what_its_own_function_says(scores):
    alpha = {"moe": {"A": 0.75, "B": 0.25}}
    found = run(scores, alpha=alpha, seed=3)
    assert (found.name, found.file, found.negatives, found.sequence_digest) == ("x", FILE, "given", "d" * 64)
    assert (found.n, found.positives) == (120, 40)
    assert found.labels.dtype == np.int8
    assert found.resample_seeds.tolist() == resample_seeds(3, 40).tolist()
    assert [model.name for model in found.models] == ["moe", "A", "B"]
    counts = resample_counts(LABELS, found.resample_seeds)
    for model in found.models:
        logits = scores[model.name]
        chances = 1 / (1 + np.exp(-logits))
        value, low, high = auroc_interval(LABELS, logits)
        assert (model.auroc.value, model.auroc.ci95) == (value, (low, high))
        assert model.scores.tolist() == logits.tolist()
        assert model.bootstrap_auroc.tolist() == bootstrap_auroc(LABELS, logits, counts).tolist()
        assert model.auprc.value == metrics.auprc(LABELS, logits)
        assert model.auprc.ci95 == tuple(np.percentile(bootstrap_auprc(LABELS, logits, counts), [2.5, 97.5]))
        assert model.brier.value == pytest.approx(metrics.brier(LABELS, chances))
        assert model.ece.value == pytest.approx(metrics.ece(LABELS, chances))
        for measure in (model.auprc, model.brier, model.ece):
            assert measure.ci95[0] < measure.ci95[1]
        assert model.ece_floor == pytest.approx(metrics.calibration_floor(chances), rel=0.2)
        assert model.alpha == alpha.get(model.name, {})
    assert found.anova == one_way([model.bootstrap_auroc for model in found.models])
    pairs = [("moe", "A"), ("moe", "B"), ("A", "B")]
    for rows in (found.tukey, found.delong, found.paired):
        assert [(row.a, row.b) for row in rows] == pairs
    means = {model.name: model.bootstrap_mean for model in found.models}
    points = {model.name: model.auroc.value for model in found.models}
    for tukey, delong, paired in zip(found.tukey, found.delong, found.paired, strict=True):
        assert tukey.difference == pytest.approx(means[tukey.a] - means[tukey.b], abs=1e-15)
        assert delong.difference == paired.difference == points[paired.a] - points[paired.b]


def test_the_roc_curve_keeps_its_area_with_fewer_points(scores):
    for model in run(scores).models:
        fpr, tpr = metrics.roc_points(LABELS, model.scores)
        area = np.sum(np.diff(model.roc_fpr) * (model.roc_tpr[1:] + model.roc_tpr[:-1]) / 2)
        assert area == pytest.approx(model.auroc.value, abs=1e-12)
        assert (model.roc_fpr[[0, -1]].tolist(), model.roc_tpr[[0, -1]].tolist()) == ([0, 1], [0, 1])
        assert {*zip(model.roc_fpr, model.roc_tpr, strict=True)} <= {*zip(fpr, tpr, strict=True)}
        # The curve of all points is the curve of the corners.
        np.testing.assert_allclose(np.interp(fpr + tpr, model.roc_fpr + model.roc_tpr, model.roc_tpr), tpr, atol=1e-12)
    perfect = run({"a": LABELS.astype(float)}).models[0]
    assert (perfect.roc_fpr.tolist(), perfect.roc_tpr.tolist()) == ([0, 0, 1], [0, 1, 1])
    labels = np.arange(2000) % 2
    many = run({"a": np.random.default_rng(0).normal(3.0 * labels)}, labels, trials=2).models[0]
    assert len(many.roc_fpr) < 400


def test_the_same_question_has_the_same_answer(scores, same):
    assert same(run(scores, seed=5), run(scores, seed=5))
    assert not same(run(scores, seed=5), run(scores, seed=6))


def test_other_models_change_nothing_of_a_model(scores, same):
    alone, among = run({"A": scores["A"]}), run(scores)
    assert same(alone.models[0], among.models[1])
    assert alone.anova is None
    assert alone.tukey is None
    assert (alone.delong, alone.paired) == ((), ())


def test_models_that_rank_alike_do_not_differ(scores):
    found = run({"a": scores["A"], "b": 2 * scores["A"]})
    assert (found.anova.F, found.anova.p) == (0, 1)
    (tukey,), (delong,), (paired,) = found.tukey, found.delong, found.paired
    assert [row.p for row in (tukey, delong, paired)] == [1, 1, 1]
    assert [row.ci95 for row in (delong, paired)] == [(0, 0), (0, 0)]


def test_extreme_logits_are_probabilities_without_a_warning():
    found = run({"a": 4000.0 * LABELS - 2000, "b": np.zeros(120)})
    assert found.models[0].brier.value == 0
    assert found.models[0].auroc.value == 1
    assert found.models[1].auroc.ci95 == (0.5, 0.5)
    assert found.anova.p == 0


def test_tukey_of_many_models_is_computed_if_asked(scores, monkeypatch):
    monkeypatch.setattr(module, "MAX_TUKEY", 2)
    assert run(scores).tukey is None
    assert len(run(scores, all_pairs=True).tukey) == 3


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_the_models_fault(scores, odd):
    broken = scores["A"].copy()
    broken[[6, 9]] = odd
    with pytest.raises(PluginError, match=rf"A on x: 2 of 120 scores .* {odd}, of sequence 7\n.*architecture of A"):
        run({**scores, "A": broken})
    with pytest.raises(PluginError, match="A on x: 120 sequences have as many scores"):
        run({**scores, "A": broken[:7]})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(0, np.int8), "x: there are no rows"),
        (np.ones(120, np.int8), "x: ranking needs bound and unbound rows"),
        (np.zeros(120, np.int8), "x: ranking needs bound and unbound rows"),
        (np.arange(120) == 0, "x: an interval needs two rows of each class; here 1 are bound"),
        (np.arange(120), "x: row 3: labels must be 0 or 1"),
    ],
)
def test_labels_that_cannot_be_ranked(labels, message):
    with pytest.raises(InputError, match=message):
        run({"a": np.zeros(len(labels))}, labels)


def test_questions_without_an_answer(scores):
    with pytest.raises(UsageError, match="no model"):
        run({})
    with pytest.raises(UsageError, match="at least 2 resamples, not 1"):
        run(scores, trials=1)
