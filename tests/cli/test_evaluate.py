"""evaluate and evaluations: each `evaluate FILE…` runs in a worker process, as for a user."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tfbs_hub import Hub
from tfbs_hub.evaluation.store import read_run, to_bytes
from tfbs_hub.sequences import foreign_hdf5

HEAVY = {"torch", "scipy", "sklearn", "matplotlib", "optuna"}


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    """A registry with one run of both files, and the run's id."""
    folder = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(trained.registry, folder / "registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFBS_HUB_CACHE", str(folder / "cache"))
        run = Hub.open(folder / "registry").evaluate([*trained.labelled.values()], bootstrap=5)
    return folder / "registry", run.run


@pytest.fixture
def past(evaluated, tmp_path, monkeypatch):
    """The id of that run, in a copy that TFBS_HUB_REGISTRY names."""
    shutil.copytree(evaluated[0], tmp_path / "past")
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(tmp_path / "past"))
    return evaluated[1]


def test_the_report_has_the_promised_keys(cli, registry, trained, evaluated):
    done = cli("evaluate", *trained.labelled.values(), "--bootstrap", 5, "--device", "cpu", "--json")
    report = done.json
    assert done.code == 0 and report["run"] == evaluated[1] and f"run {report['run']}" in done.err
    assert [dataset["name"] for dataset in report["datasets"]] == ["EBOX_test", "ETS_test"]
    for dataset in report["datasets"]:
        assert (dataset["n"], dataset["positives"], dataset["negatives"]) == (80, 40, "given")
        assert [model["name"] for model in dataset["models"]] == ["moe", "mean", "EBOX", "ETS"]
        for model in dataset["models"]:
            low, high = model["ci95"]
            assert 0 <= low <= model["auroc"] <= high <= 1
            assert {"auprc", "brier", "ece", "ece_floor", "bootstrap_mean", "bootstrap_sd"} <= set(model)
        assert {"F", "p", "eta2", "omega2"} <= set(dataset["anova"])
        pairs = [(row["a"], row["b"]) for row in dataset["paired"]]
        assert ("moe", "mean") in pairs and len(pairs) == 6
        assert {"difference", "ci95", "z", "p", "p_holm"} <= set(dataset["delong"][0])
        assert {"difference", "ci95", "p"} <= set(dataset["tukey"][0])
    own = {model["name"]: model["auroc"] for model in report["datasets"][0]["models"]}
    assert own["EBOX"] > 0.9 > own["ETS"]
    assert (registry / "evaluations" / f"{report['run']}.h5").is_file()


def test_a_past_run_is_shown_again_as_it_was(cli, past, tmp_path):
    shown = cli("evaluate", "--from", past, "--json")
    made = tmp_path / "copy.h5", tmp_path / "report.html", tmp_path / "figures"
    text = cli("evaluate", "--from", past, "-o", made[0], "--report", made[1], "--figures", made[2])
    assert text.code == 0
    assert made[0].read_bytes() == (tmp_path / "past" / "evaluations" / f"{past}.h5").read_bytes()
    assert made[1].read_text().startswith("<!") and past in made[1].read_text()
    assert {path.suffix for path in made[2].iterdir()} == {".svg", ".png"}
    assert cli("evaluate", "--from", made[0], "--json").out == shown.out
    for said in ("EBOX_test: 80 sequences, 40 bound", "ANOVA over 4 models", "overstates certainty", "moe less"):
        assert said in text.out
    best = max(shown.json["datasets"][0]["models"], key=lambda model: model["auroc"])
    assert f"{best['auroc']:.3f}" in text.out

    listed = cli("evaluations", "--json").json["evaluations"]
    assert [(row["run"], row["datasets"], row["trials"]) for row in listed] == [(past, ["EBOX_test", "ETS_test"], 5)]
    assert "EBOX_test and 1 more" in cli("evaluations").out


def test_showing_a_past_run_needs_no_network_library(environment, past):
    probe = "import sys\nfrom tfbs_hub.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", probe, "evaluate", "--from", past]
    done = subprocess.run(
        command,
        env=environment | {"TFBS_HUB_REGISTRY": os.environ["TFBS_HUB_REGISTRY"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()} & HEAVY


def test_damaged_runs_are_listed_as_such(cli, past, tmp_path):
    (tmp_path / "past" / "evaluations" / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\nnonsense")
    rows = {row["run"]: row for row in cli("evaluations", "--json").json["evaluations"]}
    assert rows[past]["damaged"] is None and rows["broken"]["damaged"].startswith("damaged: ")
    assert cli("evaluations").code == 0
    assert cli("evaluate", "--from", "broken").code == 4


def test_one_process_reads_all_runs(cli, past, tmp_path, monkeypatch):
    folder = tmp_path / "past" / "evaluations"
    for number in range(3):
        (folder / f"copy{number}.h5").write_bytes((folder / f"{past}.h5").read_bytes())
    started = []
    start = foreign_hdf5._started
    monkeypatch.setattr(foreign_hdf5, "_started", lambda: started.append(1) or start())
    rows = cli("evaluations", "--json").json["evaluations"]
    assert [row["damaged"] for row in rows] == [None] * 4
    assert len(started) == 1


def test_what_is_not_finite_is_null(cli, past, tmp_path):
    run = read_run(tmp_path / "past" / "evaluations" / f"{past}.h5")
    dataset = run.datasets[0]
    odd = replace(dataset, anova=replace(dataset.anova, F=float("inf"), omega2=float("nan")))
    (tmp_path / "odd.h5").write_bytes(to_bytes(replace(run, datasets=(odd,))))
    anova = cli("evaluate", "--from", tmp_path / "odd.h5", "--json").json["datasets"][0]["anova"]
    assert (anova["F"], anova["omega2"]) == (None, None)
    assert cli("evaluate", "--from", tmp_path / "odd.h5").code == 0


def test_models_are_asked_in_the_order_they_are_named_once_each(cli, registry, trained):
    done = cli("evaluate", trained.labelled["ETS"], "--models", "ETS, moe,ets", "--bootstrap", 2, "--json")
    assert [model["name"] for model in done.json["datasets"][0]["models"]] == ["ETS", "moe"]


def test_a_read_only_registry_keeps_nothing_and_says_so(cli, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("tfbs_hub.registry.store.os.access", lambda path, mode: False)
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(trained.registry))
    options = ("--models", "ETS", "--bootstrap", 2)
    assert "so the run is not kept; -o RUN.h5" in cli("evaluate", trained.labelled["ETS"], *options).err
    written = cli("evaluate", trained.labelled["ETS"], *options, "-o", tmp_path / "run.h5")
    assert written.code == 0 and "not kept" not in written.err
    assert read_run(tmp_path / "run.h5").trials == 2
    assert not (trained.registry / "evaluations").exists() or not list((trained.registry / "evaluations").iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "Missing argument 'FILE…' (or --from RUN)"),
        (["a.fa", "--from", "b"], 2, "a FILE cannot be given with it"),
        (["--from", "b", "--bootstrap", "30"], 2, "--bootstrap cannot be given with it"),
        (["--from", "b"], 3, "no past run called b"),
        (["-"], 2, "reads regular files"),
        (["/dev/null"], 2, "reads regular files"),
        (["a.fa", "-o", "no/folder/run.h5"], 3, "the folder does not exist"),
        (["a.fa", "--report", "/dev/null"], 2, "not a regular file"),
        (["a.fa", "--bootstrap", "1"], 2, "1 is not in the range"),
        (["a.fa", "--negatives", "genomic"], 2, "'genomic' is not one of"),
    ],
)
def test_what_cannot_be_is_said_before_a_process_is_started(cli, registry, monkeypatch, arguments, code, says):
    monkeypatch.setattr("tfbs_hub.jobs.Job.start", None)
    done = cli("evaluate", *arguments)
    assert (done.code, done.out) == (code, "") and says in done.err


def test_errors_of_the_worker_are_the_commands_own(cli, registry, trained, tmp_path):
    bare = cli("evaluate", trained.peaks["ETS"])
    assert bare.code == 2 and "carry no labels" in bare.err and "_shuf" in bare.err
    missing = cli("evaluate", tmp_path / "none.fa", "--json")
    assert (missing.code, missing.json["error"]["type"]) == (3, "NotFoundError")
    unknown = cli("evaluate", trained.labelled["ETS"], "--models", "moe,ETX")
    assert unknown.code == 3 and "did you mean ETS" in unknown.err
    assert cli("evaluate", trained.labelled["ETS"], "--models", ",").code == 2


@pytest.fixture
def under_way(command, environment, tmp_path, write_peaks):
    """Start a long evaluation, and wait until it has finished its first data set."""
    sites = ("CACGTGAC", "CCGGAAGT", "TGACTCAT")
    files = [write_peaks(tmp_path / f"{site}.fa", site, 400, labelled=True) for site in sites]
    arguments = ["evaluate", *files, "--bootstrap", "1000", "--device", "cpu", "-o", tmp_path / "run.h5"]

    def begin():
        process = subprocess.Popen(command(*arguments), env=environment, stdout=-1, stderr=-1, text=True)
        deadline = time.monotonic() + 60
        while not list(Path(environment["TFBS_HUB_CACHE"]).glob("evaluations/*/[!.]*")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        return process

    return arguments, begin


def test_ctrl_c_and_kills_lose_no_finished_data_set(under_way, process, environment, registry, tmp_path):
    arguments, begin = under_way
    stopped = begin()
    stopped.send_signal(signal.SIGINT)
    out, err = stopped.communicate(timeout=30)
    assert (stopped.returncode, out) == (130, "")
    assert "error: interrupted" in err and "give the same command again" in err and "Traceback" not in err
    killed = begin()
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "run.h5").exists() and not list(registry.glob("evaluations/*"))

    resumed = process(*arguments, "--json")
    assert resumed.code == 0 and "data sets were finished before" in resumed.err
    interrupted = (tmp_path / "run.h5").read_bytes()
    (registry / "evaluations" / f"{json.loads(resumed.out)['run']}.h5").unlink()
    whole = process(*arguments, TFBS_HUB_CACHE=str(tmp_path / "another-cache"))
    assert whole.code == 0 and "finished before" not in whole.err
    assert (tmp_path / "run.h5").read_bytes() == interrupted
