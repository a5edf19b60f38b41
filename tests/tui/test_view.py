"""Pan, zoom and cursor: laws that hold whatever is pressed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.tui.track.view import ZOOMS, View

MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(-50, 3000)),
        st.tuples(st.just("pan"), st.integers(-3000, 3000)),
        st.tuples(st.just("zoom"), st.integers(-12, 12)),
        st.tuples(st.just("resize"), st.integers(1, 300)),
        st.tuples(st.just("fit"), st.just(None)),
    ),
    max_size=25,
)


@given(length=st.integers(1, 2500), columns=st.integers(1, 250), moves=MOVES)
def test_the_cursor_is_always_in_view_and_columns_lead_back_to_it(length, columns, moves):
    view = View(length, columns)
    view.fit()
    for name, value in moves:
        getattr(view, name)(*([] if value is None else [value]))
        assert 0 <= view.start <= view.cursor < view.end <= length
        spans = view.spans()
        assert spans[0][0] == view.start and spans[-1][1] == view.end
        assert len(spans) <= max(view.columns, view.wide)
        column = view.column(view.cursor)
        first, last = spans[column]
        assert first <= view.cursor < last
        assert first <= view.base(column) < last


def test_a_sequence_is_fitted_as_large_as_it_can_be():
    for columns, wide in [(40, 1), (101, 1), (202, 2), (250, 2), (303, 3), (2000, 3)]:
        view = View(101, columns)
        view.fit()
        assert ZOOMS[view.level] == wide
        assert view.whole == (columns >= 101)


def test_what_does_not_fit_is_shown_around_the_cursor():
    view = View(1000, 100, cursor=500)
    view.fit()
    assert (view.start, view.end) == (450, 550)


def test_zooming_keeps_the_cursor_where_it_is():
    view = View(1000, 100, cursor=430)
    view.fit()
    column = view.column(430)
    view.zoom(1)
    assert abs(view.column(430) - column) <= 1
    view.zoom(-2)
    assert view.dense == 2 and abs(view.column(430) - column) <= 1
