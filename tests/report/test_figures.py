from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from tfbs_hub.errors import StorageError
from tfbs_hub.metrics import ece
from tfbs_hub.report.figures import (
    FIGURES,
    auroc_intervals,
    calibration,
    gate_weights,
    interval_boxes,
    roc_curves,
    save_figures,
    to_bytes,
)
from tfbs_hub.report.panels import reliability
from tfbs_hub.report.style import MOST_MODELS, drawn_models, looks

TEXT = "{http://www.w3.org/2000/svg}text"
PNG = b"\x89PNG\r\n\x1a\n"


def texts(svg):
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(TEXT)]


def test_every_shape_of_run_has_its_figures(run, tmp_path):
    paths = save_figures(run, tmp_path / "figures")
    mixture = any(model.alpha for data in run.datasets for model in data.models)
    names = [name for name in FIGURES if mixture or name != "gate"]
    assert [path.name for path in paths] == [f"{name}.{kind}" for name in names for kind in ("svg", "png")]
    assert sorted(paths) == sorted((tmp_path / "figures").iterdir())
    for path in paths:
        data = path.read_bytes()
        assert data.startswith(PNG) if path.suffix == ".png" else ET.fromstring(data).tag.endswith("svg")


def test_the_same_run_gives_the_same_bytes_whatever_the_users_settings(runs):
    run = runs["one by two"]
    first = {name: to_bytes(draw(run), "svg") for name, draw in FIGURES.items()}
    with mpl.rc_context({"font.size": 30, "text.usetex": True, "svg.hashsalt": "other", "axes.facecolor": "red"}):
        again = {name: to_bytes(draw(run), "svg") for name, draw in FIGURES.items()}
        assert mpl.rcParams["font.size"] == 30
    assert first == again
    assert to_bytes(roc_curves(run), "png") == to_bytes(roc_curves(run), "png")


def test_no_global_figure_is_left_behind(paper_run):
    import matplotlib.pyplot as plt

    roc_curves(paper_run)
    assert plt.get_fignums() == []


def test_intervals_are_drawn_to_scale(paper_run):
    (axes,) = auroc_intervals(paper_run).axes
    drawn = {tuple(line.get_xdata()) for line in axes.get_lines()}
    for data in paper_run.datasets:
        for model in data.models:
            assert {model.auroc.ci95, (model.auroc.value,)} <= drawn
    assert axes.get_xlim() == (0.5, 1.0)


def test_the_axis_reaches_down_to_the_lowest_interval(paper_run):
    data = paper_run.datasets[0]
    worst = replace(data.models[0], auroc=replace(data.models[0].auroc, value=0.3, ci95=(0.24, 0.36)))
    run = replace(paper_run, datasets=(replace(data, models=(worst, *data.models[1:])),))
    assert auroc_intervals(run).axes[0].get_xlim() == (0.2, 1.0)


def test_boxes_hold_the_bootstrap_interval(paper_run):
    (axes,) = interval_boxes(paper_run).axes
    boxes = {(round(box.get_x(), 9), round(box.get_x() + box.get_width(), 9)) for box in axes.patches}
    for data in paper_run.datasets:
        for model in data.models:
            assert tuple(round(end, 9) for end in model.bootstrap_ci95) in boxes


def test_a_panel_a_data_set_with_a_curve_a_model(paper_run):
    for draw in (roc_curves, calibration):
        panels = draw(paper_run).axes
        assert [panel.get_title(loc="left") for panel in panels] == [data.name for data in paper_run.datasets]
        # The diagonal is one more.
        assert {len(panel.get_lines()) for panel in panels} == {6}
    roc = roc_curves(paper_run).axes[0].get_lines()[1]
    np.testing.assert_array_equal(roc.get_ydata(), paper_run.datasets[0].models[0].roc_tpr)


def test_gate_weights_are_written_in_their_cells(paper_run):
    shown = texts(to_bytes(gate_weights(paper_run), "svg"))
    for data in paper_run.datasets:
        assert {f"{weight:.2f}" for weight in data.models[0].alpha.values()} <= set(shown)


def test_without_a_mixture_there_are_no_gate_weights(runs):
    assert gate_weights(runs["one by one"]) is None


def test_hostile_names_are_text_and_nothing_else(hostile_run):
    for draw in FIGURES.values():
        svg = to_bytes(draw(hostile_run), "svg")
        assert b"<script" not in svg
        shown = texts(svg)
        assert "$\\frac{1}{0}$" in shown and "[bold]x" in shown
        assert "\x1b" not in "".join(shown) and "\u202e" not in "".join(shown)
    assert "_private" in shown


def test_models_beyond_telling_apart_are_left_to_the_tables(runs):
    run = runs["more models than can be told apart"]
    drawn = drawn_models(run)
    assert len(drawn) == MOST_MODELS and {"moe", "mean"} <= set(drawn)
    assert len(roc_curves(run).axes[0].get_lines()) == MOST_MODELS + 1


def test_every_drawn_model_has_a_look_of_its_own():
    found = looks(["moe", "mean", *map(str, range(MOST_MODELS - 2))])
    assert len({(look.color, look.marker) for look in found.values()}) == MOST_MODELS
    assert len({(look.color, look.dashes) for look in found.values()}) == MOST_MODELS
    assert all(one.marker != other.marker for one, other in pairwise([found[str(place)] for place in range(5)]))


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(paper_run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        save_figures(paper_run, tmp_path / "file" / "figures")


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([-800.0, -2.0, 0.0, 0.5, 3.0, 900.0])), min_size=1))
def test_reliability_is_what_the_calibration_error_sums(rows):
    labels, logits = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    stated, observed = reliability(labels, logits)
    sizes = [len(part) for part in np.array_split(labels, min(10, len(labels)))]
    error = np.sum(np.abs(stated - observed) * sizes) / len(labels)
    assert error == pytest.approx(ece(labels, expit(logits)), abs=1e-12)
