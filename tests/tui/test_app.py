"""The whole application through its keys, at several sizes, on a real registry."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import pytest
from textual.widgets import Input

from tfbs_hub.tui import session
from tfbs_hub.tui.app import HubApp
from tfbs_hub.tui.screens.keys import KeysScreen
from tfbs_hub.tui.screens.small import SmallScreen
from tfbs_hub.tui.themes import THEMES
from tfbs_hub.tui.widgets.bars import SCREENS
from tfbs_hub.tui.widgets.dialogs import Confirm, Trouble
from tfbs_hub.tui.widgets.keybar import KeyBar
from tfbs_hub.tui.widgets.table import Table
from tfbs_hub.tui.widgets.track import TrackView
from tfbs_hub.workbench.messages import Explained, Layer, Track


def explained(layers, length):
    tracks = [Track.of(Layer(*layer), 1.0, [0.5] * length, [[0.0] * length] * 4, 61) for layer in layers]
    return Explained(tracks, None, 0)


SIZES = [(60, 20), (80, 24), (160, 50), (300, 90)]
"""Columns and rows."""


def run(coroutine):
    return asyncio.run(coroutine)


@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]])
def test_every_screen_can_be_reached_and_shows_itself(opened, screen_text, size):
    async def go():
        async with opened(size) as pilot:
            for number, (name, title) in enumerate(SCREENS.items(), 1):
                await pilot.press(str(number))
                await pilot.pause(0.1)
                assert pilot.app.current_mode == name
                text = screen_text(pilot.app)
                assert f"{number} {title[:4]}" in text
                assert len(text.split("\n")) == size[1]

    run(go())


LEAVING = {"ctrl+q", "ctrl+c", "f12", "super+c", "ctrl+insert", *"123456"}
"""Keys that leave the program, or the screen for another one, or write a file into the folder of downloads."""


def _keys(app, number):
    """Every key of the screen and of what is in it; those of everywhere on the first screen."""
    nodes = [*([app] if number == 1 else []), app.screen, *app.screen.query("*")]
    found = {key for node in nodes for key in node._bindings.key_to_bindings}
    return sorted(found - LEAVING)


@pytest.mark.parametrize("size", SIZES[:3])
def test_every_key_of_every_screen_does_something_or_nothing_and_never_harm(opened, monkeypatch, size):
    """Models are not asked here: whoever asks is told that nobody is there."""
    from tfbs_hub.errors import TfbsHubError

    async def nobody(self, request, kind, **options):
        raise TfbsHubError("nobody is there", hint="come back")

    monkeypatch.setattr(HubApp, "ask", nobody)
    monkeypatch.setattr(HubApp, "start_job", lambda self, *arguments: None)

    async def go():
        async with opened(size) as pilot:
            app, pressed, met = pilot.app, 0, set()

            async def press(key):
                """As the pilot does it, without waiting for a quiet processor after each of some five hundred keys."""
                app.simulate_key(key)
                await pilot._wait_for_screen()
                await pilot._wait_for_screen()

            for number in range(1, 7):
                await pilot.press(str(number))
                home = app.screen
                if number == 4:
                    home.subject.take(["x"], ["ACGT" * 30])
                    home.explained = explained([("moe", "gradient")], 120)
                    home.draw()
                    await pilot.pause()
                focus = app.focused
                for key in _keys(app, number):
                    home.set_focus(focus)
                    await press(key)
                    pressed += 1
                    met.add(type(app.screen).__name__)
                    for _ in range(4):
                        if app.screen is home:
                            break
                        await press("escape")
                    if app.screen is not home:
                        await pilot.press(str(number))
                    assert app.screen is home, (number, key)
            assert app._exception is None and pressed > 150
            assert met >= {"AddExpertScreen", "RetrainScreen", "NewEvaluationScreen", "SequencesScreen", "Pick"}
            assert met >= {"KeysScreen", "CommandPalette", "AskPath", "AssessScreen", "ExportScreen"}

    run(go())


def test_experts_are_filtered_and_switched(opened, waits, registry):
    async def go():
        async with opened() as pilot:
            app, table = pilot.app, pilot.app.screen.query_one("#experts", Table)
            assert [row.value for row in table.rows] == ["EBOX", "ETS"]
            await pilot.press("slash", "e", "t", "s", "enter")
            await pilot.pause()
            assert [row.value for row in table.rows] == ["ETS"]
            await pilot.press("e")
            await waits(pilot, lambda: not app.desk.spec("ETS").enabled)
            await pilot.press("escape")
            await pilot.pause()
            assert len(table.rows) == 2 and table.chosen == "ETS"

    run(go())
    from tfbs_hub import Hub

    assert not Hub.open(registry).spec("ETS").enabled


def test_what_another_process_changes_is_seen(opened, waits, registry):
    from tfbs_hub import Hub

    async def go():
        async with opened() as pilot:
            Hub.open(registry).disable("EBOX")
            await waits(pilot, lambda: not pilot.app.desk.spec("EBOX").enabled)

    run(go())


def test_rolling_back_asks_first(opened, waits, registry):
    from tfbs_hub import Hub

    Hub.open(registry).disable("EBOX")

    async def go():
        async with opened() as pilot:
            app = pilot.app
            await pilot.press("2")
            await pilot.pause()
            app.screen.query_one("#history").focus()
            await pilot.press("down", "b")
            await pilot.pause()
            assert isinstance(app.screen, Confirm)
            await pilot.press("n")
            await pilot.pause()
            assert not app.desk.spec("EBOX").enabled
            await pilot.press("b")
            await pilot.pause()
            await pilot.press("y")
            await waits(pilot, lambda: app.desk.spec("EBOX").enabled)

    run(go())


def test_below_60_by_20_it_says_so_and_comes_back(opened, screen_text):
    async def go():
        async with opened((59, 30)) as pilot:
            await pilot.pause()
            assert isinstance(pilot.app.screen, SmallScreen)
            assert "60 x 20" in screen_text(pilot.app)
            await pilot.resize_terminal(60, 20)
            await pilot.pause()
            assert not isinstance(pilot.app.screen, SmallScreen)
            await pilot.resize_terminal(20, 5)
            await pilot.pause()
            assert isinstance(pilot.app.screen, SmallScreen)

    run(go())


def test_every_theme_draws_every_screen(opened):
    async def go():
        async with opened() as pilot:
            for theme in [THEMES[1].name, THEMES[2].name, "nord", "ansi-light"]:
                pilot.app.theme = theme
                for number in range(1, 7):
                    await pilot.press(str(number))
                assert pilot.app.export_screenshot()

    run(go())


def test_without_colours_nothing_breaks(opened, monkeypatch, waits):
    monkeypatch.setenv("NO_COLOR", "1")

    async def go():
        async with opened() as pilot:
            assert pilot.app.no_color
            for number in range(1, 7):
                await pilot.press(str(number))
                await pilot.pause(0.05)
            assert pilot.app.export_screenshot()

    run(go())


def test_the_session_goes_on_where_it_stopped(opened):
    async def first():
        async with opened() as pilot:
            await pilot.press("down", "5")
            await pilot.pause()
            pilot.app.theme = "tfbs-light"
            await pilot.press("ctrl+q")

    async def second():
        async with opened() as pilot:
            assert pilot.app.current_mode == "jobs" and pilot.app.theme == "tfbs-light"
            await pilot.press("1")
            await pilot.pause()
            assert pilot.app.screen.query_one("#experts", Table).chosen == "ETS"

    run(first())
    run(second())


def test_a_sequence_is_found_again_as_it_was_left(opened, waits, monkeypatch):
    """Strand, changes, layers, cursor and zoom; and who leaves while models are asked leaves at once."""
    asked = []

    async def answered(self, request, kind, **options):
        if kind is not Explained:
            return await asyncio.sleep(60)
        asked.append(request)
        return explained([(layer.model, layer.method) for layer in request.layers], len(request.letters))

    monkeypatch.setattr(HubApp, "ask", answered)

    async def first():
        async with opened() as pilot:
            await pilot.press("4")
            screen = pilot.app.screen
            screen.asked = [Layer("moe", "gradient"), Layer("ETS", "saliency")]
            screen.look_at(["one", "two"], ["A" * 90, "ACGT" * 100], 1)
            await waits(pilot, lambda: screen.query_one(TrackView).shown)
            await pilot.press("home", *["right"] * 6, "t", "r", "minus", "minus")
            await waits(pilot, lambda: screen.subject.flipped and screen.query_one(TrackView).view.dense == 5)
            await pilot.press("ctrl+q")
            return screen.query_one(TrackView).view.cursor

    async def second():
        async with opened() as pilot:
            screen = pilot.app.screen
            await waits(pilot, lambda: screen.query_one(TrackView).shown)
            view = screen.query_one(TrackView).view
            return screen.subject, screen.asked, view.cursor, view.dense

    cursor = run(first())
    subject, layers, again, dense = run(second())
    assert (again, dense, cursor) == (393, 5, 393)
    assert (subject.name, subject.flipped, list(map(str, subject.edits))) == ("two", True, ["C394A"])
    assert layers == [Layer("moe", "gradient"), Layer("ETS", "saliency")]
    assert asked[-1].letters == subject.present


def test_a_session_keeps_what_can_be_read_again(tmp_path):
    many = session.Explaining(["a", "b", "c"], ["A" * 150_000, "C" * 900_000, "G" * 9], chosen=1, cursor=5)
    few = session.Explaining([f"{number}" for number in range(80)], ["ACGT"] * 80, chosen=79)
    session.save(tmp_path, session.Session(explaining={"x": many, "y": few}))
    found = session.load(tmp_path).explaining
    assert (found["x"].names, found["x"].chosen, found["x"].cursor) == (["b"], 0, 5)
    assert len(found["y"].names) == 50 and found["y"].names[found["y"].chosen] == "79"


def test_the_wizard_offers_every_kind_of_negatives_that_training_takes(opened, tmp_path):
    from tfbs_hub.tui.screens import add_expert
    from tfbs_hub.workflows.add_expert import NEGATIVES, OF_OTHERS

    assert set(add_expert._NEGATIVES) - {add_expert._USUAL} == set(NEGATIVES)
    assert add_expert._OF_OTHERS == OF_OTHERS
    for name in ("GATA3.fa", "FOXM1.fa"):
        (tmp_path / name).write_text(">a\nACGT\n")
    chosen = []

    async def go():
        async with opened() as pilot:
            screen = add_expert.AddExpertScreen()
            pilot.app.push_screen(screen, chosen.append)
            await pilot.pause()
            await pilot.press(*"STAT3", "ctrl+s")
            screen.query_one("#negatives").value = "mixed"
            await pilot.pause()
            await pilot.press("ctrl+s")
            await pilot.pause()
            assert screen.query_one("#field-others").display
            assert "other factors' peaks" in str(screen.query_one(Trouble).render())
            screen.query_one("#field-others", Input).value = str(tmp_path / "*.fa")
            await pilot.press("ctrl+s")
            await pilot.pause()
            await pilot.press("ctrl+s")

    run(go())
    assert chosen[0]["negatives"] == "mixed"
    assert chosen[0]["others"] == [str(tmp_path / "FOXM1.fa"), str(tmp_path / "GATA3.fa")]
    assert "--negatives mixed --others" in add_expert.command_line(chosen[0])


def test_keys_in_the_bar_can_be_clicked_and_none_is_cut(opened, screen_text):
    async def go():
        async with opened((60, 20)) as pilot:
            bar = screen_text(pilot.app).split("\n")[-1]
            assert bar.rstrip().endswith("? All keys") and "Explain with" in bar and "Motifs" not in bar
            await pilot.click(KeyBar, offset=(bar.index("Add"), 0))
            await pilot.pause()
            assert type(pilot.app.screen).__name__ == "AddExpertScreen"
            await pilot.press("escape")
            await pilot.click(KeyBar, offset=(bar.index("All keys"), 0))
            await pilot.pause()
            assert isinstance(pilot.app.screen, KeysScreen)

    run(go())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99}', '{"screen": 3}', "\0" * 100])
def test_a_damaged_session_is_forgotten(tmp_path, content):
    (tmp_path / "session.json").write_text(content)
    assert session.load(tmp_path) == session.Session()


def test_keys_can_be_changed_and_stay_changed(opened, tmp_path):
    from tfbs_hub import settings

    async def first():
        async with opened() as pilot:
            await pilot.press("question_mark")
            await pilot.pause()
            assert isinstance(pilot.app.screen, KeysScreen)
            pilot.app.screen.query_one("#keys", Table).focus()
            await pilot.press("enter", "j")  # the first row: add an expert
            await pilot.press("escape")
            await pilot.pause()
            await pilot.press("j")
            await pilot.pause()
            assert type(pilot.app.screen).__name__ == "AddExpertScreen"

    run(first())
    assert json.loads((settings.config_folder() / "keys.json").read_text()) == {"experts.add": "j"}

    async def second():
        async with opened() as pilot:
            await pilot.press("a")
            await pilot.pause()
            assert pilot.app.screen.__class__.__name__ == "ExpertsScreen"
            await pilot.press("j")
            await pilot.pause()
            assert type(pilot.app.screen).__name__ == "AddExpertScreen"

    run(second())


def test_keys_that_cannot_be_read_are_told(opened, screen_text):
    from tfbs_hub import settings

    settings.config_folder().mkdir(parents=True)
    (settings.config_folder() / "keys.json").write_text("nonsense [bold]")

    async def go():
        async with opened() as pilot:
            await pilot.pause(0.2)
            assert "keys cannot be read" in screen_text(pilot.app)

    run(go())


def test_a_folder_without_a_registry_is_a_message(opened, screen_text, tmp_path):
    async def go():
        async with opened(folder=tmp_path / "nowhere", wait=False) as pilot:
            await pilot.pause(0.6)
            assert "no registry here" in screen_text(pilot.app)
            for number in range(1, 7):
                await pilot.press(str(number))
                await pilot.pause(0.05)
            await pilot.press("ctrl+q")

    run(go())


def test_an_empty_registry_says_what_to_do(opened, screen_text, tmp_path):
    from tfbs_hub.registry import Registry

    Registry.create(tmp_path / "empty")
    words = ["No experts yet", "No gate yet", "No evaluation yet", "Which bases matter", "No job yet", ""]

    async def go():
        async with opened(folder=tmp_path / "empty") as pilot:
            for number, word in enumerate(words, 1):
                await pilot.press(str(number))
                await pilot.pause(0.3)
                assert word in screen_text(pilot.app)

    run(go())


def test_a_damaged_registry_is_a_message(opened, screen_text, registry):
    newest = max((registry / "generations").iterdir())
    newest.write_bytes(newest.read_bytes()[:-9])

    async def go():
        async with opened() as pilot:
            assert pilot.app.desk.trouble is not None
            assert "damaged" in screen_text(pilot.app).lower()
            for number in range(1, 7):
                await pilot.press(str(number))
                await pilot.pause(0.05)

    run(go())


def test_a_registry_that_may_not_be_written_says_so(opened, screen_text, registry, monkeypatch):
    from tfbs_hub.registry import Registry

    usual = Registry.open.__func__
    monkeypatch.setattr(Registry, "open", classmethod(lambda cls, path, **more: usual(cls, path, read_only=True)))

    async def go():
        async with opened() as pilot:
            assert "read-only" in screen_text(pilot.app)
            await pilot.press("a")
            await pilot.pause(0.2)
            assert type(pilot.app.screen).__name__ == "ExpertsScreen"
            assert "--registry" in screen_text(pilot.app)
            await pilot.press("e")
            await pilot.pause(0.3)
            assert pilot.app.desk.spec("EBOX").enabled

    run(go())


def test_the_palette_offers_what_the_screen_can_do(opened, screen_text):
    async def go():
        async with opened() as pilot:
            await pilot.press("ctrl+p")
            await pilot.pause(0.3)
            await pilot.press(*"go to gate", "enter")
            await pilot.pause(0.5)
            assert pilot.app.current_mode == "gate"

    run(go())


def test_digits_go_into_fields_and_ctrl_q_leaves_from_there(opened):
    async def go():
        async with opened() as pilot:
            await pilot.press("slash", "4")
            await pilot.pause()
            assert pilot.app.current_mode == "experts"
            assert pilot.app.screen.query_one("#filter", Input).value == "4"
            await pilot.press("ctrl+q")
            await pilot.pause()
            assert not pilot.app.is_running or pilot.app._exit

    run(go())


def test_torch_is_never_imported_and_the_first_picture_is_soon(registry):
    script = (
        "import asyncio, sys, time\n"
        "import textual.app, textual.widgets\n"
        "begin = time.perf_counter()\n"
        "from tfbs_hub.tui.app import HubApp\n"
        "async def go():\n"
        f"    app = HubApp({str(registry)!r})\n"
        "    async with app.run_test(size=(120, 40)) as pilot:\n"
        "        took = time.perf_counter() - begin\n"
        "        while app.desk is None: await pilot.pause(0.02)\n"
        "        for key in '123456': await pilot.press(key)\n"
        "        heavy = ('torch', 'h5py', 'scipy', 'sklearn', 'numpy', 'matplotlib')\n"
        "        bad = [name for name in heavy if name in sys.modules]\n"
        "        print(took, *bad)\n"
        "asyncio.run(go())\n"
    )
    best, imported = 99.0, []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
        took, *imported = done.stdout.split()
        best = min(best, float(took))
    assert imported == []
    # A second on a quiet machine; a busy one is given time.
    assert best < 5


def test_leaving_is_quick(opened):
    async def go():
        async with opened() as pilot:
            await pilot.press("ctrl+q")
            return time.monotonic()

    begun = run(go())
    assert time.monotonic() - begun < 5
