"""Examples run, and what the README and the demo tell a reader to type can be typed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from tfbs_hub import settings
from tfbs_hub.cli.app import COMMANDS, app

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text()
needs_registry = pytest.mark.skipif(
    not (ROOT / "registry" / "registry.json").is_file(), reason="this checkout has no shipped registry"
)


def run(script: Path, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def commands(text: str, prefix: str) -> list[str]:
    lines = (line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix + "tfbs-hub "))
    return list(dict.fromkeys(lines))


def test_every_example_is_tried_here():
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".sh"}}
    assert names == {"demo.sh", "explain_figures.py", "make_sequences.py", "predict_in_python.py", "train_your_own.py"}


def test_train_your_own(tmp_path):
    out = run(EXAMPLES / "train_your_own.py", tmp_path)
    values = [float(value) for value in re.findall(r"AUROC ([0-9.]+)", out)]
    assert len(values) == 4 and min(values) > 0.85
    assert "4 embeddings computed; once more: 0" in out
    assert list(tmp_path.iterdir()) == []


@needs_registry
def test_predict_in_python(tmp_path):
    out = run(EXAMPLES / "predict_in_python.py", tmp_path).splitlines()
    headers = [line[1:] for line in (EXAMPLES / "sequences.fa").read_text().splitlines() if line.startswith(">")]
    assert [line.split()[0] for line in out] == [*headers, "GATA3"]
    assert all("P(bound)" in line for line in out[:-1])


@needs_registry
def test_explain_figures(tmp_path):
    out = run(EXAMPLES / "explain_figures.py", tmp_path).splitlines()
    assert {path.name for path in tmp_path.iterdir()} == {"methods.png", "methods.svg", "models.png", "models.svg"}
    assert (tmp_path / "models.png").read_bytes().startswith(b"\x89PNG")
    # Both planted sites, on both strands, for every model and method; nothing in the sequence without one.
    assert not [line for line in out if "no_site" in line]
    for label in ("methods: GATA3 · gradient", "methods: GATA3 · shiftsmooth", "models: moe · shiftsmooth"):
        found = [line for line in out if line.startswith(label) and "C4-GATA-related" in line]
        assert any("GATA" in line.split()[-3] for line in found) and any("TATC" in line.split()[-3] for line in found)


def test_the_example_sequences_are_what_their_script_makes(tmp_path):
    shutil.copy(EXAMPLES / "make_sequences.py", tmp_path)
    run(tmp_path / "make_sequences.py", tmp_path)
    for name in ("sequences.fa", "planted.fa"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


@pytest.fixture
def typed(monkeypatch):
    """Type a command line; it is parsed, and nothing is done."""
    for name in COMMANDS:
        command = app.get_command(click.Context(app), name)
        monkeypatch.setattr(command, "callback", lambda **options: None)
    return lambda line: app(shlex.split(line, comments=True)[1:], prog_name="tfbs-hub", standalone_mode=False)


@pytest.mark.parametrize("line", commands(README, "    "))
def test_readme_commands_can_be_typed(typed, line):
    typed(line)


@pytest.mark.parametrize("line", commands((EXAMPLES / "demo.sh").read_text(), "run "))
def test_demo_commands_can_be_typed(typed, line):
    typed(line)


@needs_registry
def test_the_demo_runs_from_start_to_end(tmp_path):
    # The command that belongs to this interpreter, whatever else is on the path.
    command = tmp_path / "tfbs-hub"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tfbs_hub.cli "$@"\n')
    command.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", str(EXAMPLES / "demo.sh")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    assert "simulated gate sets were used; this gate's card says so" in done.stderr
    assert re.search(r"16 computed, 0 reused", done.stdout)
    assert "all is well (4 experts" in done.stdout
    for line in commands((EXAMPLES / "demo.sh").read_text(), "run "):
        assert f"$ {line}" in done.stdout


def test_demo_is_valid_shell_and_uses_files_that_are_there():
    subprocess.run(["bash", "-n", str(EXAMPLES / "demo.sh")], check=True)
    for name in re.findall(r"examples/\S+", "\n".join(commands((EXAMPLES / "demo.sh").read_text(), "run "))):
        assert (ROOT / name).is_file()


def test_readme_names_every_command_and_no_other_variable():
    for name in COMMANDS:
        assert re.search(rf"tfbs-hub {name}\b", README) or name in {"gc", "enable", "disable", "remove"}
    named = set(re.findall(r"TFBS_HUB_[A-Z_]+", README))
    known = set(re.findall(r"TFBS_HUB_[A-Z_]+", settings.__doc__ or "")) | {"TFBS_HUB_COMPLETE"}
    assert named <= known


def test_readme_names_make_targets_that_are_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)\b", README)) & {"demo", "test", "setup", "check", "bench"} <= targets


@needs_registry
def test_readme_python_runs(monkeypatch, capsys):
    block = README.split("In Python:\n\n")[1].split("\n\n## ")[0]
    monkeypatch.chdir(ROOT)
    exec(compile("\n".join(line[4:] for line in block.splitlines()), "README.md", "exec"), {})
    assert "GATA3" in capsys.readouterr().out


def test_the_tested_python_versions_are_the_promised_ones():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11" and "Python 3.11 or newer" in README
