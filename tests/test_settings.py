from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tfbs_hub import settings


def test_folders_the_user_chose(monkeypatch):
    monkeypatch.setenv("TFBS_HUB_CACHE", "/some/cache")
    assert settings.cache_folder() == Path("/some/cache")


@pytest.mark.skipif(sys.platform != "linux", reason="the folders' names are those of Linux")
@pytest.mark.parametrize("value", [None, ""])
def test_folders_by_default(monkeypatch, value):
    monkeypatch.delenv("TFBS_HUB_CACHE")
    if value is not None:
        monkeypatch.setenv("TFBS_HUB_CACHE", value)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg/cache")
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg/data")
    assert settings.cache_folder() == Path("/xdg/cache/tfbs-hub")
    assert settings.data_folder() == Path("/xdg/data/tfbs-hub")


@pytest.mark.parametrize(
    ("ask", "variable"),
    [(settings.registry_choice, "TFBS_HUB_REGISTRY"), (settings.encode_mirror, "TFBS_HUB_ENCODE_MIRROR")],
)
def test_choices(monkeypatch, ask, variable):
    assert ask() is None
    monkeypatch.setenv(variable, "")
    assert ask() is None
    monkeypatch.setenv(variable, "here")
    assert ask() == "here"


@pytest.mark.parametrize(
    ("value", "allowed"),
    [(None, None), ("", set()), (" , ,", set()), ("a", {"a"}), ("a, b ,,a", {"a", "b"})],
)
def test_plugins(monkeypatch, value, allowed):
    monkeypatch.delenv("TFBS_HUB_PLUGINS")
    if value is not None:
        monkeypatch.setenv("TFBS_HUB_PLUGINS", value)
    assert settings.allowed_plugins() == allowed


@pytest.mark.parametrize(
    ("ask", "variable"),
    [(settings.strict_plugins, "TFBS_HUB_STRICT_PLUGINS"), (settings.offline, "TFBS_HUB_OFFLINE")],
)
@pytest.mark.parametrize(("value", "said"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)])
def test_what_is_on_or_off(monkeypatch, ask, variable, value, said):
    if value is not None:
        monkeypatch.setenv(variable, value)
    assert ask() is said


def test_every_variable_is_described():
    for variable in ("REGISTRY", "CACHE", "ENCODE_MIRROR", "OFFLINE", "PLUGINS", "STRICT_PLUGINS"):
        assert f"TFBS_HUB_{variable} " in settings.__doc__
