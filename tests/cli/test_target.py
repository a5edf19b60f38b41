from __future__ import annotations

import os
import threading

import pytest

from tfbs_hub.cli.target import staged
from tfbs_hub.errors import NotFoundError, StorageError


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "out.tsv"
    with staged(str(target)) as file:
        file.write("é\n")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "é\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.tsv"]


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "out.tsv"
    target.write_text("old")
    with pytest.raises(ValueError, match="no"), staged(str(target)) as file:
        file.write("new")
        raise ValueError("no")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.tsv"]


def test_what_the_file_system_refuses_names_the_target(tmp_path):
    with pytest.raises(NotFoundError, match="folder"), staged(str(tmp_path / "none" / "x")):
        pass
    with pytest.raises(StorageError, match="x" * 300), staged(str(tmp_path / ("x" * 300))):
        pass


def test_stdout_is_written_at_once_or_whole(capsys):
    with staged(None) as file:
        file.write("one")
        assert capsys.readouterr().out == "one"
    with pytest.raises(ValueError, match="no"), staged(None, whole=True) as file:
        file.write("half")
        raise ValueError("no")
    assert capsys.readouterr().out == ""
    with staged(None, whole=True) as file:
        file.write("two" * 1_000_000)
    assert capsys.readouterr().out == "two" * 1_000_000


def test_a_named_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    with staged(str(pipe)) as file:
        file.write("through")
    reader.join(10)
    assert got == ["through"]
