"""The package of further experts: built as a wheel, installed into a folder of its own, and mixed in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "plugins" / "tfbs-experts-encode"
NAMES = ["CTCFL", "ELK1", "FOXA1", "GABPA", "MYC", "REST", "SP1", "USF1", "ZBTB7A"]


@pytest.fixture(scope="module")
def wheel(wheel_of: Callable[[Path], Path]) -> Path:
    return wheel_of(PACKAGE)


@pytest.fixture(scope="module")
def installed(wheel: Path, installed_alone: Callable[[Path], Path]) -> Path:
    return installed_alone(wheel)


@pytest.fixture
def tfbs_hub(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command on a copy of the shipped registry, with the package installed."""
    shutil.copytree(ROOT / "registry", tmp_path / "registry")

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if key != "TFBS_HUB_PLUGINS"}
        return subprocess.run(
            [sys.executable, "-m", "tfbs_hub.cli", "--registry", str(tmp_path / "registry"), *arguments],
            env={**kept, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", "HF_HUB_OFFLINE": "1", **environment},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return call


def test_the_wheel_holds_data_and_one_docstring(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        code = {name: archive.read(name).decode() for name in names if name.endswith(".py")}
    assert list(code) == ["tfbs_experts_encode/__init__.py"]
    assert code["tfbs_experts_encode/__init__.py"].count('"""') == 2
    endings = {Path(name).name for name in names}
    assert endings == {"__init__.py", "tfbs_hub.toml", "weights.safetensors", "card.json"}


def test_all_nine_are_offered_and_none_of_their_code_runs(tfbs_hub):
    done = tfbs_hub("experts", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    offered = [row for row in json.loads(done.stdout)["experts"] if row["origin"].startswith("tfbs-experts-encode")]
    assert [row["name"] for row in offered] == NAMES
    assert not any(row["enabled"] for row in offered)
    assert all(row["auroc"] > 0.94 for row in offered)


def test_every_expert_can_be_enabled_and_passes_verify(installed, several, tmp_path):
    shutil.copytree(ROOT / "registry", tmp_path / "registry")
    commands = [*(f"enable {name}" for name in NAMES), "verify --json"]
    for command, done in zip(
        commands, several(installed, *commands, TFBS_HUB_REGISTRY=str(tmp_path / "registry")), strict=True
    ):
        assert done.code == 0, (command, done)


def test_an_enabled_expert_joins_the_gate(tfbs_hub, encode_folder):
    assert tfbs_hub("enable", "GABPA").returncode == 0
    done = tfbs_hub("retrain-gate", "--experts", "GABPA,GATA3", "--json", TFBS_HUB_ENCODE_MIRROR=str(encode_folder))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["gate"]["experts"] == ["GABPA", "GATA3"]
    assert all(score["auroc"] > 0.85 for score in report["gate_sets"])
