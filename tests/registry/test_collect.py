from __future__ import annotations

import errno
import os
import shutil
import signal
import time

import pytest

from tfbs_hub.errors import StorageError, UsageError
from tfbs_hub.registry import adding, collect, history
from tfbs_hub.registry.storage import list_folder


def age(path, hours=2.0):
    when = time.time() - hours * 3600
    for entry in (*path.rglob("*"), path):
        os.utime(entry, (when, when))


def removed_expert(registry, add, name="STAT3"):
    """An expert that only generations 2 names."""
    spec = add(registry, name)
    registry.remove(name)
    age(spec.weights.parent)
    return spec.weights.parent


def test_nothing_is_removed_unless_told_to(registry, add, errors):
    folder = removed_expert(registry, add)
    relative = folder.relative_to(registry.path).as_posix()
    assert registry.gc().versions == ()
    plan = registry.gc(keep=1)
    assert (plan.versions, plan.generations, plan.applied) == ((relative,), (1, 2), False)
    assert plan.size > 0
    assert folder.exists()
    assert registry.gc(keep=1, apply=True).applied
    assert not folder.exists()
    assert [info.number for info in registry.generations()] == [3]
    assert errors(registry) == []
    assert list_folder(registry.path / "tmp") == []
    add(registry, "STAT3")
    assert registry.head().number == 4


def test_what_a_kept_generation_names_stays(registry, add, promote):
    folder = removed_expert(registry, add)
    add(registry, "REST")
    gate = promote(registry)
    age(gate.weights.parent)
    for keep in (4, 5, 50):
        assert registry.gc(keep=keep, apply=True).versions == ()
    assert folder.exists()
    registry.gc(keep=1, apply=True)
    assert not folder.exists()
    assert registry.read_gate_weights(registry.gate()) == b"gate"
    with pytest.raises(UsageError):
        registry.gc(keep=0)


def test_a_young_folder_may_be_about_to_be_committed(registry, add):
    spec = add(registry, "STAT3")
    registry.remove("STAT3")
    assert registry.gc(keep=1, apply=True).versions == ()
    assert spec.weights.exists()


def test_leftover_staging_goes_after_an_hour_and_stopped_runs_after_a_week(registry):
    stale, fresh, run = (registry.path / "tmp" / name for name in ("stage-00", "stage-01", "run-7"))
    for folder in (stale, fresh, run):
        (folder / "sub").mkdir(parents=True)
    age(stale)
    age(run)
    assert registry.gc().staging == ("tmp/stage-00",)
    registry.gc(apply=True)
    assert list_folder(registry.path / "tmp") == ["run-7", "stage-01"]
    age(run, hours=200)
    registry.gc(apply=True)
    assert list_folder(registry.path / "tmp") == ["stage-01"]


def test_versions_stay_while_a_kept_generation_cannot_be_read(registry, add):
    folder = removed_expert(registry, add)
    add(registry, "REST")
    path = registry.path / "generations/00000003.json"
    path.write_bytes(b"damaged")
    plan = registry.gc(keep=2)
    assert plan.versions == ()
    assert str(path) in plan.note
    assert folder.exists()


def test_a_folder_used_again_at_the_last_moment_comes_back(registry, add, monkeypatch, errors, no_waiting):
    """Without any lock: the adder touched the folder, and gc moves it away before the adder commits."""
    removed_expert(registry, add)
    real = history.publish

    def publish(root, generation):
        monkeypatch.setattr(history, "publish", real)
        done = collect.collect(root, keep=1, apply=True)
        assert done.versions == ()
        return real(root, generation)

    monkeypatch.setattr(history, "publish", publish)
    add(registry, "STAT3")
    assert registry.read_weights(registry.expert("STAT3")) == b"STAT3"
    assert errors(registry) == []


def test_an_adder_whose_folder_was_taken_places_it_anew(registry, add, monkeypatch, errors, no_waiting):
    """Without any lock: gc removes the folder after the adder compared it, before the adder marks it as kept."""
    folder = removed_expert(registry, add)
    real, taken = adding.keep, []

    def slow_keep(path):
        taken.append(path)
        monkeypatch.setattr(adding, "keep", real)
        age(folder)
        assert collect.collect(registry.path, keep=1, apply=True).versions
        real(path)

    monkeypatch.setattr(adding, "keep", slow_keep)
    add(registry, "STAT3")
    assert taken == [folder]
    assert registry.read_weights(registry.expert("STAT3")) == b"STAT3"
    assert errors(registry) == []


def test_a_folder_touched_after_the_plan_comes_back(registry, add, monkeypatch):
    folder = removed_expert(registry, add)
    real = collect._rename

    def touched_just_before(source, target):
        monkeypatch.setattr(collect, "_rename", real)
        os.utime(source)
        return real(source, target)

    monkeypatch.setattr(collect, "_rename", touched_just_before)
    assert registry.gc(keep=1, apply=True).versions == ()
    assert (folder / "card.json").exists()
    age(folder)
    assert registry.gc(keep=1, apply=True).versions == (folder.relative_to(registry.path).as_posix(),)


def test_generations_are_gone_for_good_before_the_folders_that_they_name(registry, add, monkeypatch):
    removed_expert(registry, add)
    log = []

    def recorded(name, real):
        def record(*args, **kwargs):
            log.append(name)
            return real(*args, **kwargs)

        return record

    for name in ("unlink", "fsync", "rename"):
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    registry.gc(keep=1, apply=True)
    assert log[:4] == ["unlink", "unlink", "fsync", "rename"]


def test_a_version_committed_between_plan_and_removal_stays(registry, add, monkeypatch, errors, no_waiting):
    """Without any lock, and with clocks that disagree: the new generation is what saves the folder."""
    folder = removed_expert(registry, add)
    real = collect._plan

    def stale_plan(root, keep):
        plan = real(root, keep)
        add(registry, "STAT3")
        age(folder)
        return plan

    monkeypatch.setattr(collect, "_plan", stale_plan)
    assert registry.gc(keep=1, apply=True).versions == ()
    assert registry.read_weights(registry.expert("STAT3")) == b"STAT3"
    assert errors(registry) == []


def test_a_fault_at_any_call_loses_nothing_that_is_named(registry, add, faults, errors, tmp_path):
    add(registry, "REST")
    removed_expert(registry, add)
    for at in range(1, 500):
        case = tmp_path / f"case-{at}"
        shutil.copytree(registry.path, case)
        copy = type(registry).open(case)
        faults.arm(at, errno.EIO)
        try:
            copy.gc(keep=1, apply=True)
        except StorageError:
            pass
        finally:
            met = faults.disarm()
        assert errors(copy) == [], (at, faults.seen)
        assert [spec.card.name for spec in copy.experts()] == ["REST"]
        shutil.rmtree(case)
        if not met:
            break
    assert at > 10


def test_a_kill_at_any_call_loses_nothing_that_is_named(registry, add, faults, errors, tmp_path, fork):
    add(registry, "REST")
    removed_expert(registry, add)
    for at in range(1, 500):
        case = tmp_path / f"case-{at}"
        shutil.copytree(registry.path, case)
        copy = type(registry).open(case)

        def work(at=at, copy=copy):
            faults.arm(at, None)
            copy.gc(keep=1, apply=True)

        status = os.waitpid(fork(work), 0)[1]
        assert errors(copy) == [], at
        copy.gc(keep=1, apply=True)
        assert errors(copy) == [], at
        shutil.rmtree(case)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert at > 5
