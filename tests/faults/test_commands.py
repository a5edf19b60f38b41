"""The real commands meet faults of the real kernel; each time the registry is whole afterwards."""

from __future__ import annotations

import json
import os
import random

import pytest
from harness.calls import FAULTS, fault_at_calls, met_by, touching
from harness.crowd import crowd_of_commands
from harness.kills import kill_commands
from harness.limits import limit_command
from harness.systemcalls import calls, traced

# What the recorder calls it, as the kernel does.
KINDS = {
    "create": {"openat", "open"},
    "write": {"write"},
    "sync": {"fsync"},
    "mkdir": {"mkdir", "mkdirat"},
    "rename": {"rename", "renameat", "renameat2"},
    "link": {"link", "linkat"},
    "unlink": {"unlink", "unlinkat"},
    "rmdir": {"rmdir", "unlinkat"},
    "touch": {"utimensat"},
}


@pytest.fixture
def command(bench):
    by_name = {command.name: command for command in bench.commands}
    return lambda name: by_name[name]


@pytest.mark.parametrize("name", ["add-expert", "retrain-gate", "rollback", "evaluate"])
def test_the_recorder_sees_every_call(tracing, bench, command, name):
    """Nothing changes the registry but what the recorder wraps: what holds for its recordings holds for the command."""
    bench.anew()
    pid = bench.start(*bench.typed(command(name)), hold=True, record=str(bench.folder / "record"))
    with traced(pid, bench.folder / "calls"):
        pass
    assert bench.wait(pid).code == 0
    seen = json.loads((bench.folder / "record").read_text())
    made = [call for call in calls(bench.folder / "calls", bench.registry) if call.changes and not call.failed]
    made = [call for call in made if call.path != "lock"]  # opened as one that may be missing, and is there
    assert len(seen) == len(made) > 5
    for (kind, path), call in zip(seen, made, strict=True):
        assert call.name in KINDS[kind]
        assert call.path == os.path.relpath(path, bench.registry)


def test_a_run_that_is_there_already_is_on_disk_before_it_is_said(bench, command):
    """Another process may have placed it, and not synced it yet."""
    bench.anew()
    for _ in range(2):
        ended = bench.run(*bench.typed(command("evaluate")), record=str(bench.folder / "record"))
        assert ended.code == 0
    again = json.loads((bench.folder / "record").read_text())
    assert again == [["sync", str(bench.registry / "evaluations")], ["sync", str(bench.registry)]]


@pytest.mark.parametrize("name", ["add-expert", "retrain-gate", "disable", "evaluate"])
def test_a_fault_at_a_system_call(tracing, bench, command, name):
    touched = touching(bench, command(name))
    for fault in FAULTS:
        one = random.Random(fault + name).choice(met_by(fault, touched))
        found = fault_at_calls(bench, command(name), fault, [one])
        assert (found.bad, found.cases, found.note) == ([], 1, "")


def test_a_kill_at_a_random_moment(bench, command):
    found = kill_commands(bench, command("disable"), 4, random.Random(0))
    assert found.bad == []
    assert found.cases == 4


@pytest.mark.parametrize("name", ["import", "evaluate"])
def test_a_limit_on_the_size_of_files(bench, command, name):
    found = limit_command(bench, command(name), lambda largest: [0, largest - 1])
    assert found.bad == []
    assert found.note == "2 were refused"


def test_commands_at_once(bench):
    found = crowd_of_commands(bench, writers=4, changes=3)
    assert found.bad == []
    assert found.note == "12 of 12 changes are there"
