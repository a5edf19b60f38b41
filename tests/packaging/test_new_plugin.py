"""Packages as `new-plugin` writes them: built, installed, tested by their own tests, and outlived by their experts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tfbs_hub import Hub
from tfbs_hub.scaffold import KINDS, write_plugin

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def projects(tmp_path_factory, trained):
    """One of each kind; the weights are those of the experts of the small trained registry, renamed."""
    folder = tmp_path_factory.mktemp("projects")
    made = [write_plugin(f"tfbs-my-{kind}", kind, folder) for kind in KINDS]
    shutil.copytree(trained.registry, folder / "registry")
    done = subprocess.run(
        [sys.executable, str(made[0] / "pack.py"), str(folder / "registry"), "EBOX", "ETS"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "EBOX: the sequences of its gate set go into the package" in done.stdout
    return made


@pytest.fixture(scope="module")
def site(projects, sources_installed):
    return sources_installed(*projects)


def test_their_own_tests_pass_out_of_the_box(projects, site):
    done = subprocess.run(
        [
            *[sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
            *["--import-mode=importlib", "--rootdir", str(projects[0].parent)],
            *(str(project / "tests") for project in projects),
        ],
        env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"},
        cwd=projects[0].parent,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_a_missing_expert_is_one_line_and_changes_nothing(projects, tmp_path):
    copy = tmp_path / "package"
    shutil.copytree(projects[0], copy)
    done = subprocess.run(
        [sys.executable, str(copy / "pack.py"), str(projects[0].parent / "registry"), "EBOXX"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: there is no expert 'EBOXX'"
    assert (copy / "src/tfbs_my_weights/experts/EBOX/weights.safetensors").is_file()


def test_a_packed_expert_outlives_its_package(projects, site, several, tmp_path, trained):
    gone = tmp_path / "site"
    shutil.copytree(site, gone)
    registry = tmp_path / "own"
    Hub.open(registry, create=True)
    few = trained.labelled["EBOX"]
    own = {"TFBS_HUB_REGISTRY": str(registry), "TFBS_HUB_PLUGINS": "tfbs-my-weights"}
    retrain, predict = "retrain-gate --device cpu --json", f"predict {few} --json"
    first = several(
        gone, "plugins check tfbs-my-weights", "enable EBOX", "enable ETS", retrain, predict, "verify", **own
    )
    assert [each.code for each in first] == [0] * 6, first
    for path in gone.glob("tfbs_my_weights*"):
        shutil.rmtree(path)
    second = several(gone, "experts --json", predict, "verify", retrain, "show EBOX --json", **own)
    assert [each.code for each in second] == [0] * 5, second
    assert all(each.warnings == [] for each in [*first, *second])
    assert [row["origin"] for row in second[0].json["experts"]] == ["registry", "registry"]
    assert second[1].json == first[4].json
    assert second[3].json["gate"] == first[3].json["gate"]
    assert several(gone, "plugins check tfbs-my-weights", **own)[0].code == 3
