"""Charts say what their numbers say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tfbs_hub.tui.charts import axis_start, bar, blend, curve, heat, interval_strip, plane, signed_bar, sparkline
from tfbs_hub.tui.logo import bits, consensus, logo

UNIT = st.floats(0, 1)


@given(UNIT, st.integers(1, 60))
def test_a_bar_is_as_long_as_its_share(share, width):
    drawn = bar(share, width)
    assert cell_len(drawn) == width
    eighths = 8 * drawn.count("█") + sum(" ▏▎▍▌▋▊▉".index(glyph) for glyph in drawn if glyph != "█")
    assert eighths == round(share * width * 8)


@given(st.floats(-3, 3), st.integers(1, 20))
def test_signed_bars_stand_on_their_side(value, width):
    left, right = signed_bar(value, 2.0, width)
    assert len(left) == len(right) == width
    assert not (left.strip() and right.strip())
    if abs(value) > 0.5:
        assert (left if value < 0 else right).strip()


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=200), st.integers(1, 50))
def test_a_sparkline_is_no_wider_than_asked_for(values, width):
    drawn = sparkline(values, width)
    assert len(drawn) == min(width, len(values))
    assert set(drawn) <= set("▁▂▃▄▅▆▇█")


def test_a_sparkline_rises_with_its_values():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 9, 0, 0], 2)[0] == "█"
    assert sparkline([], 5) == "" and len(set(sparkline([2, 2, 2], 3))) == 1


@given(UNIT, UNIT, UNIT, st.integers(5, 80))
def test_an_interval_is_drawn_to_scale(a, b, c, width):
    low, value, high = sorted((a, b, c))
    drawn = interval_strip(value, low, high, width, span=(0.0, 1.0)).plain
    assert len(drawn) == width
    assert drawn.index("●") == round(value * (width - 1))


def test_an_axis_begins_at_a_round_number_below_all():
    assert axis_start([0.93, 0.71]) == pytest.approx(0.7)
    assert axis_start([]) == 0.5 and axis_start([0.0]) == 0.0


def test_colours_are_blended():
    assert blend("#000000", "#ff8000", 0.5) == "#804000"
    assert blend("default", "blue", 0.9) == "blue"
    cell = heat(0.9, "0.90", 9, low="#000000", high="#ffffff", dark="#111111", light="#eeeeee")
    assert len(cell.plain) == 9 and cell.style.color.name == "#111111"


def test_curves_go_from_corner_to_corner():
    cells = curve([(0.0, 0.0), (1.0, 1.0)], 10, 5)
    assert cells[4][0] & 0x40 and cells[0][9] & 0x08
    rows = plane([([(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)], "red", "1")], 10, 5)
    assert len(rows) == 5 and all(len(row.plain) == 10 for row in rows)


@pytest.mark.parametrize("width", [20, 80])
def test_every_curve_bears_its_mark_even_where_curves_lie_on_each_other(width):
    line = [(0.0, 0.0), (0.1, 0.8), (1.0, 1.0)]
    rows = plane([(line, "red", mark) for mark in "654321"], width, 6)
    plain = "".join(row.plain for row in rows)
    assert all(plain.count(mark) == 1 for mark in "123456")
    apart = plane([(line, "red", "2"), ([(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)], "blue", "1")], width, 6)
    assert "1" in apart[0].plain and "2" not in apart[0].plain[: width // 4]


def test_a_logo_is_as_high_as_it_is_informative():
    share = [[1.0, 0.25, 0.5], [0.0, 0.25, 0.5], [0.0, 0.25, 0.0], [0.0, 0.25, 0.0]]
    assert [bits(column) for column in zip(*share, strict=True)] == [2.0, 0.0, 1.0]
    rows = [row.plain for row in logo(share, 4, {})]
    assert rows == ["A  ", "A  ", "A A", "A C"] or rows == ["A  ", "A  ", "A C", "A A"]
    assert consensus(share)[0] == "A"
