"""The package of an architecture: built as a wheel, installed into a folder of its own, trained and mixed in."""

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
PACKAGE = ROOT / "plugins" / "tfbs-arch-danq"


@pytest.fixture(scope="module")
def wheel(wheel_of: Callable[[Path], Path]) -> Path:
    return wheel_of(PACKAGE)


@pytest.fixture(scope="module")
def installed(wheel: Path, installed_alone: Callable[[Path], Path]) -> Path:
    return installed_alone(wheel)


@pytest.fixture
def tfbs_hub(registry: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command on a copy of the small trained registry, with or without a package on the path."""

    def call(*arguments: str, package: Path | None) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if key != "TFBS_HUB_PLUGINS"}
        path = [str(ROOT)] if package is None else [str(package), str(ROOT)]
        return subprocess.run(
            [sys.executable, "-m", "tfbs_hub.cli", "--registry", str(registry), *arguments],
            env={**kept, "PYTHONPATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return call


def test_the_wheel_holds_the_package_and_its_licence(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    code = {name for name in names if ".dist-info/" not in name}
    assert code == {f"tfbs_arch_danq/{name}" for name in ("__init__.py", "hooks.py", "network.py", "tfbs_hub.toml")}
    assert any(name.endswith("/LICENSE") for name in names)


def test_its_own_tests_pass_as_installed(installed, tmp_path):
    shutil.copytree(PACKAGE / "tests", tmp_path / "tests")
    shutil.copy(PACKAGE / "pyproject.toml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        env={**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_expert_is_trained_mixed_and_verified(tfbs_hub, installed, write_peaks, tmp_path):
    peaks = write_peaks(tmp_path / "GATA.fa", "AGATAAGG", 80)
    asked = ("add-expert", "GATA3", "--data", str(peaks), "--architecture", "danq", "--device", "cpu", "--json")
    added = tfbs_hub(*asked, package=installed)
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["added"]["architecture"] == "DanQ"

    gate = tfbs_hub("retrain-gate", "--device", "cpu", "--json", package=installed)
    assert gate.returncode == 0, gate.stderr
    assert json.loads(gate.stdout)["gate"]["experts"] == ["EBOX", "ETS", "GATA3"]

    verified = tfbs_hub("verify", package=installed)
    assert verified.returncode == 0, verified.stdout + verified.stderr

    without = tfbs_hub("predict", str(peaks), "--model", "GATA3", package=None)
    assert without.returncode == 3
    assert "tfbs_arch_danq.network:DanQ is not registered" in without.stderr
    assert "install the package that brings it" in without.stderr
    assert tfbs_hub("predict", str(peaks), "--model", "EBOX", package=None).returncode == 0
