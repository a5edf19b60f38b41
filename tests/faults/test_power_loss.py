"""Whatever part of the unsynced a power cut takes, the registry is whole and what was promised is there."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from harness import power, steps
from harness.disk import Contents, History, chances, extremes
from harness.recorder import Event

from tfbs_hub.registry import staging


def test_no_state_that_a_power_cut_can_leave_is_bad(traces, tmp_path):
    found = power.survey(traces, 250, tmp_path)
    assert found.bad == []
    assert found.states == 250
    assert found.distinct > 100


def test_without_any_one_of_its_syncs_the_registry_would_break(traces, tmp_path):
    """The harness can fail: it sees each sync that is missing, so none is there in vain."""
    found = power.without_each_sync(traces, tmp_path)
    assert len(found) > 30
    assert [site for site, first_bad in found.items() if not first_bad] == []


def bad_states(trace, moments, folder):
    history = trace.history()
    states = extremes(history, moments)
    return [wrong for moment, contents in states for wrong in power.judge(trace, history, moment, contents, folder)]


def test_a_promise_that_came_too_early_is_seen(traces, tmp_path):
    """Said before the last sync, "done" is a lie after some power cut."""
    trace = next(each for each in traces if each.name == "disable")
    at = next(place for place, event in enumerate(trace.events) if trace.site(event).endswith(": generations"))
    early = replace(trace, events=[*trace.events[:at], trace.events[-1]])
    assert bad_states(trace, [len(trace.events)], tmp_path) == []
    assert "generation 8 was promised" in bad_states(early, [at + 1], tmp_path)


def unsynced(path, data):
    with path.open("xb") as file:
        file.write(data)


@pytest.mark.parametrize(
    ("function", "instead"), [("sync_folder", lambda path: None), ("write_new", unsynced)], ids=["folders", "files"]
)
def test_a_product_that_does_not_sync_is_found_out(studio, tmp_path, monkeypatch, function, instead):
    monkeypatch.setattr(staging, function, instead)
    trace = studio.take("add", (steps.ADD, None))
    assert bad_states(trace, [len(trace.events)], tmp_path)


def calls_until(studio, step, kind, inside):
    """How many changes a step makes until the last of this kind in this folder is made."""
    events = studio.take(step.name, (step, None)).events
    return max(at for at, each in enumerate(events, 1) if each.kind == kind and inside in (each.other or each.path))


@pytest.mark.parametrize("step", [each for each in steps.STEPS if each.name in {"add", "gate", "disable", "enable"}])
def test_a_change_that_is_there_already_is_on_disk_before_it_is_said(studio, tmp_path, step):
    """One writer is killed between making a generation visible and syncing it; the next finds nothing to do."""
    calls = calls_until(studio, step, "link", "/generations/")
    trace = studio.take("again", (step, calls), (step, None))
    assert trace.events[-1].kind == "said"
    assert bad_states(trace, [len(trace.events)], tmp_path) == []


def test_a_killed_collection_leaves_no_way_back_to_what_the_next_one_removes(studio, tmp_path):
    """Generations that the first removed, unsynced, might return, and name folders that the second removed."""
    collect = next(step for step in steps.STEPS if step.name == "collect")
    calls = calls_until(studio, collect, "unlink", "/generations/")
    trace = studio.take("again", (collect, calls), (collect, None))
    assert bad_states(trace, [len(trace.events)], tmp_path) == []


def test_a_new_registry_is_there_with_all_its_folders_or_not_at_all(traces, tmp_path):
    trace = next(each for each in traces if each.name == "create")
    assert len(trace.place.split("/")) == 3
    visible = next(at for at, each in enumerate(trace.events, 1) if each.other.endswith("registry.json"))
    promised = next(at for at, each in enumerate(trace.events, 1) if each.kind == "said")
    assert bad_states(trace, range(visible, promised + 1), tmp_path) == []


def test_a_registry_whose_making_was_killed_is_on_disk_before_it_is_used(traces, tmp_path):
    killed = [each for each in traces if each.name.startswith("create, killed")]
    assert len(killed) > 20
    for trace in killed:
        history = trace.history()
        for moment, _ in history.promises:
            nothing_more = history.state(moment, lambda change: "lost")
            assert power.judge(trace, history, moment, nothing_more, tmp_path) == [], trace.name


def test_a_file_is_there_with_its_new_folders(traces, tmp_path):
    trace = next(each for each in traces if each.name == "a file")
    assert bad_states(trace, range(len(trace.events) + 1), tmp_path) == []


@pytest.fixture
def written():
    """A file that is made, written twice and renamed; nothing is synced."""
    top = Path("/top")
    events = [
        Event(kind="create", path="/top/a"),
        Event(kind="write", path="/top/a", data=b"12"),
        Event(kind="write", path="/top/a", data=b"34", offset=2),
        Event(kind="rename", path="/top/a", other="/top/b"),
    ]
    return lambda *more: History(top, Contents({0: {}}, {}), [*events, *more])


def seen(history, moment=99):
    return {tuple(contents.tree()) for _, contents in extremes(history, [moment])}


def test_what_was_not_synced_may_be_lost_in_any_part(written):
    states = seen(written())
    assert () in states
    assert (("b", b"1234"),) in states
    assert (("a", b"1234"), ("b", b"1234")) in states, "the old name stays"
    assert (("b", b"\0\0" + b"34"),) in states, "a hole where the first write is lost"
    assert (("b", b"12"),) in states
    draw = random.Random(0)
    some = {tuple(contents.tree()) for _, contents in islice(chances(written(), draw), 5000)}
    assert (("a", b"1234"),) in some, "not renamed"
    assert (("b", b"1234"),) in some
    assert (("b", b"1"),) in some, "cut short"
    assert (("b", bytes(4)),) in some, "as long as it should be, and empty"


def test_a_synced_file_keeps_its_bytes_and_a_synced_folder_its_names(written):
    synced = written(Event(kind="sync", path="/top/b"))
    assert {data for state in seen(synced) for _, data in state} == {b"1234"}
    assert () in seen(synced)
    named = written(Event(kind="sync", path="/top"))
    assert {name for state in seen(named) for name, _ in state} == {"b"}
    both = written(Event(kind="sync", path="/top/b"), Event(kind="sync", path="/top"))
    assert seen(both) == {(("b", b"1234"),)}
    assert () in seen(both, moment=4), "a sync helps only those who waited for it"
