"""The version of the contract: read from the package's tfbs_hub.toml, before anything of it is imported."""

from __future__ import annotations

import sys

import pytest

from tfbs_hub.errors import PluginError
from tfbs_hub.plugins.manifest import check_api_version, said_api_version

HOOK = "@hookimpl\ndef tfbs_architectures():\n    return {'danq': 'a:b'}\n"


def with_version(site, name, text):
    site.hooks(name, HOOK)
    package = site.folder / name.replace("-", "_")
    if text is not None:
        (package / "tfbs_hub.toml").write_text(text)
    return f"{package.name}.hooks"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api_version = 99", "99 is not the version that this tfbs-hub reads, 1; update tfbs-hub"),
        ("api_version = 0", "0 is not the version that this tfbs-hub reads, 1; update the package"),
        ("api_version = '1'", "'1' is not the version"),
        ("api_version = true", "True is not the version"),
        ("", "missing; write api_version = 1"),
        ("api_version = ", "not valid TOML"),
    ],
)
def test_hooks_for_another_version_are_never_imported(site, manager, warnings, text, message):
    with_version(site, "fake-other", text)
    assert manager.architectures() == {}
    (failure,) = manager.failures
    assert (failure.distribution, failure.phase) == ("fake-other", "manifest")
    assert message in failure.message
    assert len(warnings) == 1
    assert not {"fake_other", "fake_other.hooks"} & set(sys.modules)


@pytest.mark.parametrize("text", ["api_version = 1", None])
def test_this_version_and_none_said_are_imported(site, manager, warnings, text):
    module = with_version(site, "fake-good", text)
    assert said_api_version(module) == (None if text is None else 1)
    assert list(manager.architectures()) == ["danq"]
    assert warnings == []


def test_whoever_does_not_say_was_written_for_version_1(site, monkeypatch):
    module = with_version(site, "fake-old", None)
    monkeypatch.setattr("tfbs_hub.plugins.manifest.API_VERSION", 2)
    with pytest.raises(PluginError, match="1 is not the version that this tfbs-hub reads, 2"):
        check_api_version(module)


def test_a_single_module_cannot_say(site, manager, warnings):
    source = "from tfbs_hub.hookspecs import hookimpl\n" + HOOK
    site.distribution("fake-single", {"tfbs_hub": "x = fake_single"}, files={"fake_single.py": source})
    assert list(manager.architectures()) == ["danq"]
    assert warnings == []


def test_one_wrong_manifest_behind_two_entry_points_is_told_once(site, manager, warnings):
    folder = site.experts("fake-both", "STAT3", manifest="api_version = 99")
    info = site.folder / "fake_both-0.1.dist-info" / "entry_points.txt"
    info.write_text(f"{info.read_text()}\n[tfbs_hub]\nx = fake_both.hooks\n")
    (folder / "hooks.py").write_text("raise RuntimeError\n")
    manager.experts()
    manager.architectures()
    assert len(warnings) == len(manager.failures) == 1
