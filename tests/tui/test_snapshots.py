"""What screens look like, letter by letter and style by style, against pictures that somebody has looked at.

A picture is a text file in `snapshots`: the screen's letters, then for each of its lines the stretches that look
different from the plain ground. What is shown comes from the shipped registry and from answers made up here, so that
no clock, no path of a machine and no rounding of a processor is in it. After a change that is meant,

    TFBS_HUB_UPDATE_SNAPSHOTS=1 pytest tests/tui/test_snapshots.py

writes them anew: look at the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

import pytest

from tfbs_hub.tui.app import HubApp
from tfbs_hub.tui.running import JobRecord, Said
from tfbs_hub.workbench.messages import (
    DataView,
    Explained,
    Layer,
    Learned,
    Mark,
    Marks,
    ModelView,
    Motif,
    PairView,
    RunView,
    Surveyed,
    Track,
    Weighed,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "snapshots"
UPDATE = "TFBS_HUB_UPDATE_SNAPSHOTS"
LETTERS = "TTGACCTGAAGTCCGAGATAAGATCTTAGGCATCCA"


def attribution(strength):
    place = LETTERS.index("AGATAAG")
    inside = range(place, place + 7)
    return [strength * (1 + at % 3) / 2 if at in inside else ((at * 7) % 5 - 2) / 20 for at in range(len(LETTERS))]


def track(model, method, strength):
    actual = attribution(strength)
    return Track.of(
        Layer(model, method), strength * 2, actual, [[value / (1 + base) for value in actual] for base in range(4)], 101
    )


def model(name, auroc):
    interval = (auroc, auroc - 0.03, auroc + 0.02)
    alpha = {"ARID3A": 0.2, "FOXM1": 0.3, "GATA3": 0.5} if name == "moe" else {}
    curve = [(0.0, 0.0), (0.1, auroc - 0.2), (0.4, auroc), (1.0, 1.0)]
    return ModelView(name, interval, interval, (0.1, 0.08, 0.12), (0.05, 0.03, 0.07), 0.02, (auroc, 0.01), alpha, curve)


def answers():
    pair = PairView("moe", "GATA3", 0.045, 0.012, 0.078, "0.007", clear=True)
    data = DataView(
        *("planted", "planted", 1000, 500, "their own shuffles"),
        *("The mixture ranks best. The expert GATA3 comes second.", ["GATA3 was trained on a part of these."]),
        *([model("moe", 0.935), model("GATA3", 0.89)], "F(1, 58) = 12.0, p = 0.001; eta² 0.171, omega² 0.155"),
        *([pair], [pair], [pair]),
    )
    run = ("0123456789ab", "/run.h5", 30, 0, ["moe", "GATA3"], "One file.", "Trust DeLong first.", "Thirty are few.")
    motif = Motif(
        "Gata3",
        "JASPAR2026 MA0037.4",
        [[0.1, 0.9, 0.02, 0.9], [0.4, 0.03, 0.0, 0.05], [0.4, 0.03, 0.98, 0.0], [0.1, 0.04, 0.0, 0.05]],
    )
    return {
        RunView: RunView(*run, ["evaluate", "planted.fa"], [("moe", 0.935), ("GATA3", 0.89)], [data]),
        Learned: Learned([], motif, computed=False),
        Explained: Explained(
            [track("moe", "shiftsmooth", 0.8), track("GATA3", "gradient", -0.5)],
            Weighed(1.6, 0.832, ["ARID3A", "FOXM1", "GATA3"], [0.12, 0.2, 0.68], [-0.2, 0.1, 1.9], -0.2),
            0,
        ),
        Marks: Marks([Mark(15, 22, "Gata3", "+", "C4-GATA-related", 2e-5, 6.4)]),
        Surveyed: Surveyed([], ["deepbind", "residual"], ["encode", "files"], ["gradient", "shiftsmooth"]),
    }


async def experts(pilot):
    await pilot.press("down", "down")


async def gate(pilot):
    await pilot.press("2")


async def evaluate(pilot):
    await pilot.press("3")
    await pilot.pause(0.1)
    pilot.app.screen._opened("/run.h5")


async def explain(pilot):
    await pilot.press("4")
    screen = pilot.app.screen
    screen.asked = [Layer("moe", "shiftsmooth"), Layer("GATA3", "gradient")]
    screen.look_at(["a peak"], [LETTERS])
    await pilot.pause(0.8)


async def jobs(pilot):
    record = JobRecord(
        "20260102-030405-1", "train GATA3", "add-expert", {}, "/r", 1.7e9, state="failed", ended=1.7e9 + 65
    )
    record.error, record.hint = "the peaks have no rows", "look into the file"
    record.log = [Said(0, "start", "pid 1: add-expert"), Said(3, "progress", "reading"), Said(65, "error", "no rows")]
    pilot.app.jobs._records[record.id] = record
    await pilot.press("5")


PICTURES = [
    ("experts", experts, (80, 24), "tfbs-dark"),
    ("experts-wide", experts, (160, 50), "tfbs-light"),
    ("gate", gate, (80, 24), "tfbs-colour-blind"),
    ("evaluate", evaluate, (100, 30), "tfbs-light"),
    ("explain", explain, (80, 24), "tfbs-dark"),
    ("explain-small-without-colours", explain, (60, 20), None),
    ("jobs", jobs, (80, 24), "tfbs-dark"),
]


def picture(app):
    """The screen as text: its letters, and below them how they look."""
    strips = app.screen._compositor.render_strips()
    letters = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    looks = []
    for number, strip in enumerate(strips):
        column, found = 0, []
        for segment in strip:
            end = column + segment.cell_length
            style = (
                None
                if segment.style is None
                else segment.style.without_color + segment.style.from_color(segment.style.color, segment.style.bgcolor)
            )
            if segment.text.strip() or (style is not None and style.bgcolor is not None):
                found.append((column, end, str(style.clear_meta_and_links() if style is not None else "")))
            column = end
        looks.append(f"{number:2}  " + "; ".join(f"{first}-{last} {look}" for first, last, look in joined(found)))
    return "\n".join([*letters, "", *looks]) + "\n"


def joined(found):
    """Neighbours that look alike, as one."""
    whole = []
    for first, last, look in found:
        if whole and whole[-1][1] == first and whole[-1][2] == look:
            whole[-1] = (whole[-1][0], last, look)
        else:
            whole.append((first, last, look))
    return whole


@pytest.mark.parametrize(("name", "show", "size", "theme"), PICTURES, ids=[each[0] for each in PICTURES])
def test_a_screen_looks_as_it_did(opened, monkeypatch, waits, name, show, size, theme):
    home = Path(os.environ["HOME"])
    shutil.copytree(ROOT / "registry", home / "registry", ignore=shutil.ignore_patterns("evaluations"))
    told = answers()

    async def answered(self, request, kind, **options):
        return told[kind]

    monkeypatch.setattr(HubApp, "ask", answered)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    if theme is None:
        monkeypatch.setenv("NO_COLOR", "1")

    async def go():
        async with opened(size, folder=home / "registry") as pilot:
            pilot.app.animation_level = "none"
            pilot.app.theme = theme or "tfbs-dark"
            await show(pilot)
            await pilot.pause(0.2)
            return picture(pilot.app)

    try:
        shown = asyncio.run(go())
    finally:
        monkeypatch.undo()
        time.tzset()
    file = FOLDER / f"{name}.txt"
    if os.environ.get(UPDATE):
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown)
    assert shown == file.read_text(), f"{name} looks different; if that is meant, set {UPDATE}=1 and look at {file}"
