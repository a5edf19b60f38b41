"""How much memory `explain -o` takes, for more and more sequences: it is bounded by a batch, not by the file.

    OMP_NUM_THREADS=1 python tests/benchmarks/explain_memory.py [ENDING…]

Random sequences of 101 bp with coordinates, the gradient of the shipped GATA3 expert, without seqlets (which take a
hundred times as long as the gradient, and are called sequence by sequence). Prints each process's peak resident memory
and its time.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = (4_000, 20_000, 60_000)
ENDINGS = (".h5", ".npz", ".tsv", ".bedGraph", ".bw")
LENGTH = 101
PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "tfbs_hub.cli", *sys.argv[1:]], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def sequences(path: Path, count: int) -> Path:
    """Random sequences in random places."""
    draw = random.Random(count)
    with path.open("w") as file:
        for number in range(count):
            start = draw.randrange(100_000_000)
            letters = "".join(draw.choices("ACGT", k=LENGTH))
            file.write(f">chr{number % 22 + 1}:{start}-{start + LENGTH}\n{letters}\n")
    return path


def main(endings: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        inputs = [sequences(folder / f"{count}.fa", count) for count in SIZES]
        print(f"{'':<10}" + "".join(f"{count:>18,}" for count in SIZES))
        for ending in endings or ENDINGS:
            cells = []
            for path in inputs:
                asked = ["--model", "GATA3", "--method", "gradient", "--no-seqlets", "-o", str(folder / f"a{ending}")]
                command = [sys.executable, "-c", PEAK, "--registry", str(ROOT / "registry"), "explain", str(path)]
                begun = time.perf_counter()
                done = subprocess.run([*command, *asked], capture_output=True, text=True, check=True, cwd=ROOT)
                cells.append(f"{int(done.stdout) / 1024:.0f} MB, {time.perf_counter() - begun:.0f} s")
            print(f"{ending:<10}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
