"""The worker's own side: job files, exit codes, and what each command gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tfbs_hub import Hub
from tfbs_hub.errors import ReadOnlyError
from tfbs_hub.evaluation.store import read_run, to_bytes
from tfbs_hub.jobs import Job

GOOD = {"format": "tfbs-hub-job", "format_version": 1, "command": "evaluate", "options": {}}


@pytest.fixture
def work(tmp_path):
    """Run a worker on a job file: its exit code, and its one event."""

    def run(job, stdin=subprocess.PIPE):
        path = tmp_path / "job.json"
        path.write_text(json.dumps(job))
        command = [sys.executable, "-m", "tfbs_hub.worker", str(path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        # A stdin that is open says that somebody still wants the result.
        with subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.PIPE) as process:
            (line,) = process.stdout.read().splitlines()
        return process.returncode, json.loads(line)

    return run


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "other"}, "not a job file"),
        ({"command": "frobnicate"}, "not a job file"),
        ({"options": {"files": "x"}}, "`$.files`"),
        ({"command": "add-expert", "options": {"tf": "X", "colour": "red"}}, "colour"),
    ],
)
def test_a_job_that_cannot_be_is_one_error(work, registry, change, says):
    code, event = work(GOOD | change)
    assert (code, event["event"], event["exit_code"]) == (2, "error", 2)
    assert says in event["error"]["what"]


def test_when_nobody_wants_the_result_nothing_is_done(work, registry, trained, tmp_path):
    options = {"files": [str(trained.labelled["ETS"])], "output": str(tmp_path / "run.h5")}
    code, event = work(GOOD | {"options": options}, stdin=subprocess.DEVNULL)
    assert (code, event["error"]["type"], event["exit_code"]) == (130, "InterruptedRunError", 130)
    assert not (tmp_path / "run.h5").exists() and not list(registry.glob("evaluations/*"))


def test_evaluating_gives_the_run_of_the_hub(registry, trained, tmp_path):
    options = {"files": [str(trained.labelled["ETS"])], "device": "cpu", "output": str(tmp_path / "run.h5")}
    with Job.start("evaluate", registry, options) as job:
        tasks = {event.task for event in job.events()}
        result = job.result()
    run = Hub.open(registry).evaluate([trained.labelled["ETS"]])
    assert result == {"run": run.run, "output": str(tmp_path / "run.h5"), "kept": True}
    assert {"reading", "evaluating"} <= tasks
    assert to_bytes(read_run(tmp_path / "run.h5")) == to_bytes(run)


def test_adding_and_retraining(registry):
    with Job.start("add-expert", registry, {"tf": "GATA3", "architecture": "pwm", "window": 61}) as job:
        added = job.result()
    assert added["name"] == "GATA3" and len(added["untouched"]) == 3
    with Job.start("retrain-gate", registry, {"device": "cpu"}) as job:
        made = job.result()
    hub = Hub.open(registry)
    assert hub.gate_record().digest == made["digest"] != made["previous"]
    assert hub.predict(["ACGT"]).experts == ("EBOX", "ETS", "GATA3")
    assert np.isfinite(list(made["before"].values())[:2]).all()


def test_a_read_only_registry_is_not_changed(registry):
    with Job.start("retrain-gate", registry, {}, read_only=True) as job, pytest.raises(ReadOnlyError):
        job.result()
