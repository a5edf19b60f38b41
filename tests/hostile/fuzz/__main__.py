"""Mutation fuzzing: `python tests/hostile/fuzz [--count N] [--flips N] [--seed N] [--only KIND]`.

Damages good files of every kind and has them read as a user's command would: `count` times weights, cards and bundles
together, and some of the rest besides. Allowed is an error that a user may meet, or a result that means what it must;
all else is a problem: a crash, a hang of more than 10 s, foreign code, a wrong result. Prints a table, writes
build/fuzz.json, and leaves with exit code 1 if there was a problem. `--only KIND --number N` repeats a single one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]


def main() -> int:
    """Do what was asked for."""
    # Only now: the environment says how many threads they may take.
    from corpus import make_corpus
    from flips import flip_bits
    from targets import TARGETS
    from watch import fuzz, generator

    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--flips", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[*TARGETS])
    parser.add_argument("--number", type=int)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "fuzz.json")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tfbs-hub-fuzz-") as folder:
        corpus = make_corpus(Path(folder))
        if asked.number is not None:
            target = TARGETS[asked.only](corpus)
            target.read(*target.damaged(generator(asked.seed, asked.only, asked.number)))
            return 0
        rows, problems = [], []
        print(f"{'damaged':<16} {'files':>8} {'refused':>8} {'taken':>8} {'problems':>9} {'slowest':>9} {'all':>8}")
        for name in [asked.only] if asked.only else TARGETS:
            count = round(asked.count * TARGETS[name].share)
            outcome = fuzz(name, TARGETS[name](corpus), count, asked.seed)
            problems += outcome.problems
            rows.append(
                {
                    "name": name,
                    "files": count,
                    "refused": outcome.refused,
                    "taken": outcome.taken,
                    "contained": outcome.contained,
                    "crashes": sum(each["kind"].startswith("crash") for each in outcome.problems),
                    "hangs": outcome.count("hang"),
                    "code_run": outcome.count("code ran"),
                    "wrong_results": outcome.count("wrong result"),
                    "other_errors": outcome.count("not an error of ours") + outcome.count("no message"),
                    "slowest_s": outcome.slowest,
                    "seconds": outcome.seconds,
                }
            )
            print(
                f"{name:<16} {count:>8,} {outcome.refused:>8,} {outcome.taken:>8,} {len(outcome.problems):>9,} "
                f"{outcome.slowest:>7.2f} s {outcome.seconds:>6.1f} s",
                flush=True,
            )
        refused, seconds = flip_bits(corpus.registry, asked.flips, asked.seed)
        print(
            f"{'bit flips':<16} {asked.flips:>8,} {refused:>8,} {asked.flips - refused:>8,} {'':>19} {seconds:>6.1f} s"
        )
    for problem in problems[:20]:
        print(f"\n{problem['kind']}: {problem['target']} {problem['number']}\n{problem['what']}", file=sys.stderr)
    report = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seed": asked.seed,
        "targets": rows,
        "bit_flips": {"flips": asked.flips, "refused": refused},
        "problems": problems[:1000],
    }
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if problems or refused != asked.flips else 0


if __name__ == "__main__":
    os.environ["TFBS_HUB_PLUGINS"] = ""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    sys.path[:0] = [str(ROOT), str(FOLDER)]
    sys.exit(main())
