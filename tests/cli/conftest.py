"""The real command line in a process of its own: arguments in; exit code, stdout and stderr out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command() -> Callable[..., list[str]]:
    """The argument list of a command in a process of its own."""
    return lambda *arguments: [sys.executable, "-m", "tfbs_hub.cli", *map(str, arguments)]


@pytest.fixture
def process(
    command: Callable[..., list[str]], environment: dict[str, str], outcome: Callable[..., Any]
) -> Callable[..., Any]:
    """Run a command in a process of its own."""

    def call(*arguments: object, **variables: str) -> Any:
        done = subprocess.run(
            command(*arguments), env=environment | variables, capture_output=True, text=True, timeout=120, check=False
        )
        return outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def environment(registry: Path) -> dict[str, str]:
    """The environment of such a process: this one's folders, and this checkout on its path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "TFBS_HUB_REGISTRY": str(registry)}
