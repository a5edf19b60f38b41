"""A fault or a kill at every file-system call in turn, and the order in which things reach the disk."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from pathlib import Path

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


class Disk:
    """Follows what has been written but not synced: files by content, folders by entries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.root = root
        self.dirty: set[Path] = set()
        self.commits: list[set[str]] = []
        self._paths: dict[int, Path] = {}
        self._real = {name: getattr(os, name) for name in ("open", "write", "fsync", "mkdir", "rename", "link")}
        for name in self._real:
            monkeypatch.setattr(os, name, getattr(self, name))

    def open(self, path, flags, *args, **kwargs):
        existed = Path(path).exists()
        handle = self._real["open"](path, flags, *args, **kwargs)
        if "dir_fd" not in kwargs or kwargs["dir_fd"] is None:
            self._paths[handle] = Path(path)
            if flags & os.O_CREAT and not existed:
                self.dirty |= {Path(path), Path(path).parent}
        return handle

    def write(self, handle, data):
        self.dirty.add(self._paths[handle])
        return self._real["write"](handle, data)

    def fsync(self, handle):
        self.dirty.discard(self._paths[handle])
        return self._real["fsync"](handle)

    def mkdir(self, path, *args, **kwargs):
        self._real["mkdir"](path, *args, **kwargs)
        self.dirty |= {Path(path).parent, Path(path)}

    def rename(self, source, target, **kwargs):
        self._real["rename"](source, target, **kwargs)
        source, target = Path(source), Path(target)
        moved = {path for path in self.dirty if path == source or source in path.parents}
        self.dirty -= moved
        self.dirty |= {target / path.relative_to(source) for path in moved} | {target.parent}

    def link(self, source, target, **kwargs):
        relevant = {path for path in self.dirty if not self._passing(path)} | ({Path(source)} & self.dirty)
        self.commits.append({path.relative_to(self.root.parent).as_posix() for path in relevant})
        self._real["link"](source, target, **kwargs)
        self.dirty.add(Path(target).parent)

    def _passing(self, path: Path) -> bool:
        """What lies in `tmp/` need not survive, nor need the lock."""
        relative = path.relative_to(self.root).parts if path.is_relative_to(self.root) else ("",)
        return relative[:1] in {("tmp",), ("lock",)}

    def unsynced(self) -> set[Path]:
        return {path for path in self.dirty if not self._passing(path)}


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_on_disk_before_the_commit_and_the_commit_before_the_answer(base, operations, monkeypatch, name):
    # Warm up, so that the lock file and tmp/ exist and do not count as new entries of the root.
    base.set_enabled("STAT3", True)
    disk = Disk(monkeypatch, base.path)
    operations[name][0](base)
    expected = {"evaluation": {"registry", "registry/evaluations"}}.get(name, set())
    assert disk.commits
    assert all(commit <= expected for commit in disk.commits), disk.commits
    assert disk.unsynced() == set()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to name an open file")
def test_a_reused_folder_is_synced_too(base, add, monkeypatch):
    spec = add(base, "REST")
    base.remove("REST")
    synced = set()
    real = os.fsync

    def record(handle):
        synced.add(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", record)
    add(base, "REST")
    folder = spec.weights.parent
    needed = {folder / "weights.safetensors", folder / "card.json", folder, *list(folder.parents)[:3]}
    assert {str(path) for path in needed} <= synced


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
