"""The whole campaign against the registry: `python tests/faults [PART…]`, or `make faults`.

Prints a row for everything that was tried: how often, and how often something was wrong afterwards. The parts, in
this order, are PARTS below; naming some runs these alone. Writes build/faults.json, where the rows of parts that were
not run stay as they were. Ends with code 1 if anything was wrong.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
# One thread: commands are forked from a process that has begun none. The user's own places and plug-ins play no part.
os.environ["OMP_NUM_THREADS"] = "1"
for _variable in [name for name in os.environ if name.startswith("TFBS_HUB_")]:
    del os.environ[_variable]
sys.path[:0] = [str(ROOT), str(FOLDER)]

from harness.calls import FAULTS, fault_at_calls, met_by, touching  # noqa: E402
from harness.commands import Bench  # noqa: E402
from harness.crowd import crowd_of_commands, crowd_of_writers  # noqa: E402
from harness.figures import Figures  # noqa: E402
from harness.kills import kill_commands, kill_writers  # noqa: E402
from harness.limits import limit_command, limit_steps  # noqa: E402
from harness.power import survey, without_each_sync  # noqa: E402
from harness.scenes import all_traces  # noqa: E402
from harness.systemcalls import reason_to_skip  # noqa: E402

WRITER_KILLS = 2000
COMMAND_KILLS = 203
WRITERS, CHANGES = 8, 50
POWER_STATES = 10_000


def power(folder: Path) -> Iterator[Figures]:
    """Power cuts, and what they do to a product that lacks one of its syncs."""
    fsync = os.fsync
    os.fsync = lambda handle: os.fstat(handle) and None  # no real power is cut
    try:
        traces = list(all_traces(folder))
        found = survey(traces, POWER_STATES, folder)
        note = f"{found.distinct} differ in what is visible; from {len(traces)} recordings"
        yield Figures("simulated power loss", found.states, found.bad, note)
        syncs = without_each_sync(traces, folder)
        bad = [site for site, first_bad in syncs.items() if not first_bad]
        yield Figures("one sync left out of the product", len(syncs), bad, "bad: nothing noticed that it was missing")
    finally:
        os.fsync = fsync


def writers(folder: Path) -> Iterator[Figures]:
    """Kills at the storage layer."""
    yield kill_writers(WRITER_KILLS, folder)


def kills(folder: Path) -> Iterator[Figures]:
    """Kills of the real commands at random moments."""
    with Bench(folder / "bench") as bench:
        for number, command in enumerate(bench.commands):
            yield kill_commands(bench, command, COMMAND_KILLS // len(bench.commands), random.Random(number))


def calls(folder: Path) -> Iterator[Figures]:
    """A fault at every system call of the real commands that touches the registry."""
    if reason := reason_to_skip():
        yield Figures("a fault at every system call", note=f"skipped: {reason}")
        return
    with Bench(folder / "bench") as bench:
        for command in bench.commands:
            touched = touching(bench, command)
            for fault in FAULTS:
                yield fault_at_calls(bench, command, fault, met_by(fault, touched))


def limits(folder: Path) -> Iterator[Figures]:
    """Limits on the size of files."""
    yield limit_steps(folder / "steps", lambda largest: range(0, largest, 20))
    with Bench(folder / "bench") as bench:
        for command in bench.commands:
            yield limit_command(bench, command, lambda largest: range(0, largest, 1 + largest // 20))


def crowd(folder: Path) -> Iterator[Figures]:
    """Many at once."""
    for locks in (True, False):
        yield crowd_of_writers(folder / f"locks-{locks}", WRITERS, CHANGES, locks=locks)
    with Bench(folder / "bench") as bench:
        yield crowd_of_commands(bench, WRITERS, CHANGES)


PARTS: dict[str, Callable[[Path], Iterator[Figures]]] = {
    "power": power,
    "writers": writers,
    "crowd": crowd,
    "limits": limits,
    "kills": kills,
    "calls": calls,
}


def main(names: list[str]) -> int:
    target = ROOT / "build" / "faults.json"
    target.parent.mkdir(exist_ok=True)
    rows = json.loads(target.read_text()) if target.exists() else {}
    print(f"{'what':<66} {'cases':>6} {'bad':>4} {'minutes':>8}  note")
    failed = False
    for name in names or list(PARTS):
        rows[name] = []
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            for found in PARTS[name](Path(folder)):
                minutes = (time.perf_counter() - started) / 60
                print(
                    f"{found.name:<66} {found.cases:>6} {len(found.bad):>4} {minutes:>8.1f}  {found.note}", flush=True
                )
                for line in found.bad[:10]:
                    print(f"    {line}", flush=True)
                failed = failed or bool(found.bad)
                rows[name].append(found.as_dict())
                target.write_text(json.dumps(rows, indent=2) + "\n")
                started = time.perf_counter()
    print(f"written: {target.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(PARTS)
    if unknown:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    sys.exit(main(sys.argv[1:]))
