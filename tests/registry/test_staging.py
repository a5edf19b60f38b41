from __future__ import annotations

import errno
import os
from contextlib import nullcontext

import pytest

from tfbs_hub.errors import StorageError, UsageError
from tfbs_hub.registry import Registry, lock, staging

FILES = {"a": b"1", "b": b"22"}


def test_a_folder_appears_whole_and_staging_is_gone(tmp_path):
    seen = []

    def validate(folder):
        seen.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert not (tmp_path / "x").exists()

    assert staging.place_folder(tmp_path, "x/y/z", FILES, validate)
    assert seen == [FILES]
    assert {path.name: path.read_bytes() for path in (tmp_path / "x/y/z").iterdir()} == FILES
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_the_validator_refuses_is_never_placed(tmp_path):
    def refuse(folder):
        raise UsageError("no")

    with pytest.raises(UsageError):
        staging.place_folder(tmp_path, "x/y", FILES, refuse)
    assert not (tmp_path / "x").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_interrupt_leaves_no_staging(tmp_path):
    def interrupt(folder):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        staging.place_folder(tmp_path, "x/y", FILES, interrupt)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("other", [{"a": b"1"}, {"a": b"1", "b": b"23"}, {"a": b"1", "b": b"222"}, {**FILES, "c": b""}])
def test_other_bytes_are_never_replaced(tmp_path, other):
    assert staging.place_folder(tmp_path, "x/y", other)
    assert not staging.place_folder(tmp_path, "x/y", FILES)
    assert {path.name: path.read_bytes() for path in (tmp_path / "x/y").iterdir()} == other


def test_the_same_bytes_are_reused_and_touched(tmp_path):
    staging.place_folder(tmp_path, "x/y", FILES)
    os.utime(tmp_path / "x/y", (1, 1))
    inode = (tmp_path / "x/y/a").stat().st_ino
    assert staging.place_folder(tmp_path, "x/y", FILES)
    assert (tmp_path / "x/y/a").stat().st_ino == inode
    assert (tmp_path / "x/y").stat().st_mtime > 1000


def test_a_folder_taken_away_meanwhile_is_placed_anew(tmp_path, monkeypatch):
    staging.place_folder(tmp_path, "x/y", FILES)
    real, gone = os.utime, []

    def vanish(path, *args, **kwargs):
        if not gone:
            gone.append(path)
            (tmp_path / "x/y").rename(tmp_path / "elsewhere")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "utime", vanish)
    assert staging.place_folder(tmp_path, "x/y", FILES)
    assert {path.name: path.read_bytes() for path in (tmp_path / "x/y").iterdir()} == FILES


def test_a_dangling_link_inside_does_not_hang(tmp_path):
    (tmp_path / "x/y").mkdir(parents=True)
    for name in FILES:
        (tmp_path / "x/y" / name).symlink_to("nowhere")
    assert not staging.place_folder(tmp_path, "x/y", FILES)


def test_linking_is_compare_and_swap(tmp_path):
    target = tmp_path / "00000001.json"
    with staging.staging(tmp_path) as stage:
        assert staging.link_new(stage / "a", target, b"one")
        assert not staging.link_new(stage / "b", target, b"two")
        assert staging.link_new(stage / "c", target, b"one")
    assert target.read_bytes() == b"one"


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_a_file_system_without_links_says_so_at_the_first_write(tmp_path, monkeypatch, code):
    def refuse(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StorageError, match="no hard links") as caught:
        Registry.create(tmp_path / "registry")
    assert "local disk" in caught.value.hint
    assert not (tmp_path / "registry/registry.json").exists()


def test_the_lock_is_held_and_released(tmp_path):
    flock = pytest.importorskip("fcntl").flock
    with lock.advisory_lock(tmp_path / "lock"), (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
        flock(other, 2 | 4)
    with (tmp_path / "lock").open() as other:
        flock(other, 2 | 4)


def test_a_lock_that_cannot_be_had_only_costs_time(tmp_path, monkeypatch):
    flock = pytest.importorskip("fcntl").flock
    with (tmp_path / "lock").open("w") as other:
        flock(other, 2)
        with lock.advisory_lock(tmp_path / "lock", timeout=0.02):
            reached = True
    assert reached
    with lock.advisory_lock(tmp_path / "missing-folder" / "lock"):
        pass
    monkeypatch.setattr(lock, "_flock", None)
    with lock.advisory_lock(tmp_path / "lock"), nullcontext():
        pass
