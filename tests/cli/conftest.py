"""The real command line, in this process: arguments in; exit code, stdout and stderr out."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tfbs_hub.cli.app import run

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as one JSON document of schema version 1."""
        value = json.loads(self.out)
        assert value["schema_version"] == 1
        return value

    @property
    def table(self) -> list[dict[str, str]]:
        """Stdout as tab-separated rows under a header."""
        head, *rows = (line.split("\t") for line in self.out.splitlines())
        return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command as the console script does, with `stdin` as its input."""

    def call(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tfbs-hub", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            run()
        printed = capsys.readouterr()
        return Outcome(int(leaving.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture
def command() -> Callable[..., list[str]]:
    """The argument list of a command in a process of its own."""
    return lambda *arguments: [sys.executable, "-m", "tfbs_hub.cli", *map(str, arguments)]


@pytest.fixture
def process(command: Callable[..., list[str]], environment: dict[str, str]) -> Callable[..., Outcome]:
    """Run a command in a process of its own."""

    def call(*arguments: object, **variables: str) -> Outcome:
        done = subprocess.run(
            command(*arguments), env=environment | variables, capture_output=True, text=True, timeout=120, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def environment(registry: Path) -> dict[str, str]:
    """The environment of such a process: this one's folders, and this checkout on its path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "TFBS_HUB_REGISTRY": str(registry)}
