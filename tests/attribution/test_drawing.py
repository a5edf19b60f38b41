from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.attribution.drawing import MARGIN, Panel, draw, line_length, magnitude

PLAIN = {"inverse": False}


def text(rows):
    return ["".join(cell.glyph for cell in row) for row in rows]


def test_a_small_track_as_it_is_drawn(made, named):
    whole = made(["ACGTN"], [[0.5, 4, -2, 1, 0]], logit=1.25, method="gradient")
    rows = draw([Panel(whole.track(0), [named(0, 1, 3)])], width=50, height=2, scale=4)
    assert text(rows) == [
        "moe · gradient   logit +1.25   full bar 4",
        "     +4  █",
        "        ▂█ ▄",
        "      0 ACGTN",
        "     -2   █",
        "         ╰╯",
        "         Gata3→",
        "        ╵0",
    ]
    assert text(draw([Panel(whole.track(0))], width=24))[0] == "moe · gradient   logit …"


def test_bars_hang_by_eighths_with_exchanged_colours_and_by_known_glyphs_without(made):
    panel = Panel(made(["ACGT"], [[-0.25, -0.5, -0.75, -1]]).track(0))
    inverse = draw([panel], width=40, height=1, scale=1)[2][MARGIN:]
    assert [(cell.glyph, cell.style) for cell in inverse] == [("▆", "-A"), ("▄", "-C"), ("▂", "-G"), ("█", "T")]
    assert text(draw([panel], width=40, height=1, scale=1, **PLAIN))[2][MARGIN:] == "▔▀▀█"


@given(
    st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=70),
    st.sampled_from([40, 80, 200]),
    st.integers(1, 5),
    st.booleans(),
)
def test_every_base_has_its_bar_whatever_the_width(values, width, height, inverse):
    from tfbs_hub.attribution.tracks import Track

    codes = (np.arange(len(values)) % 5).astype(np.uint8)
    actual = np.array(values, np.float32)
    track = Track("x", "m", codes, actual, np.zeros((4, len(values)), np.float32), 0.0)
    rows = draw([Panel(track)], width=width, height=height, scale=3.0, inverse=inverse)
    assert all(len(row) <= width for row in rows)
    assert all(
        cell.style.removeprefix("-") in {*"ACGTN", "title", "scale", "ruler", "box", ""} and len(cell.glyph) == 1
        for row in rows
        for cell in row
    )
    letters = "".join(line[MARGIN:] for line in text(rows) if line[:MARGIN].strip() == "0")
    assert letters == "".join("ACGTN"[code] for code in codes)
    eighths = " ▁▂▃▄▅▆▇█"
    bars = [cell for row in rows for cell in row if cell.glyph in eighths[1:]]
    drawn = sum(abs(8 * (cell.style[:1] == "-") - eighths.index(cell.glyph)) for cell in bars)
    if inverse:
        assert drawn == np.abs(np.rint(actual / 3.0 * height * 8)).sum()


def test_tracks_share_a_scale_or_have_their_own(made):
    low, high = (made(["AC"], [[value, 0]]).track(0) for value in (1, 4))
    panels = [Panel(low), Panel(high)]
    assert magnitude(panels) == 4 and magnitude([]) == 1 and magnitude([Panel(made(["A"], [[0]]).track(0))]) == 1
    shared = [line for line in text(draw(panels, width=40, height=2, scale=magnitude(panels))) if "█" in line]
    own = [line for line in text(draw(panels, width=40, height=2, scale=None)) if "█" in line]
    assert (len(shared), len(own)) == (2, 4)


def test_lines_are_wrapped_evenly_and_tens_are_kept():
    assert line_length(101, 92) == 60 and line_length(101, 200) == 110 and line_length(101, 32) == 30
    assert line_length(5, 92) == 10 and line_length(100, 100) == 100


def test_the_ruler_counts_bases_or_the_genome(made):
    plain = text(draw([Panel(made(["A" * 25], [[0] * 25]).track(0))], width=80))
    assert plain[-1].split() == ["╵0", "╵10", "╵20"]
    assert plain[-1].index("╵10") == MARGIN + 10
    placed = text(draw([Panel(made(["A" * 25], [[0] * 25], ["chr1:995-1020"]).track(0))], width=80))
    assert placed[-1].split() == ["chr1", "╵1000", "╵1010"]
    assert placed[-1].index("╵1000") == MARGIN + 5


def test_labels_that_meet_take_a_line_each_and_a_box_that_is_cut_stays_open(made, named):
    whole = made(["A" * 60], [[1] * 60])
    seqlets = [named(0, 2, 6, "Longest name"), named(0, 8, 12, "B", "-"), named(0, 27, 36, None)]
    lines = text(draw([Panel(whole.track(0), seqlets)], width=MARGIN + 30, scale=1))
    drawn = "\n".join(lines)
    assert "Longest name→" in drawn and "B←" in drawn and "?" in drawn
    assert "╰──╯  ╰──╯" in drawn
    assert any(line.rstrip().endswith("╰──") for line in lines) and any("─────╯" in line for line in lines)


@pytest.mark.parametrize("width", [1, 12])
def test_a_terminal_too_narrow_for_anything_still_shows_ten_bases_a_line(made, width):
    rows = draw([Panel(made(["ACGT" * 5], [[1] * 20]).track(0))], width=width)
    assert sum(line[:MARGIN].strip() == "0" for line in text(rows)) == 2
