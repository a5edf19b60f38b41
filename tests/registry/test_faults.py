"""A fault or a kill at every file-system call in turn. What reaches the disk, and when, is for tests/faults."""

from __future__ import annotations

import errno
import os
import shutil
import signal

import pytest

from tfbs_hub.errors import StorageError
from tfbs_hub.registry import Registry


@pytest.fixture
def base(registry, add, promote):
    add(registry, "STAT3")
    promote(registry)
    return registry


@pytest.fixture
def operations(add, promote):
    return {
        "add": (lambda r: add(r, "REST"), lambda r: [s.card.name for s in r.experts()] == ["REST", "STAT3"]),
        "gate": (lambda r: promote(r, b"new"), lambda r: r.read_gate_weights(r.gate()) == b"new"),
        "disable": (lambda r: r.set_enabled("STAT3", False), lambda r: not r.expert("STAT3").enabled),
        "rollback": (lambda r: r.rollback(2), lambda r: r.gate() is None),
        "evaluation": (
            lambda r: r.place_evaluation("run", b"data"),
            lambda r: [path.read_bytes() for path in r.evaluations()] == [b"data"],
        ),
    }


NAMES = ["add", "gate", "disable", "rollback", "evaluation"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("name", NAMES)
def test_a_fault_at_any_call_leaves_the_old_state_or_the_new(base, operations, faults, errors, tmp_path, name, code):
    change, done = operations[name]
    for at in range(1, 1000):
        case = tmp_path / f"case-{at}"
        shutil.copytree(base.path, case)
        copy = Registry.open(case)
        faults.arm(at, code)
        try:
            change(copy)
            said_done = True
        except StorageError:
            said_done = False
        finally:
            met = faults.disarm()
        assert errors(copy) == [], (at, faults.seen[-1])
        if said_done:
            assert done(copy), (at, faults.seen[at - 1])
        elif not done(copy):
            assert copy.head() == base.head()
            change(copy)
            assert done(copy), (at, faults.seen[at - 1])
        assert errors(copy) == []
        shutil.rmtree(case)
        if not met:
            break
    assert said_done
    assert not met
    assert at > 5


@pytest.mark.parametrize("name", NAMES)
def test_a_kill_at_any_call_leaves_the_old_state_or_the_new(base, operations, faults, errors, tmp_path, fork, name):
    change, done = operations[name]
    for at in range(1, 1000):
        case = tmp_path / f"case-{at}"
        shutil.copytree(base.path, case)
        copy = Registry.open(case)

        def work(at=at, copy=copy):
            faults.arm(at, None)
            change(copy)

        status = os.waitpid(fork(work), 0)[1]
        assert errors(copy) == [], at
        if not done(copy):
            assert copy.head() == base.head()
            change(copy)
        assert done(copy), at
        assert errors(copy) == []
        shutil.rmtree(case)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert at > 5


def test_creating_survives_a_kill_at_any_call(faults, tmp_path, fork):
    for at in range(1, 200):
        path = tmp_path / f"case-{at}"

        def work(at=at, path=path):
            faults.arm(at, None)
            Registry.create(path)

        status = os.waitpid(fork(work), 0)[1]
        registry = Registry.open(path) if (path / "registry.json").exists() else Registry.create(path)
        assert registry.experts() == []
        assert registry.head().number == 1
        if not os.WIFSIGNALED(status):
            break
    assert at > 10


def test_an_interrupt_at_any_call_leaves_no_staging(base, operations, monkeypatch, errors, tmp_path):
    change, done = operations["add"]
    real = os.fsync
    for at in range(1, 50):
        case = tmp_path / f"case-{at}"
        shutil.copytree(base.path, case)
        calls = []

        def interrupt(handle, at=at, calls=calls):
            calls.append(handle)
            if len(calls) == at:
                raise KeyboardInterrupt
            real(handle)

        monkeypatch.setattr(os, "fsync", interrupt)
        try:
            change(Registry.open(case))
            break
        except KeyboardInterrupt:
            assert list((case / "tmp").iterdir()) == []
            assert errors(Registry.open(case)) == []
    assert at > 5
    assert done(Registry.open(case))
