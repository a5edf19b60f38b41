"""Runs mutations in worker processes under watch: a crash, a hang or foreign code is seen, counted, and survived."""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from targets import Target

from tfbs_hub.errors import TfbsHubError

__all__ = ["Outcome", "fuzz", "generator"]

SPARE_BYTES = 2 << 30
"""Memory that a worker may take beyond what it begins with."""

_STATE = struct.Struct("<qddqqq")
"""What a worker tells: number of the mutation, when it began, the slowest so far (s), how many were refused, taken,
and would have crashed or stopped a reader that has no process of its own."""

# What no parser of data has to do. Names as Python's audit hooks know them.
_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename", "os.mkdir", "os.link")
_FORBIDDEN += ("subprocess.Popen", "pickle.find_class", "ctypes.dlopen", "socket.connect", "shutil.rmtree")


@dataclass
class Outcome:
    """What came of the mutations of one kind of file.

    Attributes:
        refused: ended in an error that a user may meet.
        taken: read, and found to mean what it must.
        problems: crashes, hangs, foreign code, wrong results: each with its number, by which it can be repeated.
        contained: of the refused, those that crashed or hung the process that reads HDF5.
        slowest: seconds of the longest one.
        seconds: of all of them.
    """

    refused: int = 0
    taken: int = 0
    contained: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """How many problems of one kind there were."""
        return Counter(problem["kind"] for problem in self.problems)[kind]


def generator(seed: int, target: str, number: int) -> Random:
    """The random numbers of one mutation."""
    return Random(f"{seed}:{target}:{number}")


def fuzz(name: str, target: Target, count: int, seed: int) -> Outcome:
    """Read `count` damaged files."""
    outcome = Outcome()
    began = time.monotonic()
    shared = mmap.mmap(-1, _STATE.size)
    log = target.corpus.folder / "problems"
    number = 0
    while number < count:
        log.write_text("")
        shared[:] = _STATE.pack(number, time.monotonic(), 0.0, 0, 0, 0)
        pid = os.fork()
        if pid == 0:
            _work(name, target, range(number, count), seed, shared, log)
        end = _watched(pid, shared, target.patience)
        at, _, slowest, refused, taken, contained = _STATE.unpack(shared[:])
        outcome.refused += refused
        outcome.taken += taken
        outcome.contained += contained
        outcome.slowest = max(outcome.slowest, slowest)
        outcome.problems += [json.loads(line) for line in log.read_text().splitlines()]
        number = count if end is None else at + 1
        if end is not None:
            outcome.problems.append({"kind": end, "target": name, "number": at, "what": end})
    outcome.seconds = time.monotonic() - began
    return outcome


def _watched(pid: int, shared: mmap.mmap, patience: float) -> str | None:
    """How a worker ended: None if it did all its work, else "crash" or "hang"."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return None if code == 0 else f"crash ({signal.Signals(-code).name if code < 0 else code})"
        _, began, *_ = _STATE.unpack(shared[:])
        if time.monotonic() - began > patience:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "hang"
        time.sleep(0.02)


def _work(name: str, target: Target, numbers: range, seed: int, shared: mmap.mmap, log: Path) -> NoReturn:
    """The worker: it never returns."""
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    canary = target.corpus.folder / "canary"
    watch = _Watch(target)
    sys.addaudithook(watch.heard)
    refused, taken, contained, slowest = 0, 0, 0, 0.0
    for number in numbers:
        began = time.monotonic()
        shared[:] = _STATE.pack(number, began, slowest, refused, taken, contained)
        problem = None
        try:
            data, more = target.damaged(generator(seed, name, number))
            watch.on = True
            target.read(data, more)
            taken += 1
        except TfbsHubError as error:
            refused += 1
            contained += "the HDF5 reader" in error.what
            if not error.what or "Traceback" in str(error):
                problem = ("no message", repr(error))
        except AssertionError:
            problem = ("wrong result", traceback.format_exc())
        except BaseException:  # noqa: BLE001 - that is what is looked for
            problem = ("not an error of ours", traceback.format_exc())
        finally:
            watch.on = False
        if canary.exists():
            canary.unlink()
            watch.seen.append("it wrote a file")
        if watch.seen:
            problem = ("code ran", "; ".join(watch.seen))
            watch.seen.clear()
        if problem is not None:
            with log.open("a") as file:
                told = {"kind": problem[0], "target": name, "number": number, "what": problem[1]}
                file.write(json.dumps(told) + "\n")
        slowest = max(slowest, time.monotonic() - began)
    shared[:] = _STATE.pack(numbers.stop - 1, time.monotonic(), slowest, refused, taken, contained)
    os._exit(0)


class _Watch:
    """Listens to what Python does while a damaged file is read."""

    def __init__(self, target: Target) -> None:
        self.on = False
        self.seen: list[str] = []
        self._own = str(target.scratch)
        self._known = {name.partition(".")[0] for name in sys.modules} | {"encodings"}
        self._forbidden = tuple(name for name in _FORBIDDEN if not (target.spawns and name in _SPAWNING))

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python's audit hook."""
        if not self.on:
            return
        strange = event in self._forbidden
        strange = strange or (event == "import" and arguments[0].partition(".")[0] not in self._known)
        strange = strange or (event == "open" and self._writes(arguments))
        if strange:
            self.seen.append(f"{event} {arguments!r:.200}")

    def _writes(self, arguments: tuple[Any, ...]) -> bool:
        path, mode, flags = arguments
        writing = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if flags else bool(set(mode or "") & set("wax+"))
        return writing and not isinstance(path, int) and not str(path).startswith((self._own, os.devnull))


_SPAWNING = ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec")
