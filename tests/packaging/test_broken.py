"""Packages that are broken on purpose, each in its own way: built, installed, and met by every core command."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tfbs_hub import Hub

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1"

[project.entry-points."{group}"]
{name} = "{value}"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""
HOOK = "from tfbs_hub.hookspecs import hookimpl\n"
ARCHITECTURES = HOOK + "@hookimpl\ndef tfbs_architectures():\n    return "


@dataclass(frozen=True)
class Fault:
    """One way to be broken.

    Attributes:
        hooks: source of the hook module; None for a package with a manifest.
        toml: the whole manifest, where it is not made from an expert.
        row: changes to the expert's row of the manifest.
        damaged: a bit of the weights was flipped after packing.
        phase, says: of the failure; an empty phase costs no warning, because only `check` and `enable` look so deep.
    """

    hooks: str | None = None
    toml: str | None = None
    row: dict[str, str] = field(default_factory=dict)
    damaged: bool = False
    phase: str = ""
    says: str = ""


FAULTS = {
    "raises": Fault(hooks="raise RuntimeError('bang \\x1b[31m [red]')", phase="import", says="bang"),
    "exits": Fault(hooks="import sys\nsys.exit(3)", phase="import", says="tried to exit (status 3)"),
    "malformed": Fault(hooks=ARCHITECTURES + "['danq']\n", phase="call", says="must return a mapping, not list"),
    "raises-in-hook": Fault(hooks=ARCHITECTURES + "1 / 0\n", phase="call", says="ZeroDivisionError"),
    "no-hook": Fault(hooks="x = 1\n", phase="register", says="it implements no hook"),
    "old-hooks": Fault(
        hooks="from pathlib import Path\nPath(__file__).with_name('imported').touch()\n" + ARCHITECTURES + "{}\n",
        toml="api_version = 99\n",
        phase="manifest",
        says="99 is not the version that this tfbs-hub reads",
    ),
    "old-manifest": Fault(toml="api_version = 99\n", phase="manifest", says="99 is not the version"),
    "no-toml": Fault(toml="api_version = \n", phase="manifest", says="not valid TOML"),
    "wrong-digest": Fault(row={"sha256": "0" * 64}, phase="manifest", says="the manifest says '0000"),
    "climbs-out": Fault(row={"weights": "../../x"}, phase="manifest", says="not a path inside the package"),
    "no-network": Fault(row={"architecture": "nowhere:Network"}, phase="manifest", says="the card"),
    "damaged": Fault(damaged=True),
}
"""By name of the distribution, less "broken-"."""


def write_project(folder: Path, name: str, fault: Fault, registry: Path) -> Path:
    distribution = f"broken-{name}"
    module = distribution.replace("-", "_")
    package = folder / distribution / module
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    group, value = ("tfbs_hub.manifest", module) if fault.hooks is None else ("tfbs_hub", f"{module}.hooks")
    project = PROJECT.format(name=distribution, module=module, group=group, value=value)
    (folder / distribution / "pyproject.toml").write_text(project)
    if fault.hooks is not None:
        (package / "hooks.py").write_text(fault.hooks)
    if fault.toml is not None:
        (package / "tfbs_hub.toml").write_text(fault.toml)
    elif fault.hooks is None:
        write_expert(package, name, fault, registry)
    return folder / distribution


def write_expert(package: Path, name: str, fault: Fault, registry: Path) -> None:
    spec = Hub.open(registry).spec("EBOX")
    card = replace(spec.card, name=f"EBOX_{name}", gate_set=replace(spec.card.gate_set, kind="none", digest=""))
    data = bytearray(spec.weights.read_bytes())
    if fault.damaged:
        data[-1] ^= 1
    (package / "weights.safetensors").write_bytes(data)
    (package / "card.json").write_bytes(card.to_json())
    row = {
        "name": card.name,
        "tf": card.tf,
        "architecture": card.architecture,
        "weights": "weights.safetensors",
        "sha256": card.weights_sha256,
        "card": "card.json",
        **fault.row,
    }
    lines = ["api_version = 1", "[[expert]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
    (package / "tfbs_hub.toml").write_text("\n".join(lines))


@pytest.fixture(scope="module")
def site(tmp_path_factory, trained, sources_installed):
    """All of them, installed side by side, and one good package."""
    folder = tmp_path_factory.mktemp("projects")
    projects = [write_project(folder, name, fault, trained.registry) for name, fault in FAULTS.items()]
    return sources_installed(*projects, write_project(folder, "not", Fault(), trained.registry))


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    path = tmp_path_factory.mktemp("sequences") / "few.fa"
    path.write_text(f">one\n{'ACGTGACTTG' * 6}A\n")
    return path


@pytest.fixture(scope="module")
def met(site, sequences, trained, several):
    """What each core command left, by fault; then `plugins check`, then two commands of a strict run."""
    commands = ["experts --json", "show EBOX", "gates", f"predict {sequences} --json", "verify", "plugins --json"]
    asked = []
    for name in FAULTS:
        only = {"TFBS_HUB_PLUGINS": f"broken-{name}"}
        asked += [(line, only) for line in [*commands, f"plugins check broken-{name} --json"]]
        asked += [(line, {**only, "TFBS_HUB_STRICT_PLUGINS": "1"}) for line in ("plugins", "plugins --json")]
    ran = several(site, *asked, TFBS_HUB_REGISTRY=str(trained.registry))
    each = len(commands) + 3
    return {name: ran[place * each : (place + 1) * each] for place, name in enumerate(FAULTS)}


@pytest.mark.parametrize("name", FAULTS)
def test_one_broken_package_is_one_line_and_stops_nothing(site, met, name):
    fault = FAULTS[name]
    *core, checked, _, _ = met[name]
    for each in core:
        assert each.code == 0, each
        assert len(each.warnings) <= 1
        assert "\x1b" not in each.err and "Traceback" not in each.err
        assert "error" not in each.err
    experts, _, _, predicted, _, listed = core
    assert {row["name"] for row in experts.json["experts"]} >= {"EBOX", "ETS"}
    assert len(predicted.json["sequences"]) == 1
    (package,) = listed.json["plugins"]
    assert package["distribution"] == f"broken-{name}"
    if fault.phase:
        assert len(listed.warnings) == 1
        assert f"broken-{name} 0.1 failed ({fault.phase}): " in listed.warnings[0]
        (failure,) = package["failures"]
        assert (package["state"], failure["phase"]) == ("failed", fault.phase)
        assert fault.says in failure["message"]
        assert "Traceback" in failure["traceback"]
    else:
        assert listed.warnings == []
    assert checked.code == 5
    assert checked.json["ok"] is False
    assert any(row["fault"] for row in checked.json["checks"])
    assert not (site / f"broken_{name.replace('-', '_')}" / "imported").exists()


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.phase])
def test_strict_stops_with_the_traceback(met, name):
    text, as_json = met[name][-2:]
    for ran in (text, as_json):
        assert ran.code == 5
        assert "Traceback" in ran.err
        assert "\x1b" not in ran.err + ran.out
    assert FAULTS[name].says in text.err
    assert as_json.json["error"]["type"] == "PluginError"


def test_all_of_them_at_once_and_the_good_one_among_them(site, registry, sequences, several):
    experts, listed, text, enabled, predicted = several(
        site,
        "experts --json",
        "plugins --json",
        "plugins --traceback",
        "enable EBOX_not",
        f"predict {sequences} --model EBOX_not --json",
        TFBS_HUB_REGISTRY=str(registry),
    )
    failing = {f"broken-{name}" for name, fault in FAULTS.items() if fault.phase}
    assert {row["distribution"] for row in listed.json["plugins"] if row["state"] == "failed"} == failing
    assert len(listed.warnings) == len(failing)
    assert len(experts.warnings) == sum(
        fault.phase == "manifest" and fault.hooks is None for fault in FAULTS.values()
    ), "experts reads manifests alone"
    assert "EBOX_not" in {row["name"] for row in experts.json["experts"]}
    assert text.code == 0
    assert text.err.count("Traceback") >= len(failing)
    assert "\x1b" not in text.out + text.err
    assert (enabled.code, predicted.code) == (0, 0)


def test_damaged_weights_do_not_come_in(site, registry, several):
    before = sorted(path.name for path in (registry / "generations").iterdir())
    enabled, checked, unknown = several(
        site,
        "enable EBOX_damaged --json",
        "plugins check broken-damaged",
        "plugins check broken-nothing --json",
        TFBS_HUB_REGISTRY=str(registry),
    )
    assert (enabled.code, enabled.json["error"]["type"]) == (4, "IntegrityError")
    assert sorted(path.name for path in (registry / "generations").iterdir()) == before
    assert checked.code == 5
    assert "FAULT: the weights file has digest" in checked.out
    assert "broken-damaged 0.1: 1 faults" in checked.err
    assert (unknown.code, unknown.json["error"]["type"]) == (3, "NotFoundError")


def test_the_promised_digest_is_that_of_the_undamaged_file(site, trained):
    promised = Hub.open(trained.registry).spec("EBOX").card.weights_sha256
    assert hashlib.sha256((site / "broken_damaged" / "weights.safetensors").read_bytes()).hexdigest() != promised
    assert hashlib.sha256((site / "broken_not" / "weights.safetensors").read_bytes()).hexdigest() == promised
