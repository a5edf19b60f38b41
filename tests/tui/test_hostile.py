"""Names, files and plug-ins may say anything: it is shown, and never done."""

from __future__ import annotations

import asyncio
import dataclasses
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.running import JobRecord, Said
from tfbs_hub.tui.screens.evaluate import EvaluateScreen
from tfbs_hub.tui.screens.plugins import PluginsScreen
from tfbs_hub.tui.text import block, home, line, told
from tfbs_hub.workbench.messages import (
    Assessed,
    DataView,
    Explained,
    Failure,
    Layer,
    Learned,
    Mark,
    Marks,
    ModelView,
    Motif,
    Neighbour,
    PackageView,
    PairView,
    RunView,
    Surveyed,
    Track,
    Weighed,
)

EVIL = "[@click=app.quit()]x[/]\x1b[31m\x1b]0;t\x07[bold\n\u202e[/nonsense] $accent \t{0}"
LETTERS = "ACGTACGTAC"


@given(st.text())
def test_a_line_is_one_line_without_control_characters(text):
    shown = line(text).plain
    assert len(shown) == len(text)
    assert all(unicodedata.category(letter)[0] != "C" for letter in shown)


@given(st.text())
def test_a_block_keeps_line_ends_alone(text):
    shown = block(text).plain
    assert all(letter == "\n" or unicodedata.category(letter)[0] != "C" for letter in shown)


def test_errors_are_told_as_they_stand():
    text = told(TfbsHubError(EVIL, where=EVIL, hint=EVIL)).plain
    assert "\x1b" not in text and "[@click=app.quit()]" in text


def test_paths_are_shortened_under_home_alone():
    assert home("/home/me/x", "/home/me") == "~/x" and home("/home/me", "/home/me/") == "~"
    assert home("/home/meow", "/home/me") == "/home/meow"


def evil_desk(desk: Desk) -> Desk:
    """The same registry, with everything in it called something evil."""
    specs = []
    for spec in desk.specs:
        card = dataclasses.replace(
            spec.card,
            tf=EVIL,
            family=EVIL,
            cell=EVIL,
            licence=EVIL,
            citation=EVIL,
            architecture=EVIL,
            config={EVIL: EVIL},
            provenance=dataclasses.replace(spec.card.provenance, source=EVIL, note=EVIL, negatives=EVIL),
            metrics=tuple(dataclasses.replace(metric, data=EVIL) for metric in spec.card.metrics),
        )
        specs.append(dataclasses.replace(spec, card=card, origin=EVIL))
    gate = dataclasses.replace(
        desk.gate,
        card=dataclasses.replace(
            desk.gate.card,
            recipe_name=EVIL,
            gate_sets=tuple(dataclasses.replace(score, name=EVIL, kind=EVIL) for score in desk.gate.card.gate_sets),
            members=tuple(dataclasses.replace(member, name=EVIL) for member in desk.gate.card.members),
        ),
    )
    history = tuple(dataclasses.replace(row, action=EVIL) for row in desk.history)
    return dataclasses.replace(desk, specs=tuple(specs), gate=gate, gates=(gate,), history=history)


def evil_answers():
    model = ModelView(
        EVIL, (0.9, 0.8, 1.0), (0.9, 0.8, 1.0), (0.1, 0, 1), (0, 0, 1), 0, (0.9, 0.1), {EVIL: 1.0}, [(0, 0), (1, 1)]
    )
    pair = PairView(EVIL, EVIL, 0.1, 0.0, 0.2, EVIL, clear=True)
    data = DataView(EVIL, EVIL, 2, 1, EVIL, EVIL, [EVIL], [model], EVIL, [pair], [pair], [pair])
    return {
        RunView: RunView(EVIL, "/x", 30, 0, [EVIL], EVIL, EVIL, EVIL, [EVIL], [(EVIL, 0.9)], [data, data]),
        Learned: Learned([Motif(EVIL, EVIL, [[1.0], [0], [0], [0]])], None, computed=True, note=EVIL),
        Explained: Explained(
            [Track.of(Layer(EVIL, EVIL), 1.0, [0.5] * 10, [[0.5] * 10] * 4, 101)],
            Weighed(1.0, 0.7, [EVIL], [1.0], [1.0], 0.0),
            0,
        ),
        Assessed: Assessed(EVIL, (0.9, 0.8, 1.0), 0.5, [Neighbour(EVIL, 0.9, 0.9, None, 0.1)], [EVIL]),
        Marks: Marks([Mark(2, 8, EVIL, "+", EVIL, 0.01, 1.0)]),
        Surveyed: Surveyed(
            [PackageView(EVIL, EVIL, [EVIL], [EVIL], [EVIL], [EVIL], [EVIL], [Failure(EVIL, EVIL, EVIL)])],
            [EVIL],
            [],
            [EVIL],
        ),
    }


def test_nothing_from_data_is_read_as_markup_or_reaches_the_terminal(opened, screen_text, monkeypatch):
    answers = evil_answers()

    async def answered(self, request, kind, **options):
        return answers[kind]

    monkeypatch.setattr("tfbs_hub.tui.app.HubApp.ask", answered)

    async def go():
        async with opened((160, 50)) as pilot:
            app = pilot.app
            app.desk = evil_desk(app.desk)
            record = JobRecord("x-1", EVIL, "evaluate", {}, EVIL, 0.0, state="failed", error=EVIL, hint=EVIL)
            record.log = [Said(0, kind, EVIL) for kind in ("start", "progress", "warning", "error")]
            app.jobs._records["x-1"] = record
            app.desk_changed.publish(app.desk)
            await pilot.pause(0.2)
            for number in range(1, 7):
                await pilot.press(str(number))
                await pilot.pause(0.1)
                if isinstance(app.screen, EvaluateScreen):
                    app.screen._opened("/x")
                    await pilot.pause(0.2)
                    for _ in range(3):
                        await pilot.press("t")
                elif number == 4:
                    app.screen.look_at([EVIL], [LETTERS])
                    app.screen.asked = [Layer(EVIL, EVIL)]
                    app.screen.explain()
                    await pilot.pause(0.8)
                elif isinstance(app.screen, PluginsScreen):
                    await pilot.pause(0.2)
                text = screen_text(app)
                assert not set(text) & {"\x1b", "\u202e", "\x07"}, (number, text)
                for key in ("question_mark", "ctrl+p"):
                    await pilot.press(key)
                    await pilot.pause(0.1)
                    await pilot.press("escape")
            app.tell(TfbsHubError(EVIL, hint=EVIL))
            app._plugin_failed(EVIL)
            await pilot.pause(0.2)
            await pilot.press("1", "w")
            await pilot.pause(0.2)
            assert not set(screen_text(app)) & {"\x1b", "\u202e", "\x07"}
            await pilot.press("escape", "c")
            await pilot.pause(0.2)
            await pilot.press("enter")
            await pilot.pause(0.2)
            assert app._exception is None and app.is_running

    asyncio.run(go())
