from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def wheel_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Builds the wheel of a project's folder."""

    def build(project: Path) -> Path:
        folder = tmp_path_factory.mktemp("wheel")
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(project)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (built,) = folder.glob("*.whl")
        return built

    return build


@pytest.fixture(scope="session")
def installed_alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Installs a wheel into a folder that holds nothing else."""

    def install(wheel: Path) -> Path:
        target = tmp_path_factory.mktemp("installed")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        alone = ["--no-deps", "--no-index", "--target", str(target), str(wheel)]
        subprocess.run([*pip, *alone], check=True, timeout=120)
        return target

    return install


@pytest.fixture(scope="session")
def sources_installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Builds the wheels of projects and installs them into one folder that holds nothing else."""

    def install(*projects: Path) -> Path:
        target = tmp_path_factory.mktemp("installed")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        alone = ["--no-deps", "--no-index", "--no-build-isolation", "--target", str(target)]
        done = subprocess.run(
            [*pip, *alone, *map(str, projects)], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return target

    return install


# One process for several commands: each is run as the console script runs it, and PyTorch is imported once.
_SEVERAL = """
import contextlib, io, json, os, sys
from tfbs_hub.cli.app import run
ran = []
for words, variables in json.load(sys.stdin):
    sys.argv = ["tfbs-hub", *words]
    os.environ.update(variables)
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run()
        except SystemExit as leaving:
            code = leaving.code or 0
    for variable in variables:
        del os.environ[variable]
    ran.append([code, out.getvalue(), err.getvalue()])
json.dump(ran, sys.stdout)
"""


@pytest.fixture(scope="session")
def several(outcome: Callable[..., Any]) -> Callable[..., list[Any]]:
    """Run commands one after another in one process that has the packages of a folder installed.

    A command is a line, or a line and variables of its own.
    """

    def run(site: Path, *commands: str | tuple[str, dict[str, str]], **environment: str) -> list[Any]:
        kept = {key: value for key, value in os.environ.items() if key != "TFBS_HUB_PLUGINS"}
        asked = [(each, {}) if isinstance(each, str) else each for each in commands]
        words = [(line.split(), variables) for line, variables in asked]
        done = subprocess.run(
            [sys.executable, "-c", _SEVERAL],
            env={**kept, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}", **environment},
            input=json.dumps(words),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [outcome(*each) for each in json.loads(done.stdout)]

    return run
