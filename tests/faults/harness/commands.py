"""The real commands, each in a process of its own, on a small registry that is made anew for each."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from harness.health import complaints, files

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.registry import Registry

__all__ = ["Bench", "Command", "Ended"]

ROOT = Path(__file__).resolve().parents[3]
SITES = {"EBOX": "CACGTGAC", "ETS": "CCGGAAGT", "OFF": "TTCCAGGAA", "AP1": "TGACTCAT"}
LENGTH = 61


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (below zero: the signal), and its stderr."""

    code: int
    said: str


@dataclass(frozen=True)
class Command:
    """A command that changes the registry.

    Attributes:
        name: of the command.
        words: what is typed.
        done: whether a registry has what it does.
        job: for a command that lets a worker do the work: the worker's job.
    """

    name: str
    words: Sequence[str]
    done: Callable[[Registry], bool]
    job: Mapping[str, Any] | None = None


class Bench:
    """A folder with a registry, and a server that runs commands on it; a context manager.

    Args:
        folder: new and empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.registry = self.folder / "now" / "registry"
        self.environment = {
            "HOME": str(self.folder / "home"),
            "HF_HUB_OFFLINE": "1",
            "TFBS_HUB_CACHE": str(self.folder / "now" / "cache"),
            "TFBS_HUB_PLUGINS": "",
            "TFBS_HUB_REGISTRY": str(self.registry),
        }

    def __enter__(self) -> Self:
        (self.folder / "home").mkdir(parents=True)
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "faults"), *sys.path])
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))],
            env={**os.environ, **self.environment, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._make_base()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.communicate()

    # -- running ------------------------------------------------------------------------------------------

    def anew(self) -> None:
        """Registry and cache are as they were at first."""
        shutil.rmtree(self.folder / "now", ignore_errors=True)
        shutil.copytree(self.folder / "base", self.folder / "now")

    def start(self, *words: object, **options: Any) -> int:
        """Start a command (options: see `server`) and return its process."""
        order = {"words": [*map(str, words)], "environment": self.environment, **options}
        pid: int = self._ask({"start": order})["pid"]
        return pid

    def wait(self, pid: int) -> Ended:
        """Wait for the end of a process."""
        return Ended(**self._ask({"wait": pid}))

    def run(self, *words: object, **options: Any) -> Ended:
        """Start a command and wait for its end."""
        return self.wait(self.start(*words, **options))

    def typed(self, command: Command) -> Sequence[str]:
        """The words that make the process which writes: the command itself, or its worker."""
        return command.words if command.job is None else ("worker", str(self._job(command)))

    def _job(self, command: Command) -> Path:
        path = self.folder / f"{command.name}.json"
        job = {"format": "tfbs-hub-job", "format_version": 1, "command": command.name, "options": command.job}
        path.write_text(json.dumps({**job, "registry": str(self.registry)}))
        return path

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        self._server.stdin.write(f"{json.dumps(order)}\n")
        self._server.stdin.flush()
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer

    # -- judging ------------------------------------------------------------------------------------------

    def wrong(self, command: Command, ended: Ended | None) -> list[str]:
        """What is wrong after a command that met a fault; None if nobody knows how it ended."""
        # A worker that may not write the registry, or cannot tell, says that its run is not kept.
        said = ended is not None and ended.code == 0 and '"kept": false' not in ended.said
        found = complaints(self.registry, self.before)
        if found:
            return found
        if ended is not None and "Traceback" in ended.said:
            found.append(f"it ended with a traceback: {ended.said[-400:]}")
        try:
            registry = Registry.open(self.registry)
            done = command.done(registry)
        except TfbsHubError as error:
            return [*found, f"it cannot be read: {error}"]
        if said and not done:
            found.append("what was said to be done is not there")
        if not done and registry.head() != self._head:
            found.append("the registry is neither as it was nor as it shall be")
        found += self._deep() + self._other_runs()
        return found or self._again(command, done)

    def _again(self, command: Command, done: bool) -> list[str]:
        """What goes wrong when the command is given again, without a fault."""
        if done:
            return []
        ended = self.run(*self.typed(command))
        if ended.code or not command.done(Registry.open(self.registry)):
            return [f"it cannot be done again: {ended.code} {ended.said[-400:]}"]
        return complaints(self.registry, self.before) + self._deep() + self._other_runs()

    def _deep(self) -> list[str]:
        """What `tfbs-hub verify` says, golden predictions and all."""
        ended = self.run("verify")
        return [f"verify ends with {ended.code}: {ended.said[-400:]}"] if ended.code else []

    def _other_runs(self) -> list[str]:
        """Runs that are not what an undisturbed evaluation leaves, byte for byte: cut short, or resumed wrongly."""
        now = files(self.registry)
        runs = {path: data for path, data in now.items() if path.startswith("evaluations/")}
        return [f"{path} is not as it shall be" for path, data in runs.items() if self._runs.get(path) != data]

    # -- the base -----------------------------------------------------------------------------------------

    @cached_property
    def before(self) -> dict[str, bytes]:
        """The registry's files at first."""
        return files(self.folder / "base" / "registry")

    @cached_property
    def _head(self) -> object:
        return Registry.open(self.folder / "base" / "registry").head()

    def _make_base(self) -> None:
        """Two experts with their gate, a disabled one, and the bundle of a fourth; the embeddings are in the cache."""
        quick = ("--architecture", "deepbind", "--device", "cpu")
        for name, site in SITES.items():
            _write_peaks(self.folder / f"{name}.fa", site)
        _write_peaks(self.folder / "test.fa", SITES["EBOX"], labelled=True)
        self._do("add-expert", "AP1", "--data", self.folder / "AP1.fa", *quick)
        self._do("export", "AP1", self.folder / "AP1.tfbs")
        shutil.rmtree(self.folder / "now")
        for name in ("EBOX", "ETS", "OFF"):
            self._do("add-expert", name, "--data", self.folder / f"{name}.fa", *quick)
        self._do("disable", "OFF")
        self._do("retrain-gate", "--device", "cpu")
        self._do("enable", "OFF")
        self._do("disable", "OFF")
        shutil.copytree(self.folder / "now", self.folder / "base")
        self._do(*self.typed(self.commands[-1]))
        self._runs = {path: data for path, data in files(self.registry).items() if path.startswith("evaluations/")}

    def _do(self, *words: object) -> None:
        ended = self.run(*words)
        if ended.code:
            raise RuntimeError(f"{words}: {ended}")

    @cached_property
    def commands(self) -> Sequence[Command]:
        """The commands that change the registry."""
        peaks, bundle, test = (str(self.folder / name) for name in ("AP1.fa", "AP1.tfbs", "test.fa"))
        head = Registry.open(self.folder / "base" / "registry").head()
        quick = ("--architecture", "deepbind", "--device", "cpu")
        asked = {"files": [test], "models": ["EBOX", "ETS"], "bootstrap": 10, "device": "cpu"}
        options = ("--models", "EBOX,ETS", "--bootstrap", "10", "--device", "cpu")
        return (
            Command("enable", ("enable", "OFF"), lambda registry: registry.expert("OFF").enabled),
            Command("disable", ("disable", "EBOX"), lambda registry: not registry.expert("EBOX").enabled),
            Command("rollback", ("rollback",), lambda registry: registry.head().action.startswith("rollback")),
            Command("import", ("import", bundle), lambda registry: "AP1" in registry.head().experts),
            Command(
                "add-expert",
                ("add-expert", "AP1", "--data", peaks, *quick),
                lambda registry: "AP1" in registry.head().experts,
            ),
            Command(
                "retrain-gate",
                ("retrain-gate", "--device", "cpu", "--seed", "1"),
                lambda registry: registry.head().gate != head.gate,
            ),
            Command("evaluate", ("evaluate", test, *options), _evaluated, asked),
        )


def _evaluated(registry: Registry) -> bool:
    from tfbs_hub.evaluation.store import read_run

    return [read_run(path).run for path in registry.evaluations()] != []


def _write_peaks(path: Path, site: str, *, labelled: bool = False) -> None:
    draw = random.Random(site)
    lines = []
    for place in range(40):
        row = "".join(draw.choices("ACGT", k=LENGTH))
        lines.append(f">{place}\n{row[:26]}{site}{row[26 + len(site) :]}\n")
        if labelled:
            lines.append(f">{place}_shuf\n{''.join(draw.sample(row, LENGTH))}\n")
    path.write_text("".join(lines))
