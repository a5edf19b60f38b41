"""Questions to the process that holds the models, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub import Hub
from tfbs_hub.errors import InputError, NotFoundError, TfbsHubError, UsageError
from tfbs_hub.workbench.client import Workbench
from tfbs_hub.workbench.lens import LONGEST, Lens
from tfbs_hub.workbench.messages import (
    Change,
    Changed,
    Explain,
    Explained,
    Export,
    Layer,
    Learn,
    Learned,
    OpenRun,
    ReadSequences,
    RunView,
    Sequences,
    Survey,
    Surveyed,
    Track,
)

SITE = "ACGTACGTTGCATGCACCGGAAGTACGATCGATTTAGCATCGGATTACGCATTAGCATCGA"


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def asked(registry, *requests, **options):
    """The answers to requests, all asked at once, and the process' number after it was closed."""

    async def go():
        bench = Workbench(registry, **options)
        try:
            found = await asyncio.gather(*(bench.ask(ask, kind) for ask, kind in requests), return_exceptions=True)
            return found, bench.pid
        finally:
            bench.close()

    found, pid = asyncio.run(go())
    assert gone(pid)
    return found


def test_answers_come_to_whoever_asked(registry, tmp_path):
    path = tmp_path / "two.fa"
    path.write_text(">a\nACGTRYK\n>b\nacgt\n")
    read, pasted, wrong, missing, survey, known = asked(
        registry,
        (ReadSequences(path=str(path)), Sequences),
        (ReadSequences(text="ACGT ACGT\n\n  TTTT\n", limit=1), Sequences),
        (ReadSequences(text=">x\nAC!T"), Sequences),
        (OpenRun(path=str(tmp_path / "none.h5")), RunView),
        (Survey(), Surveyed),
        (Change(enable="EBOX"), Changed),
    )
    assert (read.names, read.letters, read.ambiguous) == (["a", "b"], ["ACGTNNN", "ACGT"], 3)
    assert (pasted.letters, pasted.more) == (["ACGTACGT"], True)
    assert isinstance(wrong, InputError) and wrong.where.startswith("pasted text") and "DNA letters" in wrong.hint
    assert isinstance(missing, NotFoundError)
    assert "residual" in survey.architectures and "shiftsmooth" in survey.methods and survey.packages == []
    assert known.name == "EBOX"


def test_a_read_only_registry_stays_as_it_is(registry):
    (error,) = asked(registry, (Change(enable="EBOX"), Changed), read_only=True)
    assert type(error).__name__ == "ReadOnlyError"


def test_it_dies_with_whoever_started_it(registry):
    script = (
        "import asyncio, os\nfrom pathlib import Path\n"
        "from tfbs_hub.workbench.client import Workbench\n"
        "from tfbs_hub.workbench.messages import *\n"
        "async def go():\n"
        f"    bench = Workbench(Path({str(registry)!r}))\n"
        "    await bench.ask(ReadSequences(text='ACGT'), Sequences)\n"
        "    print(bench.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(go())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    pid = int(done.stdout)
    for _ in range(200):
        if gone(pid):
            break
        subprocess.run(["sleep", "0.05"], check=True)
    assert gone(pid)


def test_one_that_is_killed_is_an_error_and_the_next_question_finds_another(registry):
    async def go():
        bench = Workbench(registry)
        ask = ReadSequences(text="ACGT")
        await bench.ask(ask, Sequences)
        first = bench.pid
        waiting = asyncio.ensure_future(bench.ask(Learn(name="EBOX", compute=True), Learned))
        await asyncio.sleep(0.1)
        os.kill(first, 9)
        with pytest.raises(TfbsHubError, match="ended"):
            await waiting
        assert (await bench.ask(ask, Sequences)).letters == ["ACGT"]
        assert bench.pid != first
        bench.close()

    asyncio.run(go())


def test_a_question_that_nobody_waits_for_is_not_asked(registry):
    async def go():
        bench = Workbench(registry)
        first = asyncio.ensure_future(bench.ask(ReadSequences(text="ACGT"), Sequences))
        second = asyncio.ensure_future(bench.ask(ReadSequences(text="TTTT"), Sequences))
        await asyncio.sleep(0)
        second.cancel()
        assert (await first).letters == ["ACGT"]
        await asyncio.sleep(0)
        assert not bench.busy
        bench.close()
        with pytest.raises(TypeError):
            await bench.ask(ReadSequences(text="ACGT"), Explained)

    asyncio.run(go())


def test_an_explanation_that_nobody_waits_for_is_given_up(registry):
    """Thirty seconds of work are behind the first question; the second one waits for a moment."""
    letters = "ACGTTGCAAC" * 20_000

    async def go():
        bench = Workbench(registry)
        await bench.ask(Explain(name="x", letters=SITE, layers=[Layer("moe", "mutagenesis")]), Explained)
        seen = []
        long = Explain(name="x", letters=letters, layers=[Layer("moe", "mutagenesis")])
        first = asyncio.ensure_future(bench.ask(long, Explained, seen.append))
        while not seen:
            await asyncio.sleep(0.01)
        first.cancel()
        begun = time.monotonic()
        assert (await bench.ask(ReadSequences(text="ACGT"), Sequences)).letters == ["ACGT"]
        took = time.monotonic() - begun
        bench.close()
        return seen[0], took

    event, took = asyncio.run(go())
    assert event.total > 1000 and took < 15


def test_a_long_question_does_not_wait_for_a_process_that_still_starts(registry):
    async def go():
        bench = Workbench(registry)
        begun = time.monotonic()
        waiting = asyncio.ensure_future(bench.ask(ReadSequences(text="ACGT\n" * 400_000, limit=3), Sequences))
        await asyncio.sleep(0)
        asked = time.monotonic() - begun
        found = await waiting
        bench.close()
        return asked, time.monotonic() - begun, found

    asked, took, found = asyncio.run(go())
    assert asked < took / 2 and found.more and len(found.names) == 3


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), max_size=30).flatmap(
        lambda row: st.tuples(st.just(row), st.lists(st.just(row), min_size=4, max_size=4))
    )
)
def test_figures_of_a_track_come_as_they_went(figures):
    actual, hypothetical = figures
    sent = msgspec.json.encode(Track.of(Layer("moe", "gradient"), 1.5, actual, hypothetical, 101))
    found = msgspec.json.decode(sent, type=Track)
    assert list(found.actual) == actual
    assert [list(row) for row in found.hypothetical] == hypothetical


def test_nonsense_on_stdin_is_an_error_and_no_end(registry):
    lines = b'nonsense\n{"id": 1, "ask": {"type": "unheard-of"}}\n{"id": 2, "ask": {"type": "read", "text": "ACGT"}}\n'
    command = [sys.executable, "-m", "tfbs_hub.workbench", str(registry)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(lines)
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()
        assert process.wait(60) == 0
    assert [answer["id"] for answer in answers] == [-1, -1, 2]
    assert all(answer["error"]["type"] == "InputError" for answer in answers[:2])
    assert "result" in answers[2]


def test_an_end_of_stdin_at_any_moment_is_a_quiet_end(registry):
    for lines in (b"", b"nonsense\n", b'{"id": 2, "ask": {"type": "read", "text": "ACGT"}}\n'):
        command = [sys.executable, "-m", "tfbs_hub.workbench", str(registry)]
        done = subprocess.run(command, input=lines, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_explaining_agrees_with_the_hub(registry, tmp_path):
    hub = Hub.open(registry)
    lens = Lens(hub)
    layers = [Layer("moe", "shiftsmooth"), Layer("ETS", "gradient")]
    found = lens.explain(Explain(name="x", letters=SITE, layers=layers))
    direct = hub.explain([SITE])
    assert found.tracks[0].actual == pytest.approx(direct.actual[0].tolist())
    assert found.tracks[0].logit == pytest.approx(float(direct.logit[0]))
    predicted = hub.predict([SITE])
    assert found.mixture.logit == pytest.approx(float(predicted.logit[0]), abs=1e-5)
    assert sum(found.mixture.contribution) + found.mixture.bias == pytest.approx(found.mixture.logit, abs=1e-4)
    assert sum(found.mixture.alpha) == pytest.approx(1)
    assert found.tiled == 0

    long = lens.explain(Explain(name="x", letters=SITE * 4, layers=layers))
    assert long.tiled > 0 and len(long.tracks[0].actual) == 4 * len(SITE)
    with pytest.raises(InputError, match="most"):
        lens.explain(Explain(name="x", letters="A" * (LONGEST + 1), layers=layers))

    done = lens.export(Export(names=["x"], letters=[SITE], layers=layers, path=str(tmp_path / "x.tsv"), seqlets=False))
    assert Path(done.path).stat().st_size == done.size
    with pytest.raises(UsageError):
        lens.export(Export(names=["x"], letters=[SITE], layers=layers, path=str(tmp_path / "x.doc")))


def test_another_gate_is_noticed(registry):
    hub = Hub.open(registry)
    lens = Lens(hub)
    ask = Explain(name="x", letters=SITE, layers=[Layer("moe", "gradient")])
    before = lens.explain(ask).mixture.logit
    hub.retrain_gate(seed=3, device="cpu")
    assert lens.explain(ask).mixture.logit != before
