"""SIGKILL at random moments."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from harness import steps
from harness.commands import ROOT, Bench, Command, Ended
from harness.figures import Figures
from harness.health import complaints, files

from tfbs_hub.errors import TfbsHubError

__all__ = ["kill_commands", "kill_writers"]

LIFE = 25
"""So many writers in turn are killed in one registry before the next one is made."""
LONGEST = 0.06
"""Seconds until a writer is killed, at most."""


def kill_writers(kills: int, folder: Path, seed: int = 0) -> Figures:
    """Kill writers that change a registry without a pause and say each time what is done."""
    found = Figures("SIGKILL of a writer at a random moment (storage layer)")
    draw = random.Random(seed)
    promised = 0
    for place in range(kills):
        registry = folder / f"registry-{place // LIFE}"
        if place % LIFE == 0:
            shutil.rmtree(folder / f"registry-{place // LIFE - 1}", ignore_errors=True)
            steps.make_base(registry)
            seen = files(registry)
        said = _killed(registry, place, draw.uniform(0, LONGEST))
        promised += len(said)
        found.count(f"kill {place}", complaints(registry, seen) or _lost(registry, said))
        seen = files(registry)
    found.note = f"{promised} changes were acknowledged before"
    return found


def _killed(registry: Path, place: int, seconds: float) -> list[list[str]]:
    """Kill a writer after some seconds; returns what it said: files and their digests."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            _write_on(registry, place, writing)
        finally:
            os._exit(1)  # a writer that ends by itself has failed
    os.close(writing)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    with os.fdopen(reading) as stream:
        said = [json.loads(line) for line in stream]
    if not os.WIFSIGNALED(status):
        raise RuntimeError("a writer ended by itself")
    return said


def _write_on(registry: Path, place: int, said: int) -> None:
    for turn in count():
        name = f"E{place}_{turn}"
        steps.add(registry, name)
        _say(registry, said)
        steps.promote(registry, name.encode() * 30)
        _say(registry, said)
        steps.open_folder(registry).set_enabled(name, False)
        _say(registry, said)
        run = steps.open_folder(registry).place_evaluation(name, name.encode() * 50)
        _say(registry, said, run)
        steps.open_folder(registry).rollback()
        _say(registry, said)


def _say(registry: Path, said: int, path: Path | None = None) -> None:
    path = path or max((registry / "generations").iterdir())
    os.write(said, json.dumps([str(path), hashlib.sha256(path.read_bytes()).hexdigest()]).encode() + b"\n")


def _lost(registry: Path, said: list[list[str]]) -> list[str]:
    """What was acknowledged and is not there. Each generation names all that was there before it."""
    try:
        head = steps.open_folder(registry).head().number
    except TfbsHubError as error:
        return [f"it does not open: {error}"]
    lost = []
    for name, digest in said:
        path = Path(name)
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            lost.append(f"{path.name} was acknowledged and is lost")
        elif path.parent.name == "generations" and int(path.stem) > head:
            lost.append(f"generation {path.stem} was acknowledged and is not the present state")
    return lost


def kill_commands(bench: Bench, command: Command, kills: int, draw: random.Random) -> Figures:
    """Kill a command as the shell starts it: every other time anywhere, else once it has begun to change something."""
    found = Figures(f"SIGKILL at a random moment: {command.name}")
    bench.anew()
    started = time.perf_counter()
    code = _start(bench, command).wait()
    seconds = time.perf_counter() - started
    if code:
        raise RuntimeError(f"{command.name} fails without a kill: {code}")
    early = 0
    while found.cases < kills:
        bench.anew()
        process = _start(bench, command)
        if (found.cases + early) % 2:
            _await_change(bench, process)
            time.sleep(draw.uniform(0, 0.02))
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(draw.uniform(0, seconds))
        if _kill(process):
            found.count(f"kill {found.cases}", bench.wrong(command, None))
        else:
            early += 1
            found.bad += bench.wrong(command, Ended(0, ""))
    found.note = f"{early} more had finished before" if early else ""
    return found


def _kill(process: subprocess.Popen[bytes]) -> bool:
    """Kill a process and those that it has started; False if it had ended well before."""
    children = _children(process.pid)
    process.kill()
    code = process.wait()
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    _await_end(children)
    if code > 0:
        raise RuntimeError(f"a command ended with {code} before it was killed")
    return code < 0


def _start(bench: Bench, command: Command) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **bench.environment, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "tfbs_hub.cli", *command.words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    return subprocess.Popen(words, env=environment, cwd=bench.folder, **quiet)


def _await_change(bench: Bench, process: subprocess.Popen[bytes]) -> None:
    """Wait until something new is in the registry's `tmp/`, where every change begins."""
    while process.poll() is None and not list((bench.registry / "tmp").glob("*")):
        time.sleep(0.0005)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _await_end(pids: list[int]) -> None:
    """A worker that was killed may still be in a call; its parent is gone, so it cannot be waited for."""
    while any(Path(f"/proc/{pid}").exists() and " Z " not in _status(pid) for pid in pids):
        time.sleep(0.001)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return " Z "
