from __future__ import annotations

import importlib.metadata
import sys

import pytest

from tfbs_hub.errors import PluginError


def fakes(manager):
    return [entry for entry in manager.entries() if entry.distribution.startswith("fake")]


def test_entries_of_both_groups_are_found_and_nothing_is_imported(site, manager):
    site.distribution(
        "fake-both",
        {"tfbs_hub.manifest": "both = fake_both", "tfbs_hub": "both = fake_both.hooks", "console_scripts": "x = y:z"},
        files={"fake_both/__init__.py": ""},
    )
    entries = fakes(manager)
    assert [(entry.group, entry.value) for entry in entries] == [
        ("tfbs_hub", "fake_both.hooks"),
        ("tfbs_hub.manifest", "fake_both"),
    ]
    assert {(entry.distribution, entry.version, entry.origin) for entry in entries} == {
        ("fake-both", "0.1", "fake-both 0.1")
    }
    assert "fake_both" not in sys.modules


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ("fake-a", ["STAT3"]),
        ("Fake_A", ["STAT3"]),
        (" fake-b , fake.a ", ["STAT3", "GATA3"]),
        ("entry-of-c", ["CTCF"]),
        ("fake-none", []),
        ("", []),
        (" , ", []),
    ],
)
def test_the_environment_limits_what_is_loaded(site, manager, warnings, monkeypatch, allowed, expected):
    site.experts("fake-a", "STAT3")
    site.experts("fake-b", "GATA3")
    folder = site.experts("fake-c", "CTCF").parent
    (folder / "fake_c-0.1.dist-info/entry_points.txt").write_text("[tfbs_hub.manifest]\nentry-of-c = fake_c\n")
    monkeypatch.setenv("TFBS_HUB_PLUGINS", allowed)
    assert [spec.card.name for spec in manager.experts()] == expected
    assert warnings == []


def test_an_empty_limit_does_not_even_search(site, manager, monkeypatch):
    def searched(**_):
        raise AssertionError("searched")

    monkeypatch.setenv("TFBS_HUB_PLUGINS", "")
    monkeypatch.setattr(importlib.metadata, "entry_points", searched)
    monkeypatch.setattr(importlib.metadata, "distributions", searched)
    assert manager.experts() == manager.hooked_experts() == []
    assert manager.architectures() == {}
    manager.notify_gate_promoted(None, "a" * 64)


def test_the_search_is_done_once_and_not_before_it_is_needed(site, manager, monkeypatch):
    calls = []
    real = importlib.metadata.entry_points
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **given: calls.append(given) or real(**given))
    assert calls == []
    manager.experts()
    manager.architectures()
    manager.entries()
    assert calls == [{}]


def test_one_distribution_with_unreadable_entry_points_does_not_hide_the_others(site, manager, warnings):
    site.experts("fake-good", "STAT3")
    site.distribution("fake-unreadable", {"tfbs_hub": "no equals sign"})
    assert [spec.card.name for spec in manager.experts()] == ["STAT3"]
    (failure,) = manager.failures
    assert (failure.distribution, failure.phase) == ("fake-unreadable", "manifest")
    assert len(warnings) == 1


def test_unreadable_entry_points_stop_a_strict_run(site, manager, monkeypatch):
    site.distribution("fake-unreadable", {"tfbs_hub": "no equals sign"})
    monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="fake-unreadable"):
        manager.experts()


def test_a_distribution_without_metadata_goes_by_the_name_of_its_entry_point(site, manager):
    folder = site.experts("fake-bare", "STAT3").parent
    (folder / "fake_bare-0.1.dist-info/METADATA").unlink()
    (spec,) = manager.experts()
    assert spec.origin == "fake-bare"


def test_a_distribution_hidden_behind_another_on_the_path_is_not_read(site, manager, monkeypatch, tmp_path):
    site.distribution("fake-dup", {"tfbs_hub.manifest": "x = fake_first"})
    hidden = tmp_path / "hidden/fake_dup-0.2.dist-info"
    hidden.mkdir(parents=True)
    (hidden / "METADATA").write_text("Name: fake-dup\nVersion: 0.2\n")
    (hidden / "entry_points.txt").write_text("[tfbs_hub.manifest]\nx = fake_second\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(hidden.parent)])
    importlib.invalidate_caches()
    assert [entry.value for entry in fakes(manager)] == ["fake_first"]
    # The careful search must agree with the quick one.
    site.distribution("fake-unreadable", {"tfbs_hub": "no equals sign"})
    again = type(manager)(lambda line: None)
    assert [entry.value for entry in fakes(again)] == ["fake_first"]
