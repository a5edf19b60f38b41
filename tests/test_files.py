from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tfbs_hub.errors import StorageError
from tfbs_hub.files import storage_error, write_whole


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    return path


def fails(code):
    def call(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    return call


def test_writes_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b" / "file.bin"
    for data in (b"", b"one", b"x" * 100_000):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert [each.name for each in path.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.ENOSPC, "space"), (errno.EIO, "input/output"), (errno.EDQUOT, "quota"), (errno.EBADF, "descriptor")],
)
def test_a_failed_sync_leaves_the_old_file(target, monkeypatch, code, said):
    monkeypatch.setattr(os, "fsync", fails(code))
    with pytest.raises(StorageError, match=said) as caught:
        write_whole(target, b"new")
    assert caught.value.where == str(target)
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_move_leaves_the_old_file(target, monkeypatch):
    monkeypatch.setattr(Path, "replace", fails(errno.EACCES))
    with pytest.raises(StorageError, match="permission"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


def test_an_interruption_leaves_the_old_file(target, monkeypatch):
    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_cannot_be_synced_is_an_error_though_the_file_is_there(target, monkeypatch):
    real, calls = os.fsync, []

    def second_fails(handle):
        calls.append(handle)
        if len(calls) == 2:
            fails(errno.EIO)()
        real(handle)

    monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(StorageError, match="input/output"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_the_file_is_synced_before_it_is_moved_and_the_folder_after(target, monkeypatch):
    order = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, other: (order.append("move"), replace(self, other))[1])
    write_whole(target, b"new")
    assert order == ["sync", "move", "sync"]


def test_no_descriptor_is_left_open(target, monkeypatch):
    before = len(list(Path("/proc/self/fd").iterdir()))
    write_whole(target, b"new")
    monkeypatch.setattr(os, "fsync", fails(errno.EIO))
    with pytest.raises(StorageError):
        write_whole(target, b"newer")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_where_a_folder_should_be(target):
    with pytest.raises(StorageError):
        write_whole(target / "below" / "x", b"")
    with pytest.raises(StorageError):
        write_whole(target.parent, b"")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EPERM, errno.EFBIG])
def test_known_reasons_come_with_advice(code):
    error = storage_error(OSError(code, "x"), Path("/some/where"))
    assert isinstance(error, StorageError)
    assert error.where == "/some/where"
    assert error.hint


def test_unknown_reasons_are_passed_on():
    assert storage_error(OSError(errno.ELOOP, "too many links"), "p").what == "too many links"
    assert storage_error(OSError("no number"), "p").what == "no number"
