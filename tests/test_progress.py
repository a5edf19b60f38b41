from __future__ import annotations

import pytest

from tfbs_hub.progress import Event, silent, tracked


@pytest.mark.parametrize("total", [None, 3])
def test_each_item_is_reported_once_it_is_done(total):
    events = []
    seen = [(item, events[-1].done) for item in tracked("abc", "counting", events.append, total)]
    assert seen == [("a", 0), ("b", 1), ("c", 2)]
    assert events == [Event("counting", done, total) for done in range(4)]


def test_an_item_that_was_not_finished_is_not_reported():
    events = []
    for _ in tracked(range(5), "counting", events.append):
        break
    assert [event.done for event in events] == [0]


def test_nothing_to_do():
    events = []
    assert list(tracked([], "counting", events.append, 0)) == []
    assert events == [Event("counting", 0, 0)]


def test_the_default_listener_says_nothing(capsys):
    assert list(tracked([1], "counting", silent)) == [1]
    assert capsys.readouterr() == ("", "")
