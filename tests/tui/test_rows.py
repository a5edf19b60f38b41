"""The track as cells."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.tui.track.rows import MARGIN, Shown, boxes, overview, ruler, track_rows
from tfbs_hub.tui.track.view import View
from tfbs_hub.workbench.messages import Mark


def shown(values, marks=()):
    return Shown("moe · gradient", 1.0, values, marks)


def text(row):
    return "".join(cell.glyph for cell in row)


def drawn(values, *, columns=20, height=4, cursor=0, edits=(), letters=None):
    view = View(len(values), columns, cursor=cursor)
    layer = shown(values)
    return track_rows(layer, letters or "ACGT" * len(values), view, height=height, reach=layer.reach, edits=edits)


def filled(rows, column, above):
    """Eighths of rows that a bar fills on one side of the letters."""
    middle = next(place for place, row in enumerate(rows) if "letter" in row[MARGIN].style)
    part = rows[:middle] if above else rows[middle + 1 :]
    eighths = 0
    for row in part:
        cell = row[MARGIN + column]
        blocks = " ▁▂▃▄▅▆▇█".index(cell.glyph)
        eighths += 8 - blocks if cell.style.startswith("-") else blocks
    return eighths


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(2, 20))
def test_bars_are_as_long_as_their_values_say(values, height):
    rows = drawn(values, columns=40, height=height)
    above = next(place for place, row in enumerate(rows) if "letter" in row[MARGIN].style)
    up, down = max(*values, 0.0), max(*(-value for value in values), 0.0)
    if up == down == 0 or down <= 0.02 * up:
        return
    below = len(rows) - above - 1
    unit = max(up / above if above else 0, down / below if below else 0)
    for column, value in enumerate(values):
        assert abs(filled(rows, column, above=value >= 0) - abs(value) / unit * 8) <= 0.5 + 1e-6
        assert filled(rows, column, above=value < 0) == 0


def test_rows_are_as_many_as_asked_for_and_as_wide_as_what_is_in_view():
    for height in (2, 3, 8):
        rows = drawn([1.0, -1.0, 0.5], height=height)
        assert len(rows) == height + 1
        assert {len(row) for row in rows} == {MARGIN + 3}


def test_every_cell_has_a_glyph_one_column_wide():
    draw = random.Random(1)
    values = [draw.uniform(-1, 1) for _ in range(50)]
    for zoom in range(-4, 5):
        view = View(50, 30, cursor=25)
        view.zoom(zoom)
        layer = shown(values, [Mark(3, 9, "GATA3", "+", "", 1e-4, 2.0)])
        rows = track_rows(layer, "ACGTN" * 10, view, height=5, reach=layer.reach)
        for row in [*rows, *boxes(layer.marks, view), ruler(view), overview(layer, view)]:
            assert all(len(cell.glyph) == 1 for cell in row)
            assert len(row) <= MARGIN + 30


def test_cursor_and_edits_are_marked():
    rows = drawn([1.0] * 8, cursor=3, edits={5}, letters="ACGTACGT")
    letters = next(row for row in rows if "letter" in row[MARGIN].style)
    assert text(letters[MARGIN:]) == "ACGTACGT"
    assert [place for place, cell in enumerate(letters[MARGIN:]) if "cursor" in cell.style] == [3]
    assert [place for place, cell in enumerate(letters[MARGIN:]) if "edit" in cell.style] == [5]


def test_motifs_have_brackets_with_their_names():
    view = View(40, 40)
    marks = [Mark(2, 14, "GATA3", "-", "", 1e-4, 1.0), Mark(20, 24, "ZNF263", "+", "", 1e-3, 1.0)]
    brackets, names = (text(row)[MARGIN:] for row in boxes(marks, view))
    assert brackets[2] == "╰" and brackets[13] == "╯" and "GATA3←" in brackets
    assert brackets[20:24] == "╰──╯" and "ZNF263→" in names


def test_a_motif_that_is_cut_off_is_open_on_that_side():
    view = View(40, 10)
    brackets = text(boxes([Mark(5, 15, "X", "+", "", 1e-3, 1.0)], view)[0])[MARGIN:]
    assert brackets[5] == "╰" and brackets[9] != "╯"


def test_the_ruler_counts_from_one():
    view = View(60, 60, cursor=59)
    line = text(ruler(view))[MARGIN:]
    for place in (10, 20, 30, 40, 50):
        assert line[place - 1 :].startswith(f"╵{place}")
    assert line[59] == "▴"


def test_the_overview_sets_off_what_is_in_view():
    view = View(100, 20, start=40, cursor=45)
    row = overview(shown([1.0] * 100), view)
    assert [cell.style for cell in row[MARGIN:]].count("seen") == 4
