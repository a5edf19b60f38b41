"""Run the benchmarks: `python tests/benchmarks [NAME…]`.

Every function `bench_*` of every `bench_*.py` in this folder takes no arguments and returns a list of
{"name", "baseline_s", "ours_s", "ratio", "note"}. A NAME picks the modules and functions that contain it. Prints a
table and writes build/bench.json.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]


def functions(names: list[str]) -> Iterator[Callable[[], list[dict]]]:
    for path in sorted(FOLDER.glob("bench_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            chosen = not names or any(each in f"{path.stem}.{name}" for each in names)
            if name.startswith("bench_") and callable(function) and chosen:
                yield function


def main(names: list[str]) -> None:
    rows: list[dict] = []
    print(f"{'benchmark':<44} {'baseline':>12} {'ours':>12} {'ratio':>8}  note")
    for function in functions(names):
        for row in function():
            rows.append(row)
            times = f"{row['baseline_s'] * 1e3:>9.2f} ms {row['ours_s'] * 1e3:>9.2f} ms"
            print(f"{row['name']:<44} {times} {row['ratio']:>7.2f}x  {row['note']}", flush=True)
    target = ROOT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(rows, indent=2) + "\n")
    print(f"written: {target.relative_to(ROOT)}")


if __name__ == "__main__":
    # One thread each: what is compared is the work, not the machine.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    sys.path[:0] = [str(ROOT), str(FOLDER)]
    main(sys.argv[1:])
