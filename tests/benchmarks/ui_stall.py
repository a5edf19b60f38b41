"""Does the terminal UI answer at once while something else is computed?

    OMP_NUM_THREADS=1 python tests/benchmarks/ui_stall.py [--bases N] [--where]

Runs the whole application without a terminal on a copy of the shipped registry, pressing keys as a user would, and
beats every 5 ms: how late a beat comes is how long a key press would have waited. Prints the worst and the 99th
percentile of that lateness, and of the part of it that the application itself computed (the rest is the machine's)

- while nothing else runs,
- (a) during an evaluation,
- (b) during the training of an expert,
- (c) while a track of 100,000 bases, over which the window slides, is scrolled from end to end, at several zooms,

and the time to the first picture after Textual's own import, and that of quitting while a job runs. Jobs and models are
in processes of their own, niced; the machine's load is printed, for it counts. `--where` also prints what the
application was doing whenever a beat was late by more than 60 ms. Nothing is asserted. Writes build/ui-stall.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

BEAT = 0.005
LATE = 0.06
SIZE = (160, 50)

FIRST_PICTURE = """
import asyncio, sys, time
import textual.app, textual.widgets
begun = time.perf_counter()
from tfbs_hub.tui.app import HubApp
async def go():
    app = HubApp(sys.argv[1])
    async with app.run_test(size=(160, 50)):
        print(time.perf_counter() - begun)
asyncio.run(go())
"""


class Heart:
    """Beats in the event loop; remembers how late each beat was, and how much of that was computing."""

    def __init__(self, where: bool) -> None:
        self._last = time.perf_counter()
        self._where = where
        self._thread = threading.get_ident()

    async def _beat(self, late: list[tuple[float, float]]) -> None:
        while True:
            begun, used = time.perf_counter(), time.thread_time()
            self._last = begun
            await asyncio.sleep(BEAT)
            late.append((time.perf_counter() - begun - BEAT, time.thread_time() - used))

    def _watch(self, done: threading.Event, seen: Counter[str]) -> None:
        """In a thread: what the loop does when it is late."""
        while not done.wait(0.01):
            if time.perf_counter() - self._last > LATE + BEAT:
                frame = sys._current_frames().get(self._thread)
                stack = traceback.extract_stack(frame)[::-1] if frame else []
                ours = [each for each in stack if "tfbs_hub" in each.filename] or stack[:3]
                seen[" < ".join(f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in ours[:3])] += 1

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[list[tuple[float, float]]]:
        """Beat in the block."""
        late: list[tuple[float, float]] = []
        task = asyncio.ensure_future(self._beat(late))
        done, seen = threading.Event(), Counter[str]()
        watcher = threading.Thread(target=self._watch, args=(done, seen), daemon=True)
        if self._where:
            watcher.start()
        try:
            yield late
        finally:
            task.cancel()
            done.set()
            for place, count in seen.most_common(8):
                print(f"  late {count:4}: {place}")


def figures(name: str, late: list[tuple[float, float]]) -> dict[str, object]:
    found: dict[str, object] = {"name": name, "beats": len(late), "load": os.getloadavg()[0]}
    shown = []
    for kind, values in zip(("waited", "computed"), zip(*late, strict=True), strict=True):
        ordered = sorted(values)
        worst, p99 = ordered[-1], ordered[int(len(ordered) * 0.99)]
        found |= {f"{kind}_worst_s": worst, f"{kind}_p99_s": p99}
        shown.append(f"{kind}: worst {worst * 1000:6.1f} ms, p99 {p99 * 1000:5.1f} ms")
    print(f"{name:<32} {'   '.join(shown)}   ({len(late):,} beats, load {os.getloadavg()[0]:.1f})", flush=True)
    return found


def labelled(path: Path, rows: int = 2000, length: int = 101) -> Path:
    draw = random.Random(1)
    lines = []
    for number in range(rows):
        letters = [draw.choice("ACGT") for _ in range(length)]
        lines.append(f">row_{number}_shuf\n{''.join(letters)}\n")
        letters[40:48] = "AGATAAGG"
        lines.append(f">row_{number}\n{''.join(letters)}\n")
    path.write_text("".join(lines))
    return path


async def until(true: Callable[[], object], seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.02)


async def use(pilot, keys: list[str], *, wait: float = 0.15) -> None:
    for key in keys:
        await pilot.press(key)
        await asyncio.sleep(wait)


AROUND = ["1", "down", "up", "2", "3", "t", "t", "t", "t", "5", "6", "4", "right", "right", "1"]


async def measure(registry: Path, folder: Path, bases: int, where: bool) -> list[dict[str, object]]:
    from tfbs_hub.tui.app import HubApp

    found = []
    app = HubApp(str(registry))
    app.keeps_still = True  # as where it is run
    heart = Heart(where)
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: app.desk is not None)
        await use(pilot, AROUND)  # once, so that every screen exists
        async with heart.beating() as late:
            await use(pilot, AROUND * 2)
        found.append(figures("nothing else runs", late))

        for name, command, options in (
            (
                "(a) an evaluation",
                "evaluate",
                {"files": [str(labelled(folder / "bench.fa"))], "bootstrap": 1000, "output": str(folder / "run.h5")},
            ),
            ("(b) the training of an expert", "add-expert", {"tf": "GATA3", "name": "NEW", "source": "jaspar"}),
        ):
            async with heart.beating() as late:
                record = app.start_job(name, command, options)
                while record.state == "running":
                    await use(pilot, AROUND)
                await asyncio.sleep(0.5)
            print(f"  the job took {record.seconds:.0f} s and is {record.state} {record.error}")
            found.append(figures(name, late))

        letters = "".join(random.Random(2).choices("ACGT", k=bases))
        await pilot.press("4")
        screen = app.screen
        from tfbs_hub.workbench.messages import Layer

        async with heart.beating() as late:
            screen.asked = [Layer("moe", "gradient"), Layer("GATA3", "gradient")]
            screen.look_at([f"{bases:,} random bases"], [letters])
            await until(lambda: screen.explained is not None and len(screen.marks) == 2)
        found.append(figures("(c) that track is computed", late))
        async with heart.beating() as late:
            begun, presses = time.perf_counter(), 0
            for zoom in ([], ["minus", "minus"], ["minus", "minus"]):
                await use(pilot, [*zoom, "home"], wait=0)
                track = screen.query_one("#track")
                while track.view.end < track.view.length:
                    await pilot.press("pagedown")
                    presses += 1
            await use(pilot, ["end", "0", *["n"] * 40, *["shift+left"] * 40, *["left"] * 40], wait=0)
            took = (time.perf_counter() - begun) / (presses + 120)
        print(f"  {presses} half views; a key and its picture take {took * 1000:.0f} ms")
        found.append(figures("(c) that track is scrolled", late))

        record = app.start_job("to be left", "add-expert", {"tf": "GATA3", "name": "LEFT", "source": "jaspar"})
        await asyncio.sleep(3)
        await pilot.press("ctrl+q")
        begun = time.perf_counter()
        await pilot.press("y")
    took = time.perf_counter() - begun
    behind = [words for words in commands() if str(registry) in words]
    print(f"quitting while a job runs         {took:.2f} s; left behind: {behind or 'nothing'}")
    return [*found, {"name": "quit", "seconds": took, "behind": behind}]


def commands() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [words for words in found if "tfbs_hub." in words]


def first_picture(registry: Path) -> dict[str, object]:
    times = []
    for _ in range(3):
        command = [sys.executable, "-c", FIRST_PICTURE, str(registry)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        times.append(float(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout))
    shown = ", ".join(f"{each:.2f}" for each in times)
    print(
        f"the first picture                 {statistics.median(times):.2f} s ({shown}), load {os.getloadavg()[0]:.1f}"
    )
    return {"name": "first picture", "seconds": times}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bases", type=int, default=100_000)
    parser.add_argument("--where", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(folder / kind.lower())
        os.environ |= {"TFBS_HUB_CACHE": str(folder / "hub-cache"), "TFBS_HUB_PLUGINS": "", "HF_HUB_OFFLINE": "1"}
        registry = shutil.copytree(ROOT / "registry", folder / "registry")
        found = [first_picture(registry), *asyncio.run(measure(registry, folder, asked.bases, asked.where))]
    target = ROOT / "build" / "ui-stall.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
