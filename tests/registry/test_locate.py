from __future__ import annotations

import errno
import os

import pytest

from tfbs_hub import settings
from tfbs_hub.errors import NotFoundError, ReadOnlyError, UsageError
from tfbs_hub.registry import Registry, locate, open_registry


@pytest.fixture
def shipped(tmp_path, add, monkeypatch):
    registry = Registry.create(tmp_path / "checkout" / "registry")
    add(registry, "SHIPPED")
    (registry.path / ".gitattributes").write_text("* -text\n")
    monkeypatch.setattr(locate, "shipped_registry", lambda: registry.path)
    return registry.path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home" / "tfbs-hub"
    monkeypatch.setattr(settings, "data_folder", lambda: folder)
    monkeypatch.delenv("TFBS_HUB_REGISTRY", raising=False)
    (tmp_path / "empty").mkdir()
    return folder


def test_the_option_wins_over_the_variable_over_the_folder_over_the_users(shipped, tmp_path, monkeypatch, home):
    for name in ("option", "variable", "project/registry"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Registry.create(tmp_path / name)
    deep = tmp_path / "project" / "a" / "b"
    deep.mkdir(parents=True)
    assert open_registry(start=tmp_path / "empty").path == home / "registry"
    assert open_registry(start=deep).path == tmp_path / "project/registry"
    monkeypatch.chdir(deep)
    assert open_registry().path == tmp_path / "project/registry"
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(tmp_path / "variable"))
    assert open_registry().path == tmp_path / "variable"
    assert open_registry(tmp_path / "option").path == tmp_path / "option"
    assert open_registry("../../../option").path.resolve() == tmp_path / "option"


def test_the_nearest_folder_counts_and_only_a_registry_does(shipped, tmp_path):
    Registry.create(tmp_path / "p" / "registry")
    (tmp_path / "p" / "q" / "registry").mkdir(parents=True)
    assert open_registry(start=tmp_path / "p" / "q").path == tmp_path / "p/registry"
    Registry.create(tmp_path / "p" / "q" / "registry")
    assert open_registry(start=tmp_path / "p" / "q").path == tmp_path / "p/q/registry"


def test_a_named_registry_must_be_there_unless_it_may_be_made(tmp_path, monkeypatch):
    with pytest.raises(NotFoundError):
        open_registry(tmp_path / "none")
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(tmp_path / "none"))
    with pytest.raises(NotFoundError):
        open_registry()
    assert open_registry(create=True).experts() == []
    assert open_registry().path == tmp_path / "none"
    (tmp_path / "empty" / "thesis.tex").touch()
    with pytest.raises(UsageError):
        open_registry(tmp_path / "empty", create=True)


def test_the_users_registry_is_seeded_once_and_is_writable(shipped, tmp_path, home, add):
    first = open_registry(start=tmp_path / "empty")
    assert not first.read_only
    assert [spec.card.name for spec in first.experts()] == ["SHIPPED"]
    assert {finding.severity for finding in first.verify()} <= {"note"}
    add(first, "OWN")
    assert [spec.card.name for spec in open_registry(start=tmp_path / "empty").experts()] == ["OWN", "SHIPPED"]
    assert [spec.card.name for spec in Registry.open(shipped).experts()] == ["SHIPPED"]
    assert [path.name for path in home.iterdir()] == ["registry"]
    assert not (home / "registry" / "lock").samefile(shipped / "lock")


def test_many_first_uses_at_once(shipped, tmp_path, home, fork):
    def work():
        assert [spec.card.name for spec in open_registry(start=tmp_path / "empty").experts()] == ["SHIPPED"]

    children = [fork(work) for _ in range(6)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert [path.name for path in home.iterdir()] == ["registry"]


def test_without_a_writable_home_the_shipped_one_is_read(shipped, tmp_path, home, monkeypatch, add):
    real = os.mkdir

    def refuse(path, *args, **kwargs):
        if str(home) in str(path):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        real(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", refuse)
    registry = open_registry(start=tmp_path / "empty")
    assert (registry.path, registry.read_only) == (shipped, True)
    with pytest.raises(ReadOnlyError):
        add(registry, "OWN")


def test_a_full_disk_while_seeding_leaves_no_half_registry(shipped, tmp_path, home, monkeypatch):
    real, calls = os.write, []

    def fail(handle, data):
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, data)

    monkeypatch.setattr(os, "write", fail)
    assert open_registry(start=tmp_path / "empty").path == shipped
    assert list(home.iterdir()) == []
    assert open_registry(start=tmp_path / "empty").path == home / "registry"


def test_the_checkouts_own_registry_is_written_only_when_named(shipped, monkeypatch):
    inside = shipped.parent / "src"
    inside.mkdir()
    found = open_registry(start=inside)
    assert (found.path, found.read_only) == (shipped, True)
    assert not open_registry(shipped).read_only
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(shipped))
    assert not open_registry(start=inside).read_only


def test_with_nothing_shipped_the_user_starts_empty(tmp_path, monkeypatch, home):
    monkeypatch.setattr(locate, "shipped_registry", lambda: None)
    registry = open_registry(start=tmp_path / "empty")
    assert (registry.path, registry.experts(), registry.read_only) == (home / "registry", [], False)


def test_the_shipped_one_is_in_the_package_or_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "__file__", str(tmp_path / "site" / "tfbs_hub" / "registry" / "locate.py"))
    assert locate.shipped_registry() is None
    Registry.create(tmp_path / "site" / "registry")
    assert locate.shipped_registry() == tmp_path / "site" / "registry"
    Registry.create(tmp_path / "site" / "tfbs_hub" / "_registry")
    assert locate.shipped_registry() == tmp_path / "site" / "tfbs_hub" / "_registry"
