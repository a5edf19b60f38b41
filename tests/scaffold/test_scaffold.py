from __future__ import annotations

import os
import tomllib

import pytest

from tfbs_hub.errors import StorageError, UsageError
from tfbs_hub.hookspecs import API_VERSION
from tfbs_hub.scaffold import KINDS, write_plugin


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["my-experts", "tfbs-arch-2d", "tfbs-source-x", "a"])
def test_a_package_is_whole_and_its_files_can_be_read(tmp_path, kind, name):
    folder = write_plugin(name, kind, tmp_path)
    assert folder == tmp_path / name
    assert list(tmp_path.iterdir()) == [folder]
    written = files(folder)
    module = name.replace("-", "_")
    assert {"pyproject.toml", "README.md", "LICENSE", ".gitignore", f"src/{module}/__init__.py"} <= set(written)
    assert not [path for path in written if path.endswith(".template") or "__module__" in path]
    project = tomllib.loads(written["pyproject.toml"])
    assert project["project"]["name"] == name
    (points,) = project["project"]["entry-points"].values()
    assert points == {name: module if kind == "weights" else f"{module}.hooks"}
    assert tomllib.loads(written[f"src/{module}/tfbs_hub.toml"]) == {"api_version": API_VERSION}
    for path, text in written.items():
        # Nothing was left unfilled.
        assert "$" not in text, path
        assert max(map(len, text.splitlines()), default=0) <= 130
        if path.endswith(".py"):
            compile(text, path, "exec")
    assert "twine upload" in written["README.md"] and name in written["README.md"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("My_Experts", "write my-experts"),
        ("my--experts", "write my-experts"),
        ("my.experts", "write my-experts"),
        ("-experts", "write experts"),
        ("", "for instance my-experts"),
        ("../evil", None),
        ("my experts", "for instance my-experts"),
        ("experts/x", "for instance my-experts"),
        ("ämter", "for instance my-experts"),
        ("a" * 65, "for instance my-experts"),
        ("class", "for instance tfbs-class"),
        ("2d", "for instance tfbs-2d"),
        ("json", "for instance tfbs-json"),
        ("tfbs-hub", "for instance tfbs-tfbs-hub"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(tmp_path, name, hint):
    with pytest.raises(UsageError) as caught:
        write_plugin(name, "weights", tmp_path)
    if hint is not None:
        assert caught.value.hint == hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["folder", "file", "link"])
def test_what_is_there_stays_as_it_is(tmp_path, taken):
    target = tmp_path / "my-experts"
    if taken == "folder":
        target.mkdir()
    elif taken == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="there already"):
        write_plugin("my-experts", "weights", tmp_path)
    assert list(tmp_path.iterdir()) == [target]
    assert taken != "file" or target.read_text() == "mine"


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(UsageError, match="unknown kind"):
        write_plugin("my-experts", "gate", tmp_path)


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    from pathlib import Path

    real, left = Path.write_text, 3

    def full(self, *args, **kwargs):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match="no space"):
        write_plugin("my-experts", "weights", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_one_plain_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError):
            write_plugin("my-experts", "weights", tmp_path)
    finally:
        tmp_path.chmod(0o700)
