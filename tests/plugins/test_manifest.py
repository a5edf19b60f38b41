from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tfbs_hub.errors import PluginError
from tfbs_hub.plugins import PluginManager
from tfbs_hub.plugins.manifest import expert_spec, package_folder, read_manifest


def the_failure(manager: PluginManager) -> str:
    assert [failure.phase for failure in manager.failures] == ["manifest"]
    assert manager.failures[0].traceback.startswith("Traceback")
    return manager.failures[0].message


def test_experts_come_from_a_manifest_without_importing_the_package(site, manager, warnings):
    folder = site.experts("fake-good", "STAT3", "GATA3", init="raise RuntimeError('imported')")
    first, second = manager.experts()
    assert (first.card.name, second.card.name) == ("STAT3", "GATA3")
    assert first.weights == folder / "STAT3/weights.safetensors"
    assert (first.origin, first.enabled, first.gate_set) == ("fake-good 0.1", False, None)
    assert "fake_good" not in sys.modules
    assert warnings == []


def test_a_package_may_bring_only_experts_of_no_rows(site, manager, warnings):
    site.experts("fake-empty", manifest="api_version = 1")
    assert manager.experts() == []
    assert warnings == []


def test_a_stored_gate_set_is_offered(site, manager, make_card):
    folder = site.experts("fake-stored", "STAT3", gate_set="STAT3/gate-set.h5")
    (folder / "STAT3/gate-set.h5").write_bytes(b"set")
    row = read_manifest(folder).expert[0]
    (folder / "STAT3/card.json").write_bytes(make_card("STAT3", row.sha256, "stored").to_json())
    assert manager.experts()[0].gate_set == folder / "STAT3/gate-set.h5"


def test_a_gate_set_that_the_card_does_not_store_may_not_travel(site, manager):
    folder = site.experts("fake-stray", "STAT3", gate_set="STAT3/gate-set.h5")
    (folder / "STAT3/gate-set.h5").write_bytes(b"set")
    assert manager.experts() == []
    assert "none may travel" in the_failure(manager)


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("api_version = ", "not valid TOML"),
        ("api_version = 1\nx = " + "[" * 100_000, "not valid TOML"),
        ("\N{SNOWMAN} = 1", "not valid TOML"),
        ("", "api_version: missing"),
        ("api_version = 2\nnew_key = 1", "update tfbs-hub"),
        ("api_version = 0", "update the package"),
        ("api_version = true", "update the package"),
        ("api_version = '1'", "update the package"),
        ("api_version = 1\nexperts = []", "unknown field `experts`"),
        ("api_version = 1\n[[expert]]\nname = 'A'", "missing required field `tf`"),
        ("api_version = 1\n[[expert]]\nname = 3", "Expected `str`, got `int` - at `$.expert[0].name`"),
        ("api_version = 1\nexpert = 4", "Expected `array`"),
        ("#" * (1 << 20) + "\napi_version = 1", "may have 1048576 bytes"),
    ],
)
def test_a_broken_manifest_is_one_failure_and_the_others_go_on(site, manager, warnings, manifest, expected):
    site.experts("fake-broken", manifest=manifest)
    site.experts("fake-good", "STAT3")
    assert [spec.card.name for spec in manager.experts()] == ["STAT3"]
    assert expected in the_failure(manager)
    assert "fake_broken/tfbs_hub.toml" in manager.failures[0].message
    assert (manager.failures[0].distribution, manager.failures[0].version) == ("fake-broken", "0.1")
    assert len(warnings) == 1


def test_a_manifest_in_another_encoding_is_not_toml(site, manager):
    folder = site.experts("fake-latin", "STAT3")
    (folder / "tfbs_hub.toml").write_bytes(b"api_version = 1 # \xe9")
    assert manager.experts() == []
    assert "not valid TOML" in the_failure(manager)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sha256": "abc"}, "sha256: 'abc' is not a sha256 digest"),
        ({"sha256": "A" * 64}, "is not a sha256 digest"),
        ({"sha256": "b" * 64}, "sha256: the manifest says"),
        ({"name": "OTHER"}, "name: the manifest says 'OTHER', the card 'STAT3'"),
        ({"name": "../x"}, "cannot be the name of an expert"),
        ({"tf": "GATA3"}, "tf: the manifest says"),
        ({"architecture": "tfbs_hub.experts.other:Other"}, "architecture: the manifest says"),
        ({"architecture": "deepbind"}, "architecture: 'deepbind' is not a reference"),
        ({"weights": "missing.safetensors"}, "weights: there is no file"),
        ({"weights": "STAT3"}, "weights: there is no file"),
        ({"weights": ""}, "is not a path inside the package"),
        ({"weights": "."}, "is not a path inside the package"),
        ({"weights": "/etc/passwd"}, "is not a path inside the package"),
        ({"weights": "../fake_good/STAT3/weights.safetensors"}, "is not a path inside the package"),
        ({"weights": "STAT3/../STAT3/weights.safetensors"}, "is not a path inside the package"),
        ({"weights": "STAT3\\weights.safetensors"}, "is not a path inside the package"),
        ({"card": "/etc/passwd"}, "card: '/etc/passwd' is not a path"),
        ({"card": "missing.json"}, "card: there is no file"),
        ({"card": "STAT3/weights.safetensors"}, "not a valid card"),
        ({"gate_set": "../x.h5"}, "gate_set: '../x.h5' is not a path"),
    ],
)
def test_a_row_that_lies_is_left_out(site, manager, changes, expected):
    site.experts("fake-bad", "STAT3", **changes)
    site.experts("fake-good", "GATA3")
    assert [spec.card.name for spec in manager.experts()] == ["GATA3"]
    assert expected in the_failure(manager)


def test_the_other_rows_of_the_same_manifest_stay(site, manager):
    folder = site.experts("fake-half", "STAT3", "GATA3")
    (folder / "STAT3/weights.safetensors").unlink()
    assert [spec.card.name for spec in manager.experts()] == ["GATA3"]
    assert "STAT3: weights" in the_failure(manager)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_may_not_lead_out_of_the_package(site, manager, tmp_path, what):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "weights.safetensors").write_bytes(b"secret")
    folder = site.experts("fake-link", "STAT3", weights="link" if what == "file" else "link/weights.safetensors")
    (folder / "link").symlink_to(outside / "weights.safetensors" if what == "file" else outside)
    assert manager.experts() == []
    assert "leads out of the package through a link" in the_failure(manager)


def test_a_link_inside_the_package_is_fine(site, manager):
    folder = site.experts("fake-inner", "STAT3", weights="link")
    (folder / "link").symlink_to("STAT3/weights.safetensors")
    assert manager.experts()[0].weights == folder / "STAT3/weights.safetensors"


def test_the_later_of_two_packages_loses_a_name_whatever_its_case(site, manager):
    site.experts("fake-b", "Stat3", "GATA3")
    site.experts("fake-a", "STAT3")
    experts = manager.experts()
    assert [(spec.card.name, spec.origin) for spec in experts] == [("STAT3", "fake-a 0.1"), ("GATA3", "fake-b 0.1")]
    assert the_failure(manager) == "the expert 'Stat3' is already brought by fake-a 0.1"


def test_the_later_of_two_rows_loses_a_name(site, manager):
    site.experts("fake-twice", "STAT3", "STAT3")
    assert len(manager.experts()) == 1
    assert "already brought by fake-twice 0.1" in the_failure(manager)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("fake_absent", "is not installed"),
        ("fake_module", "is a single module"),
        ("fake_space", "is a namespace package"),
        ("fake_nothing", "there is no file 'tfbs_hub.toml'"),
        ("fake_nothing.inner", "is not the name of a top-level package"),
        ("fake_nothing:attr", "is not the name of a top-level package"),
        ("sys", "is a single module"),
        ("__phello__", "does not lie in a folder"),
        ("__main__", "cannot be found"),
    ],
)
def test_a_value_that_is_no_package_with_a_manifest(site, manager, monkeypatch, value, expected):
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    files = {"fake_module.py": "", "fake_space/x.txt": "", "fake_nothing/__init__.py": ""}
    site.distribution("fake-value", {"tfbs_hub.manifest": f"x = {value}"}, files=files)
    assert manager.experts() == []
    assert expected in the_failure(manager)
    assert "fake_nothing" not in sys.modules


def test_a_package_in_an_archive_is_refused(tmp_path: Path, monkeypatch):
    archive = tmp_path / "egg.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("fake_zipped/__init__.py", "")
        file.writestr("fake_zipped/tfbs_hub.toml", "api_version = 1")
    monkeypatch.syspath_prepend(archive)
    with pytest.raises(PluginError, match="does not lie in a folder"):
        package_folder("fake_zipped")


def test_the_parts_can_be_used_alone(site):
    folder = site.experts("fake-parts", "STAT3")
    assert package_folder("fake_parts") == folder
    (row,) = read_manifest(folder).expert
    assert expert_spec(folder, row, "by hand").origin == "by hand"
