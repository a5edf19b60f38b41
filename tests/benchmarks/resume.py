"""Is an evaluation that was killed and resumed the same as one that was not?

    OMP_NUM_THREADS=1 python tests/benchmarks/resume.py [KILLS] [FILE…]

Runs `tfbs-hub evaluate` on the shipped experts once unbroken; then, KILLS times (50), starts it with an empty cache,
sends SIGKILL to the command (every other time to its worker as well) at a random moment of its course, gives the same
command again and compares the bytes of the two run files. Without FILEs it makes six small ones. Prints how many were
the same, and how many went on from a data set that was finished before. Writes build/resume.json.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tfbs_hub.seeding import generator  # noqa: E402
from tfbs_hub.sequences.alphabet import decode, encode  # noqa: E402
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle  # noqa: E402
from tfbs_hub.sources.jaspar import background  # noqa: E402

SITES = ("AGATAAGG", "TGACTCAT", "CACGTGAC", "CCGGAAGT", "TTATCTGA", "TGTTTACA")


def made(folder: Path, rows: int = 200) -> list[Path]:
    """Labelled files of background with a site each, and its shuffles."""
    files = []
    for site in SITES:
        rng = generator(0, "resume", site)
        bound = background(rows, 101, rng)
        bound[:, 46:54] = encode(site)
        lines = [f">{place}\n{decode(row)}\n" for place, row in enumerate(bound)]
        lines += [f">{place}_shuf\n{decode(row)}\n" for place, row in enumerate(dinucleotide_shuffle(bound, rng))]
        files.append(folder / f"{site}.fa")
        files[-1].write_text("".join(lines))
    return files


class Bench:
    """One command, with a registry and a cache that are made anew for each round."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self.folder = folder
        self.output = folder / "run.h5"
        words = ["evaluate", *map(str, files), "--bootstrap", "200", "--device", "cpu", "-o", str(self.output)]
        # Once: whoever works on this checkout meanwhile must not change the question.
        shutil.copytree(ROOT / "registry", folder / "shipped", ignore=shutil.ignore_patterns("evaluations"))
        self.command = [sys.executable, "-m", "tfbs_hub.cli", *words]

    def anew(self) -> None:
        for name in ("registry", "cache"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(self.folder / "shipped", self.folder / "registry")
        self.output.unlink(missing_ok=True)

    def start(self) -> subprocess.Popen:
        places = {"TFBS_HUB_REGISTRY": str(self.folder / "registry"), "TFBS_HUB_CACHE": str(self.folder / "cache")}
        environment = {**os.environ, **places, "PYTHONPATH": str(ROOT), "TFBS_HUB_PLUGINS": ""}
        return subprocess.Popen(self.command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(self) -> tuple[bytes, str]:
        """The run file's bytes, and what was said meanwhile."""
        process = self.start()
        said = process.communicate()[1].decode()
        if process.returncode:
            raise SystemExit(f"the command failed:\n{said}")
        return self.output.read_bytes(), said

    def kill(self, seconds: float, *, worker_too: bool) -> bool:
        """Kill the command after some time; False if it had ended before."""
        process = self.start()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=seconds)
            return False
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        for child in children if worker_too else ():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        process.communicate()
        return True


def main(kills: int = 50, *names: str) -> None:
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bench = Bench(folder, [Path(name).resolve() for name in names] or made(folder))
        bench.anew()
        started = time.perf_counter()
        whole, _ = bench.finish()
        seconds = time.perf_counter() - started
        figures = {"kills": 0, "same": 0, "resumed": 0, "unbroken_s": seconds}
        while figures["kills"] < kills:
            bench.anew()
            if not bench.kill(chance.uniform(0, seconds), worker_too=figures["kills"] % 2 == 1):
                continue
            again, said = bench.finish()
            figures["kills"] += 1
            figures["same"] += again == whole
            figures["resumed"] += "were finished before" in said
            print(f"\r{figures['kills']} of {kills}: {figures['same']} the same", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(
        f"{figures['kills']} kills: {figures['same']} run files the same to the byte as the unbroken one; "
        f"{figures['resumed']} went on from a finished data set ({seconds:.1f} s unbroken)"
    )
    target = ROOT / "build" / "resume.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
