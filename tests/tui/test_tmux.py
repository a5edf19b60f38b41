"""The whole journey in a real terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = "ACGTACGTTGCATGCACCGGAAGTACGATCGATTTAGCATCGGATTACGCATTAGCATCGA"

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A tmux session of its own."""

    def __init__(self, folder, width, height):
        self.name = f"tfbs-{uuid.uuid4().hex[:8]}"
        self.base = ["tmux", "-L", self.name]
        kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        self.env = {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self.run("-f", "/dev/null", "new-session", "-d", "-s", "x", "-x", f"{width}", "-y", f"{height}", "bash --norc")
        del folder

    def run(self, *arguments):
        return subprocess.run([*self.base, *arguments], env=self.env, capture_output=True, text=True, check=True).stdout

    def keys(self, *keys):
        for key in keys:
            self.run("send-keys", "-t", "x", key)
            time.sleep(0.05)

    def type(self, text):
        self.run("send-keys", "-t", "x", "-l", text)

    @property
    def shown(self):
        return self.run("capture-pane", "-p", "-t", "x")

    def wait(self, text, seconds=60):
        """Wait until a regular expression fits what is shown."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if re.search(text, self.shown):
                return self.shown
            time.sleep(0.1)
        raise AssertionError(f"{text!r} never came:\n{self.shown}")

    def resize(self, width, height):
        self.run("resize-window", "-t", "x", "-x", f"{width}", "-y", f"{height}")

    def close(self):
        subprocess.run([*self.base, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def terminal(tmp_path):
    made = Terminal(tmp_path, 120, 36)
    yield made
    made.close()


def processes(word):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if word in words:
            found.append(words)
    return found


def test_the_whole_journey(terminal, registry, trained, tmp_path):
    terminal.type(f"{sys.executable} -m tfbs_hub.cli tui --registry {registry}; echo left with $?\n")
    terminal.wait("EBOX")
    terminal.wait("2 experts")

    # Filter.
    terminal.keys("/")
    terminal.type("ets")
    terminal.wait("1 of 2")
    # The panel of the selected expert follows a moment after the table.
    terminal.wait(r"(?s)\A(?!.*EBOX)")
    terminal.keys("Escape")
    terminal.wait("EBOX")
    terminal.keys("Down")
    terminal.wait("ETS")

    # A sequence, typed like one that was pasted.
    terminal.keys("4")
    terminal.wait("Which bases matter")
    terminal.keys("o")
    terminal.wait("paste FASTA")
    terminal.type(SITE)
    terminal.keys("C-s")
    terminal.wait("moe · shiftsmooth   logit", 120)
    terminal.wait("ACCGGAAGT")
    terminal.wait("bound")
    terminal.keys("Home", "Right", "Right", "t")
    terminal.wait("G3T")
    terminal.keys("u", "r")
    terminal.wait("other strand")

    # Evaluate; the result is read where it is shown.
    terminal.keys("3", "n")
    terminal.wait("new evaluation")
    terminal.type(str(trained.labelled["ETS"]))
    terminal.keys("Enter")
    terminal.wait("ETS_test.fa")
    terminal.keys("C-s")
    terminal.wait("ranks best", 120)
    terminal.wait("40 bound")
    terminal.wait("AUPRC")
    assert "●" in terminal.shown
    terminal.keys("t", "t")
    terminal.wait("DeLong's test")
    terminal.keys("4")
    terminal.wait("other strand")

    # The terminal shrinks and grows.
    terminal.resize(50, 15)
    terminal.wait("A little more room")
    terminal.resize(100, 30)
    terminal.wait("other strand")

    # Retrain, and look at what changed.
    terminal.keys("2", "t")
    terminal.wait("retrain the gate")
    terminal.keys("C-s")
    # The message of this job, not that of the evaluation.
    terminal.wait(r"Done[^\n]*\n[^\n]*▌ retrain the gate over", 120)

    # A job that runs is asked about.
    terminal.keys("1", "a")
    terminal.wait("transcription factor")
    terminal.type("GATA3")
    terminal.keys("C-s")
    terminal.wait("my peaks")
    terminal.keys("Down", "Down", "Down", "Enter", "C-s")
    terminal.wait("--source jaspar")
    terminal.keys("C-s")
    terminal.wait("1 job")
    terminal.keys("C-q")
    terminal.wait("A job is running")
    terminal.keys("y")
    terminal.wait("left with 0", 15)
    end = time.monotonic() + 5
    while processes(str(registry)) and time.monotonic() < end:
        time.sleep(0.1)
    assert processes(str(registry)) == []
    assert "Traceback" not in terminal.shown
