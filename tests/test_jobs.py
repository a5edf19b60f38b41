"""Jobs as their parent sees them, each in a real process; a plug-in makes them noisy, slow or stubborn."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfbs_hub.errors import InterruptedRunError, NotFoundError, TfbsHubError, UsageError
from tfbs_hub.jobs import Job, Warned
from tfbs_hub.progress import Event

HOOKS = """
import os, sys, time, signal, threading
from tfbs_hub.hookspecs import hookimpl

@hookimpl
def tfbs_sources():
    {body}
    return {{}}
"""

SLEEP = "open({mark!r}, 'w').write(str(os.getpid())); time.sleep(60)"


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a package whose hook does something while a job runs."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("TFBS_HUB_PLUGINS")

    def install(body):
        (site / "odd_hooks.py").write_text(HOOKS.format(body=body))
        info = site / "odd-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[tfbs_hub]\nodd = odd_hooks\n")
        importlib.invalidate_caches()

    return install


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a job that asks the plug-ins and then fails, for there is no such source; its files go to `scratch`."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    return lambda **more: Job.start("add-expert", tmp_path / "registry", {"tf": "X", "source": "nowhere"}, **more)


@pytest.fixture
def asleep(plugin, start, tmp_path):
    """A job that sleeps in the plug-in."""

    def begin(before="pass"):
        mark = tmp_path / "mark"
        plugin(f"{before}; {SLEEP.format(mark=str(mark))}")
        job = start(nice=3)
        wait_until(lambda: mark.is_file() and mark.read_text())
        return job

    return begin


def wait_until(done, seconds=30):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gone(pid):
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().split()[2] == "Z"


def test_noise_on_stdout_and_a_plug_in_that_fails_do_not_harm_the_events(plugin, start, tmp_path):
    plugin("print('{\"event\": \"result\"}'); os.system('echo child'); os.write(1, b'raw\\n'); raise OSError('no')")
    with start() as job:
        events = list(job.events())
        with pytest.raises(UsageError, match="nowhere"):
            job.result()
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert len(warnings) == 1 and "plug-in odd 1 failed (call)" in warnings[0]
    assert all(isinstance(event, Event | Warned) for event in events)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_asked_to_end_it_ends_by_itself(asleep):
    with asleep() as job:
        assert int(Path(f"/proc/{job.pid}/stat").read_text().split()[18]) == 3
        os.kill(job.pid, signal.SIGTERM)
        with pytest.raises(InterruptedRunError, match="interrupted") as stop:
            job.result()
    assert "run it again" in stop.value.hint
    assert gone(job.pid)


def test_cancelling_and_leaving_the_block(asleep, tmp_path):
    with pytest.raises(RuntimeError), asleep() as job:
        raise RuntimeError
    with pytest.raises(InterruptedRunError, match=r"interrupted|cancelled"):
        job.result()
    assert gone(job.pid)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_one_that_will_not_end_is_ended(asleep):
    with asleep("signal.signal = lambda *_: None; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])") as job:
        before = time.monotonic()
        job.cancel()
        assert time.monotonic() - before > 1.9
        with pytest.raises(InterruptedRunError, match="cancelled"):
            job.result()
    assert gone(job.pid)


def test_one_that_is_killed_is_one_clear_error(asleep):
    with asleep() as job:
        os.kill(job.pid, signal.SIGKILL)
        with pytest.raises(TfbsHubError, match=r"was killed \(SIGKILL\)") as death:
            job.result()
    assert "memory" in death.value.hint


def test_one_that_dies_says_its_last_words(plugin, start):
    plugin("sys.stderr.write('Fatal: out of luck\\n'); sys.stderr.flush(); os._exit(7)")
    with start() as job, pytest.raises(TfbsHubError, match=r"exit status 7\): Fatal: out of luck"):
        job.result()


def test_it_ends_when_its_parent_is_gone(plugin, tmp_path):
    mark = tmp_path / "mark"
    plugin(SLEEP.format(mark=str(mark)))
    script = (
        "import sys\nfrom tfbs_hub.jobs import Job\n"
        f"job = Job.start('add-expert', {str(tmp_path / 'registry')!r}, {{'tf': 'X'}})\n"
        "for event in job.events(): pass"
    )
    path = os.pathsep.join(sys.path)
    with subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}) as parent:
        wait_until(lambda: mark.is_file() and mark.read_text())
        parent.kill()
    wait_until(lambda: gone(int(mark.read_text())))


def test_a_job_sees_the_modules_that_we_see_but_not_the_current_folder(plugin, start, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "msgspec.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path / "here")
    plugin("pass")
    with start() as job, pytest.raises(UsageError, match="nowhere"):
        job.result()


def test_errors_cross_the_border_as_they_are(tmp_path):
    with Job.start("retrain-gate", tmp_path / "no-registry", {}) as job, pytest.raises(NotFoundError) as error:
        job.result()
    assert error.value.where == str(tmp_path / "no-registry") and "--registry" in error.value.hint
