"""A sample of `make fuzz`, and proof that its watch sees what it is there to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("fuzz")
ROOT = FOLDER.parents[2]


def python(*arguments):
    environment = {**os.environ, "TFBS_HUB_PLUGINS": "", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_no_damage_of_a_sample_does_any(tmp_path):
    done = python(FOLDER, "--count", 600, "--flips", 100, "--seed", 1, "--output", tmp_path / "fuzz.json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "fuzz.json").read_text())
    assert report["problems"] == []
    assert report["bit_flips"] == {"flips": 100, "refused": 100}
    rows = {row["name"]: row for row in report["targets"]}
    assert sum(rows[name]["files"] for name in ("weights", "cards", "bundles", "signed bundles")) == 600
    for row in rows.values():
        assert row["refused"] + row["taken"] == row["files"]
        assert row["refused"] > 0


# What a reader does with a damaged file, and what the watch must call it.
BAD = {
    "os.kill(os.getpid(), signal.SIGSEGV)": "crash (SIGSEGV)",
    "os._exit(3)": "crash (3)",
    "time.sleep(60)": "hang",
    "os.system('true')": "code ran",
    "pickle.loads(self.pieces[0])": "code ran",
    "(self.corpus.folder / 'elsewhere').write_text('x')": "code ran",
    "__import__('this')": "code ran",
    "exec('assert data == 0')": "wrong result",
    "bytes(1 << 40)": "not an error of ours",
    "int('x')": "not an error of ours",
    "self.refuse('')": "no message",
}
SCRIPT = """
import json, os, pickle, signal, sys, time
from pathlib import Path
sys.path[:0] = [ROOT, FUZZ]
from corpus import Corpus
from targets import Target
from watch import fuzz
from tfbs_hub.errors import InputError

class Bad(Target):
    patience = 0.5
    calls = 0

    def damaged(self, rng):
        return bytes([rng.randrange(256)]), None

    def read(self, data, more):
        self.calls += 1
        if self.calls == 2:
            eval(self.what)
        self.refuse("as it should be")

    def refuse(self, what):
        raise InputError(what)

corpus = Corpus(Path(FOLDER), Path(), {}, {}, (None, b""), {})
for what in BAD:
    target = Bad(corpus)
    target.what = what
    outcome = fuzz("bad", target, 3, 0)
    seen = [[each["kind"], each["number"]] for each in outcome.problems]
    print(json.dumps([what, seen, outcome.refused]))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the watch saw of each, with the number of the mutation, and how many were refused as they should be."""
    given = {"ROOT": str(ROOT), "FUZZ": str(FOLDER), "FOLDER": str(tmp_path_factory.mktemp("bad")), "BAD": list(BAD)}
    done = python("-c", "\n".join([*(f"{name} = {value!r}" for name, value in given.items()), SCRIPT]))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {what: (problems, refused) for what, problems, refused in rows}


@pytest.mark.parametrize("what", BAD)
def test_the_watch_sees(seen, what):
    problems, refused = seen[what]
    assert problems == [[BAD[what], 1]]
    # The others were read all the same.
    assert refused >= 2
