from __future__ import annotations

import errno
import os

import pytest

from tfbs_hub.errors import IntegrityError, ReadOnlyError, StorageError
from tfbs_hub.registry import storage


def test_reading_stops_at_the_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert storage.read_capped(path, 5) == b"12345"
    with pytest.raises(IntegrityError, match="may have 4 bytes"):
        storage.read_capped(path, 4)


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IntegrityError, match="not a regular file"):
        storage.read_capped(tmp_path / "pipe", 10)
    with pytest.raises(IntegrityError, match="not a regular file"):
        storage.read_capped(tmp_path, 10)


def test_checked_reading_names_the_file_and_the_way_on(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(IntegrityError, match="missing"):
        storage.read_checked(path, storage.sha256(b"x"), 10)
    path.write_bytes(b"y")
    with pytest.raises(IntegrityError, match="differ") as caught:
        storage.read_checked(path, storage.sha256(b"x"), 10)
    assert caught.value.where == str(path)
    assert "tfbs-hub verify" in caught.value.hint
    path.write_bytes(b"x")
    assert storage.read_checked(path, storage.sha256(b"x"), 10) == b"x"
    assert storage.hash_file(path) == (storage.sha256(b"x"), 1)


def test_an_existing_file_is_never_written(tmp_path):
    path = tmp_path / "file"
    storage.write_new(path, b"first")
    with pytest.raises(StorageError):
        storage.write_new(path, b"second")
    assert path.read_bytes() == b"first"


def test_short_writes_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    storage.write_new(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        (errno.ENOSPC, StorageError, "space"),
        (errno.EDQUOT, StorageError, "quota"),
        (errno.EIO, StorageError, "input/output"),
        (errno.EROFS, ReadOnlyError, "may not be written"),
        (errno.EACCES, ReadOnlyError, "may not be written"),
    ],
)
def test_refusals_become_errors_with_a_way_on(tmp_path, code, kind, word):
    with pytest.raises(kind, match=word) as caught, storage.storage_errors(tmp_path):
        raise OSError(code, os.strerror(code))
    assert caught.value.hint
    assert caught.value.where == str(tmp_path)


def test_a_failed_fsync_is_not_tried_again(tmp_path, monkeypatch):
    calls = []

    def fail(handle):
        calls.append(handle)
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError):
        storage.write_new(tmp_path / "file", b"data")
    assert len(calls) == 1


def test_a_missing_folder_is_empty_unless_it_must_be_there(tmp_path):
    assert storage.list_folder(tmp_path / "none") == []
    with pytest.raises(FileNotFoundError):
        storage.list_folder(tmp_path / "none", missing_ok=False)
