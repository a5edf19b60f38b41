"""What the tests of faults stand on: the harness on the path, disks that are spared, and the bench of real commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parent))

if TYPE_CHECKING:
    from harness.commands import Bench
    from harness.studio import Studio, Trace


@pytest.fixture(autouse=True)
def spared_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut here, and thousands of syncs would take minutes on a busy disk: check the handle only."""
    monkeypatch.setattr(os, "fsync", lambda handle: os.fstat(handle) and None)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Real commands on a small registry."""
    from harness.commands import Bench

    with Bench(tmp_path_factory.mktemp("bench") / "bench") as made:
        yield made


@pytest.fixture
def tracing() -> None:
    """For a test that looks at system calls."""
    from harness.systemcalls import reason_to_skip

    if reason := reason_to_skip():
        pytest.skip(reason)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Makes recordings."""
    from harness.studio import Studio

    folder = tmp_path / "studio"
    folder.mkdir()
    return Studio(folder)


@pytest.fixture(scope="session")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Trace]:
    """Recordings of changes, every seventh of those with a kill."""
    from harness.scenes import all_traces

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: os.fstat(handle) and None)
        return list(all_traces(tmp_path_factory.mktemp("traces"), every=7))
