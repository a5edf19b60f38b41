"""The wheel: built from this checkout, installed beside nothing else, used from another folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / "registry" / "registry.json").is_file(), reason="this checkout has no shipped registry"
)


@pytest.fixture(scope="module")
def wheel(wheel_of: Callable[[Path], Path]) -> Path:
    return wheel_of(ROOT)


@pytest.fixture(scope="module")
def installed(wheel: Path, installed_alone: Callable[[Path], Path]) -> Path:
    return installed_alone(wheel)


@pytest.fixture
def tfbs_hub(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command from a folder that knows nothing of this checkout."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tfbs_hub.cli", *arguments],
            env={**os.environ, "PYTHONPATH": str(installed), "HF_HUB_OFFLINE": "1"},
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


def test_the_wheel_holds_the_package_the_registry_and_the_licence(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"tfbs_hub/cli/app.py", "tfbs_hub/_registry/registry.json", "tfbs_hub/py.typed"} <= names
    templates = {"common/pyproject.toml", "common/.gitignore", "weights/pack.py", "source/tests/test_package.py"}
    assert {f"tfbs_hub/scaffold/templates/{name}.template" for name in templates} <= names
    assert any(name.endswith("/LICENSE") for name in names)
    shipped = {path.relative_to(ROOT / "registry").as_posix() for path in (ROOT / "registry").rglob("*.*")}
    held = {name.removeprefix("tfbs_hub/_registry/") for name in names if name.startswith("tfbs_hub/_registry/")}
    assert {name for name in shipped if not name.startswith("tmp/")} == held
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]


def test_the_shipped_registry_answers_without_network_or_checkout(tfbs_hub, installed):
    done = tfbs_hub("predict", str(ROOT / "examples" / "sequences.fa"))
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0][:3] == ["id", "logit", "probability"]
    assert rows[1][0] == "GATA3_site_at_30_and_65"
    verified = tfbs_hub("verify")
    assert verified.returncode == 0, verified.stderr
    assert str(installed) not in verified.stdout, "a user works on a copy of the shipped registry"


def test_the_console_script_is_there_and_imports_the_installed_package(installed, tfbs_hub):
    assert (installed / "bin" / "tfbs-hub").is_file()
    assert tfbs_hub("--version").stdout.startswith("tfbs-hub, version ")
