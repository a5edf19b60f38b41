"""The storage layer alone, thousands of times faster than commands: kills, limits, crowds."""

from __future__ import annotations

import pytest
from harness.crowd import crowd_of_writers
from harness.kills import kill_writers
from harness.limits import limit_steps


def test_kills_at_random_moments(tmp_path):
    found = kill_writers(30, tmp_path)
    assert found.bad == []
    assert found.cases == 30


def test_a_limit_on_the_size_of_files(tmp_path):
    found = limit_steps(tmp_path, lambda largest: range(0, largest, largest // 6))
    assert found.bad == []
    refused = int(found.note.partition(" ")[0])
    assert 0 < refused < found.cases


@pytest.mark.parametrize("locks", [True, False], ids=["lock", "no lock"])
def test_all_changes_of_many_writers_survive(tmp_path, locks):
    found = crowd_of_writers(tmp_path, writers=4, changes=8, locks=locks)
    assert found.bad == []
    assert found.note.startswith("32 of 32 ")
