from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tfbs_hub.attribution.annotate import Match, Named
from tfbs_hub.attribution.drawing import Panel
from tfbs_hub.attribution.seqlets import Seqlet
from tfbs_hub.attribution.tracks import Locus, Track
from tfbs_hub.report.figures import to_bytes
from tfbs_hub.report.logos import track_figure


def panel(length=101, *, size=1.0, label="GATA3 · shiftsmooth", locus=None, name=None):
    draw = np.random.default_rng(length)
    codes = draw.integers(0, 5, length).astype(np.uint8)
    actual = (size * draw.normal(size=length)).astype(np.float32)
    actual[codes == 4] = 0
    track = Track("x", label, codes, actual, np.zeros((4, length), np.float32), 1.5, locus)
    match = Match("MA0037.5", name, "C4-GATA-related", "+", 1e-6, 30, 8) if name else None
    return Panel(track, [Named(Seqlet(0, 30, 38, 5.0, 1e-5), match)] if length > 38 else [])


def texts(figure):
    root = ET.fromstring(to_bytes(figure, "svg"))
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_tracks_of_one_scale_are_drawn_to_one_scale():
    low, high = panel(size=0.5, label="low"), panel(size=2, label="high")
    figure = track_figure([("first", [low, high]), ("second", [low])])
    limits = {axes.get_ylim() for axes in figure.axes}
    assert len(figure.axes) == 3 and len(limits) == 1
    own = track_figure([("first", [low, high]), ("second", [low])], own_scale=True)
    assert len({axes.get_ylim() for axes in own.axes}) == 2
    assert "all tracks have one scale" in texts(figure) and "each track has its own scale" in texts(own)


def test_names_labels_and_coordinates_are_there():
    shown = texts(track_figure([("my peak", [panel(locus=Locus("chr7", 20_000), name="Gata3")])]))
    assert {"my peak", "GATA3 · shiftsmooth   logit +1.50", "Gata3 →", "chr7", "20,020"} <= set(shown)
    assert "?" in texts(track_figure([("my peak", [panel()])]))


def test_long_sequences_are_wrapped_and_a_seqlet_over_a_break_is_on_both_lines():
    figure = track_figure([("long", [panel(101, name="Gata3")])], columns=35)
    assert len(figure.axes) == 3 and len([text for text in texts(figure) if text == "Gata3 →"]) == 2


def test_names_cover_neither_each_other_nor_the_title():
    match = Match("MA0819.3", "TFAP4::ETV1", "", "-", 1e-6, 0, 8)
    spans = [(0, 6), (6, 12), (12, 17), (13, 20), (40, 46), (95, 101)]
    crowded = Panel(panel().track, [Named(Seqlet(0, *span, 5.0, 1e-5), match) for span in spans])
    figure = track_figure([("x", [crowded, panel(name="Gata3")])])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in shown]
    assert len(boxes) == 2 + 2 + len(spans) + 1
    assert not [(one, other) for one, other in combinations(boxes, 2) if one.overlaps(other)]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


@pytest.mark.parametrize("length", [1, 9, 260])
@pytest.mark.parametrize("size", [0.0, 1.0])
def test_any_length_and_no_contribution_at_all(length, size):
    assert to_bytes(track_figure([("x", [panel(length, size=size)])]), "png").startswith(b"\x89PNG")


def test_hostile_names_are_text_and_the_same_figure_has_the_same_bytes():
    name = "<script>\x1b[31m$\\frac{1}{0}$\u202e" + "y" * 200
    groups = [(name, [panel(40)])]
    data = to_bytes(track_figure(groups), "svg")
    assert data == to_bytes(track_figure(groups), "svg")
    assert b"<script>" not in data and not re.search(rb"[\x00-\x08\x1b]", data)
