"""What the guides show is what happens: their blocks are run, page by page, from top to bottom.

`sh` and `console` blocks (of the latter the lines behind `$ `) and `python` blocks run in one temporary folder a page,
with copies of registry/, examples/ and tests/data/, without a network. Python blocks that follow one another share
their variables. Every other block says what it is (`text`, `toml`, `json`), and toml and json must parse.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELL, PYTHON, SHOWN = {"sh", "console"}, {"python"}, {"text", "toml", "json"}
COPIED = ["registry", "examples", "tests/data"]

# What a reader has installed, for a reader whose environment must stay as it is: pip installs into a folder beside
# the page's, builds with what is there, and fetches nothing.
COMMANDS = {
    "python": 'exec {python} "$@"',
    "tfbs-hub": 'exec {python} -m tfbs_hub.cli "$@"',
    "pip": "shift; exec {python} -m pip --disable-pip-version-check install --quiet --no-deps --no-index"
    ' --no-build-isolation --target {site} "$@"',
}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and its first line in the page."""

    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    opened, lines = None, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif opened is None:
            opened, lines = Block((line[3:].split() or [""])[0], "", number + 1), []
        else:
            yield Block(opened.language, "\n".join(lines) + "\n", opened.line)
            opened = None
    assert opened is None, f"the block of line {opened.line} has no end"


def script(block: Block) -> str:
    if block.language != "console":
        return block.text
    return "".join(f"{line[2:]}\n" for line in block.text.splitlines() if line.startswith("$ "))


def program(page: Path, folder: Path) -> str:
    """One shell script for a page; consecutive Python blocks become one Python file."""
    steps = []
    run = [block for block in blocks(page.read_text()) if block.language in SHELL | PYTHON]
    for language, group in groupby(run, lambda block: "python" if block.language in PYTHON else "sh"):
        together = list(group)
        if language == "python":
            file = folder / f".lines-{together[0].line}.py"
            file.write_text("".join("\n" * 2 + block.text for block in together))
            steps.append(f"echo 'line {together[0].line}' >&2\npython {shlex.quote(str(file))}\n")
        else:
            steps += [f"echo 'line {block.line}' >&2\n{script(block)}" for block in together]
    return "set -euo pipefail\n" + "".join(steps)


@pytest.fixture
def page_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    tools, site = tmp_path / "bin", tmp_path / "site"
    for each in (tools, site):
        each.mkdir()
    for name, line in COMMANDS.items():
        command = tools / name
        command.write_text("#!/bin/sh\n" + line.format(python=shlex.quote(sys.executable), site=site) + "\n")
        command.chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if key != "TFBS_HUB_PLUGINS"}
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    return {**kept, "PATH": path, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "PYTHONWARNINGS": "error"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page):
    for block in blocks(page.read_text()):
        assert block.language in SHELL | PYTHON | SHOWN, f"{name_of(page)}:{block.line}: {block.language!r}"
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "json":
            json.loads(block.text)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.language in SHELL | PYTHON for block in blocks(page.read_text()))],
    ids=name_of,
)
def test_the_page_runs_from_top_to_bottom(page, page_folder, environment):
    done = subprocess.run(
        ["bash", "-c", program(page, page_folder)],
        env=environment,
        cwd=page_folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{name_of(page)}: the last line begun is the last told here:\n{done.stderr}"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_that_are_there(page):
    text = "\n".join(line for line in page.read_text().splitlines() if not line.startswith("    "))
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), f"{name_of(page)}: {target}"


def test_a_block_that_fails_is_a_failure(tmp_path, page_folder, environment):
    page = tmp_path / "bad.md"
    fenced = [("console", "$ true\nnot run"), ("python", "x = 1"), ("python", "print(x)"), ("sh", "false")]
    page.write_text("".join(f"```{kind}\n{text}\n```\n" for kind, text in fenced))
    done = subprocess.run(
        ["bash", "-c", program(page, page_folder)],
        env=environment,
        cwd=page_folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "1\n")
    assert done.stderr.split() == ["line", "2", "line", "6", "line", "12"]


def test_from_nothing_to_an_expert_of_ones_own_in_the_gate_takes_less_than_ten_commands():
    section = (ROOT / "docs" / "plugins.md").read_text().split("## From an expert to a package")[1].split("\n## ")[0]
    typed = [line for block in blocks(section) if block.language in SHELL for line in script(block).splitlines()]
    commands = [line for line in typed if line and not line.startswith(("#", "export "))]
    begun = next(place for place, line in enumerate(commands) if line.startswith("tfbs-hub new-plugin"))
    gated = next(place for place, line in enumerate(commands) if line.startswith("tfbs-hub retrain-gate"))
    assert gated - begun + 1 < 10
    assert any(line.startswith("tfbs-hub plugins check") for line in commands[begun:gated])
