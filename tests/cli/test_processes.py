"""What only a process of its own can show: imports, signals, pipes and exit codes as the shell sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfbs_hub import Hub

HEAVY = {"torch", "textual", "h5py", "scipy", "sklearn", "optuna", "pyjaspar", "huggingface_hub"}

PROBE = """
import sys
from tfbs_hub.cli import main
try:
    main()
finally:
    sys.stderr.write("modules " + " ".join({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["experts"], ["experts", "--json"], ["show", "EBOX"], ["gates"]])
def test_looking_imports_nothing_heavy(environment, arguments):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.rpartition("modules ")[2].split())
    assert "tfbs_hub" in loaded
    assert not loaded & HEAVY


def test_importing_the_package_imports_nothing_heavy(environment):
    code = "import sys, tfbs_hub; from tfbs_hub import Hub; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY


def test_exit_codes_reach_the_shell(process):
    assert process("experts").code == 0
    assert process("frobnicate").code == 2
    missing = process("show", "EBOY", "--json")
    assert (missing.code, missing.json["error"]["type"]) == (3, "NotFoundError")
    assert missing.err == ""


def test_a_closed_stdout_is_no_failure(command, environment):
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *command("experts")]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_reader_that_wants_no_more_is_no_failure(command, environment, tmp_path, trained):
    many = tmp_path / "many.fa"
    many.write_text(trained.peaks["EBOX"].read_text() * 40)
    with subprocess.Popen(
        command("predict", many), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().startswith(b"id\tlogit")
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.mark.parametrize("arguments", [["experts"], ["experts", "--json"], ["gates"]])
def test_a_reader_that_never_reads_is_no_failure(command, environment, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(command(*arguments), env=environment, stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["experts"], ["experts", "--json"]])
def test_output_to_a_full_disk_is_one_plain_error(command, environment, arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(*arguments), env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "error: output: no space is left on the device"
    assert "Traceback" not in done.stderr


def test_a_terminal_without_our_letters_is_no_failure(process):
    done = process("retrain-gate", "--device", "cpu", PYTHONIOENCODING="ascii")
    assert done.code == 0, done.err
    assert r"\u2026" in done.out


def test_ctrl_c_in_training_keeps_what_was_done(command, environment, registry, write_peaks, tmp_path, monkeypatch):
    peaks = write_peaks(tmp_path / "peaks.fa", "TGACTCAT", 3000)
    arguments = ["add-expert", "AP1", "--data", peaks, "--architecture", "deepbind", "--device", "cpu", "--json"]
    before = sorted(path.name for path in (registry / "generations").iterdir())
    checkpoints = Path(environment["TFBS_HUB_CACHE"]) / "training"
    with subprocess.Popen(
        command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not list(checkpoints.glob("[!.]*")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["error"]["type"] == "InterruptedRunError"
    assert "Traceback" not in err
    assert sorted(path.name for path in (registry / "generations").iterdir()) == before
    assert not list((registry / "tmp").glob("*"))

    events = []
    monkeypatch.setenv("TFBS_HUB_CACHE", environment["TFBS_HUB_CACHE"])
    added = Hub.open(registry).add_expert(
        "AP1", data=[peaks], architecture="deepbind", device="cpu", report=events.append
    )
    first = next(event for event in events if event.task == "training AP1")
    assert first.done >= 1
    assert added.spec.card.training.curve[0].epoch == 1
    assert not list(checkpoints.glob("[!.]*"))


def test_completion_knows_commands_options_and_experts(process):
    def completed(*words: str) -> list[str]:
        asked = " ".join(["tfbs-hub", *words])
        done = process(
            _TFBS_HUB_COMPLETE="bash_complete", COMP_WORDS=asked, COMP_CWORD=str(len(words)), TFBS_HUB_PLUGINS=""
        )
        assert done.code == 0
        return [line.partition(",")[2] for line in done.out.splitlines() if line]

    assert completed("ret") == ["retrain-gate"]
    assert completed("show", "E") == ["EBOX", "ETS"]
    assert completed("predict", "--model", "m") == ["moe"]
    assert completed("retrain-gate", "--experts", "EBOX,ET") == ["EBOX,ETS"]
    assert completed("--registry", "/no/such/registry", "show", "E") == []


def test_threads_are_tamed_unless_the_user_has_done_so():
    script = (
        "import os\nfrom tfbs_hub.cli import app\napp._tame_threads()\n"
        "print(os.environ['OMP_NUM_THREADS'], os.environ.get('GOMP_SPINCOUNT'))"
    )

    def told(**changes):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
        done = subprocess.run(
            [sys.executable, "-c", script], env=kept | changes, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    assert told() == [str(min(4, len(os.sched_getaffinity(0)))), "10000"]
    assert told(OMP_NUM_THREADS="7", GOMP_SPINCOUNT="5") == ["7", "5"]
    assert told(OMP_WAIT_POLICY="passive")[1] == "None"
