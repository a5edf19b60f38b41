from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from tfbs_hub.evaluation.results import DeLongRow
from tfbs_hub.report.words import (
    ANOVA_CAUTION,
    GLOSSARY,
    mean_aurocs,
    model_names,
    ranked,
    reading,
    resolution,
    summary,
    trained_on,
)


@pytest.fixture(scope="module")
def settled(paper_run):
    """One data set with AUROCs and tests that are known."""

    def make(values, delong):
        data = paper_run.datasets[0]
        by_name = {model.name: model for model in data.models}
        models = tuple(
            replace(by_name[name], auroc=replace(by_name[name].auroc, value=value, ci95=(value - 0.01, value + 0.01)))
            for name, value in values.items()
        )
        rows = tuple(DeLongRow(a, b, 0.01, (0.0, 0.02), 2.0, p / 2, p) for (a, b), p in delong.items())
        return replace(data, models=models, delong=rows)

    return make


def test_the_best_the_second_and_the_place_of_the_mixture(settled):
    data = settled({"moe": 0.881, "ARID3A": 0.95, "FOXM1": 0.93, "mean": 0.9}, {("FOXM1", "ARID3A"): 0.012})
    assert reading(data) == (
        "On ARID3A the expert ARID3A ranks best, with an AUROC of 0.950 (95% interval 0.940-0.960). "
        "The expert FOXM1 comes second with 0.930; the difference of 0.020 is beyond chance (DeLong's test, corrected "
        "p = 0.012). The mixture ranks 4th of 4 with 0.881."
    )
    assert reading(data, "a data set").startswith("On a data set the expert ARID3A")


def test_a_difference_within_chance_is_said_so(settled):
    data = settled({"moe": 0.951, "mean": 0.95}, {("moe", "mean"): 0.06})
    assert reading(data).endswith(
        "The plain mean of the experts comes second with 0.950; the difference of 0.001 is not beyond chance "
        "(DeLong's test, corrected p = 0.060)."
    )


def test_without_a_test_nothing_is_claimed(settled):
    data = settled({"moe": 0.8, "ARID3A": 0.9, "GATA3": 0.85}, {("moe", "ARID3A"): 0.001})
    assert "whether the difference of 0.050 is beyond chance was not tested" in reading(data)
    assert "The mixture ranks 3rd of 3" in reading(data)


def test_equals_are_level_and_one_model_stands_alone(settled):
    assert "the two are level" in reading(settled({"moe": 0.9, "mean": 0.9}, {("moe", "mean"): 1.0}))
    assert reading(settled({"GATA3": 0.69}, {})) == (
        "On ARID3A the expert GATA3 has an AUROC of 0.690 (95% interval 0.680-0.700): of a bound and an unbound "
        "sequence it puts the bound one first about 69 times in 100."
    )


def test_a_p_too_small_to_write_has_no_equals_sign(settled):
    assert "corrected p < 1e-300)" in reading(settled({"moe": 0.9, "mean": 0.5}, {("moe", "mean"): 0.0}))


def test_the_answer_of_a_run_agrees_with_its_numbers(paper_run):
    text = summary(paper_run)
    means = mean_aurocs(paper_run)
    assert text.startswith(f"Over 9 data sets the mixture has the highest mean AUROC, {means['moe']:.3f};")
    firsts = sum(ranked(data)[0].name == "moe" for data in paper_run.datasets)
    assert f"The mixture ranks first on {firsts} of 9." in text
    clear = 0
    for data in paper_run.datasets:
        pair = {model.name for model in ranked(data)[:2]}
        clear += next(row.p_holm for row in data.delong if {row.a, row.b} == pair) < 0.05
    assert f"On {clear} of 9 the lead of the best model over the second is beyond chance" in text


def test_the_answer_of_every_shape_is_whole_sentences(run):
    text = summary(run)
    assert text.startswith(("On ", "Over ")) and text.endswith(".")
    assert not {"nan", "None", "{"} & set(text.split())


def test_one_data_set_is_answered_by_its_reading(runs):
    run = runs["one by two"]
    assert summary(run) == reading(run.datasets[0])
    assert summary(run, {"ARID3A": "mine"}) == reading(run.datasets[0], "mine")


def test_one_model_is_answered_by_its_range(make_run):
    run = make_run(["A", "B"], ["GATA3"], rows=60)
    low, high = sorted(data.models[0].auroc.value for data in run.datasets)
    assert summary(run).endswith(f"from {low:.3f} to {high:.3f}.")


def test_a_model_that_learned_from_the_file_is_named(paper_run):
    card = {"provenance": {"files": [{"sha256": paper_run.datasets[1].file["sha256"]}]}}
    run = replace(paper_run, models={**paper_run.models, "FOXM1": card})
    assert [trained_on(run, data) for data in run.datasets[:2]] == [
        [],
        [
            "Caution: the expert FOXM1 learned from this very file, which flatters it and every mixture that contains "
            "it."
        ],
    ]


def test_the_smallest_p_of_the_bootstrap():
    assert resolution(30) == (
        "With 30 resamples the paired bootstrap's p, before correction, cannot fall below 0.065; its interval says "
        "more, or ask for --bootstrap 1000."
    )
    assert resolution(1000).endswith("cannot fall below 0.002.")


def test_the_smallest_p_is_the_one_that_is_reached(paper_run):
    smallest = min(row.p for data in paper_run.datasets for row in data.paired)
    assert smallest == pytest.approx(2 / 31)


def test_every_term_is_explained_and_the_caution_is_there():
    terms = [term for term, _ in GLOSSARY]
    for word in ("AUROC", "interval", "DeLong", "Bootstrap", "ANOVA", "Holm", "Tukey", "Brier", "ECE", "AUPRC"):
        assert any(word in term for term in terms), word
    assert any(ANOVA_CAUTION in meaning for _, meaning in GLOSSARY)
    assert "not independent" in ANOVA_CAUTION and "overstates certainty" in ANOVA_CAUTION


def test_models_keep_their_order(paper_run):
    assert model_names(paper_run) == ["moe", "mean", "ARID3A", "FOXM1", "GATA3"]


def test_words_and_the_drawing_modules_load_neither_matplotlib_nor_jinja():
    code = (
        "import sys, tfbs_hub.report.words\n"
        "assert 'jinja2' not in sys.modules\n"
        "import tfbs_hub.report.figures, tfbs_hub.report.html\n"
        "assert not {'matplotlib', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
