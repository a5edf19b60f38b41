"""The same seed, data and environment give the same bytes: the whole way, also in processes that are really killed.

Single steps are held by tests/training (fits, searches and gates that go on after a break), tests/workflows
(evaluations) and tests/cli (the same command elsewhere); `tests/benchmarks/resume.py` kills many evaluations.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tfbs_hub import Hub

ROOT = Path(__file__).resolve().parents[1]
SEED = 11
SCRIPT = """
import sys
from pathlib import Path
from tfbs_hub import Hub

registry, peaks, *tests, seed = sys.argv[1:]
hub = Hub.open(registry, create=True)
if not hub.experts():
    hub.add_expert("EBOX", data=[peaks], architecture="deepbind", device="cpu", seed=int(seed))
hub.retrain_gate(device="cpu", seed=int(seed))
hub.evaluate(tests, bootstrap=2000, seed=int(seed), device="cpu", report=lambda event: print(event.message))
"""


def files(registry: Path) -> dict[str, bytes]:
    """Experts, gates and evaluations: weights, cards, gate sets and runs."""
    kinds = ("experts", "gates", "evaluations")
    paths = [path for kind in kinds for path in sorted((registry / kind).rglob("*")) if path.is_file()]
    return {str(path.relative_to(registry)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_peaks) -> list[Path]:
    """Peaks to train on, and two files to evaluate."""
    folder = tmp_path_factory.mktemp("data")
    peaks = write_peaks(folder / "peaks.fa", "CACGTGAC", 200)
    tests = [write_peaks(folder / f"{site}.fa", site, 40, seed=1, labelled=True) for site in ("CACGTGAC", "CCGGAAGT")]
    return [peaks, *tests]


@pytest.fixture(scope="module")
def expected(tmp_path_factory, data) -> dict[str, bytes]:
    """What this process makes, undisturbed."""
    folder = tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFBS_HUB_CACHE", str(folder / "cache"))
        patch.setenv("TFBS_HUB_PLUGINS", "")
        hub = Hub.open(folder / "registry", create=True)
        hub.add_expert("EBOX", data=[data[0]], architecture="deepbind", device="cpu", seed=SEED)
        hub.retrain_gate(device="cpu", seed=SEED)
        hub.evaluate(data[1:], bootstrap=2000, seed=SEED, device="cpu")
    return files(folder / "registry")


class Elsewhere:
    """The same in processes of their own, with a registry, a cache and a current folder of their own."""

    def __init__(self, folder: Path, data: list[Path]) -> None:
        self.registry = folder / "registry"
        self.cache = folder / "cache"
        self._folder = folder
        self._words = [str(self.registry), *map(str, data), str(SEED)]

    def start(self, hashes: int) -> subprocess.Popen:
        own = {"TFBS_HUB_CACHE": str(self.cache), "TFBS_HUB_PLUGINS": "", "PYTHONHASHSEED": str(hashes)}
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *self._words],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill(self, hashes: int, when: Callable[[], bool]) -> None:
        """Kill it as soon as it has kept something to go on from."""
        process = self.start(hashes)
        while not when() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        said = process.communicate(timeout=120)[0]
        assert process.returncode == -signal.SIGKILL, said

    def kept(self, pattern: str) -> Callable[[], bool]:
        """Whether the cache holds such a file."""
        return lambda: any(self.cache.rglob(pattern))


def test_the_same_bytes_though_training_and_evaluation_are_killed(tmp_path, data, expected):
    there = Elsewhere(tmp_path, data)
    there.kill(1, when=there.kept("*.checkpoint"))
    assert files(there.registry) == {}
    there.kill(2, when=there.kept("00000-*.h5"))
    assert files(there.registry).keys() == {name for name in expected if not name.startswith("evaluations")}
    process = there.start(3)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert "1 of 2 data sets were finished before" in said
    made = files(there.registry)
    assert [name for name in expected if made.get(name) != expected[name]] == []
    assert made.keys() == expected.keys()
    assert {name.partition("/")[0] for name in made} == {"experts", "gates", "evaluations"}


def test_another_seed_gives_other_bytes(tmp_path, data, expected):
    """The comparison above can tell."""
    hub = Hub.open(tmp_path / "registry", create=True)
    hub.add_expert("EBOX", data=[data[0]], architecture="deepbind", device="cpu", seed=SEED + 1)
    assert not files(tmp_path / "registry").keys() & expected.keys()
