"""What a user does from start to end, with the real models and the real jobs."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from textual.widgets import Input, TextArea

from tfbs_hub.tui.screens.evaluate import EvaluateScreen
from tfbs_hub.tui.screens.sequences import SequencesScreen
from tfbs_hub.tui.widgets.gate_panel import GatePanel
from tfbs_hub.tui.widgets.table import Table
from tfbs_hub.tui.widgets.track import TrackView

SITE = "ACGTACGTTGCATGCACCGGAAGTACGATCGATTTAGCATCGGATTACGCATTAGCATCGA"


def gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def paste(pilot, waits, text):
    await pilot.press("o")
    await pilot.pause()
    assert isinstance(pilot.app.screen, SequencesScreen)
    pilot.app.screen.query_one(TextArea).text = text
    await pilot.press("ctrl+s")


def test_explaining_from_pasting_to_exporting(opened, waits, screen_text, tmp_path):
    async def go():
        async with opened((140, 45)) as pilot:
            app = pilot.app
            await pilot.press("4")
            await pilot.pause()
            screen = app.screen
            await paste(pilot, waits, "> one\nACGTZZ")
            await waits(pilot, lambda: "no DNA letter" in screen_text(app))
            assert "pasted text" in screen_text(app)
            app.screen.query_one(TextArea).text = f">one\n{SITE}\n>two\nacgtn\n"
            await pilot.press("ctrl+s")
            await waits(pilot, lambda: screen.explained is not None)
            track = screen.query_one(TrackView)
            await waits(pilot, lambda: track.shown and app.screen is screen)
            assert "moe · shiftsmooth" in screen_text(app) and "ACCGGAAGT" in screen_text(app)

            # Change a base in the site, see the prediction change, take it back.
            before = screen.explained.mixture.logit
            track.view.move(SITE.index("CCGGAAGT") + 3)
            await pilot.press("c")
            await waits(pilot, lambda: screen.explained.mixture.logit != before)
            assert [str(edit) for edit in screen.subject.edits] == ["G20C"] and "G20C" in screen_text(app)
            assert abs(screen.explained.mixture.logit - before) > 0.1
            await pilot.press("u")
            await waits(pilot, lambda: screen.explained.mixture.logit == pytest.approx(before))

            # Another layer, by keys alone.
            await pilot.press("l")
            await pilot.pause()
            await pilot.press(*"ets", "enter")
            await pilot.pause()
            await pilot.press(*"gradient", "enter")
            await waits(pilot, lambda: len(track.shown) == 2)
            assert track.shown[1].label == "ETS · gradient"

            # The other strand.
            cursor = track.view.cursor
            await pilot.press("r")
            await waits(pilot, lambda: track.view.cursor == len(SITE) - 1 - cursor and "ACTTCCGGT" in screen_text(app))
            await pilot.press("r", "k")
            await waits(pilot, lambda: len(track.shown) == 1)

            # Zoom, pan, click.
            for key in ("minus", "minus", "plus", "pagedown", "end", "home", "0", "shift+right"):
                await pilot.press(key)
            await pilot.click(TrackView, offset=(20, 3))
            assert track.view.cursor == track.view.base(12)

            # The short one, and an export.
            await pilot.press("right_square_bracket")
            await waits(pilot, lambda: screen.explained is not None and len(screen.explained.tracks[0].actual) == 5)
            await pilot.press("v")
            await pilot.pause()
            app.screen.query_one("#path", Input).value = str(tmp_path / "out.tsv")
            await pilot.press("enter")
            await waits(pilot, (tmp_path / "out.tsv").is_file)
            assert screen.query_one(GatePanel)._now is not None
            pids = [bench.pid for bench in app._benches if bench.pid]
        assert pids and all(map(gone, pids))
        return screen

    asyncio.run(go())


def test_evaluating_from_the_form_to_the_tests(opened, waits, screen_text, trained, registry):
    async def go():
        async with opened((140, 45)) as pilot:
            app = pilot.app
            await pilot.press("3", "n")
            await pilot.pause()
            app.screen.query_one("#file", Input).value = str(trained.labelled["ETS"].parent / "*_test.fa")
            await pilot.press("enter")
            await waits(pilot, lambda: app.screen.query_one("#files").option_count == 2)
            await pilot.press("ctrl+s")
            await waits(pilot, lambda: [True for record in app.jobs.records if record.state != "running"])
            assert app.jobs.records[0].state == "done", app.jobs.records[0].error
            screen = app.screen
            await waits(pilot, lambda: screen.run_view is not None)
            assert len(screen.run_view.datasets) == 2
            text = screen_text(app)
            assert "ranks best" in text and "●" in text
            assert screen.query_one("#result-pane").border_subtitle.startswith("data set 1 of 2")
            await pilot.press("t")
            await pilot.pause()
            assert "false positive rate" in screen_text(app)
            await pilot.press("t", "right_square_bracket")
            await pilot.pause()
            assert "DeLong" in screen_text(app) and screen.data == 1
            # It is the registry's own, and no copy is left.
            assert [path.parent for path in app.desk.runs] == [registry / "evaluations"]
            assert list((app.state / "evaluations").iterdir()) == []

            await pilot.press("5")
            await pilot.pause(0.2)
            assert "evaluate 2 files" in screen_text(app)

    asyncio.run(go())


def test_a_run_opened_from_a_file_is_listed_at_once_and_stays(opened, waits, screen_text, tmp_path):
    """It was listed only when the registry was next looked at, and lost if that came before it was read."""
    file = tmp_path / "gone.h5"

    async def go():
        async with opened() as pilot:
            app = pilot.app
            await pilot.press("3", "o")
            await pilot.pause()
            app.screen.query_one("#path", Input).value = str(file)
            await pilot.press("enter")
            await waits(pilot, lambda: isinstance(app.screen, EvaluateScreen))
            table = app.screen.query_one("#runs", Table)
            assert table.chosen == str(file)
            app.desk_changed.publish(app.desk)
            assert table.chosen == str(file)
            await waits(pilot, lambda: "cannot be read" in screen_text(app))
            app.desk_changed.publish(app.desk)
            assert table.chosen == str(file) and table.row_count == 1

    asyncio.run(go())


def test_retraining_shows_before_and_after_and_a_failing_job_says_why(opened, waits, screen_text):
    async def go():
        async with opened((140, 45)) as pilot:
            app = pilot.app
            await pilot.press("2", "t")
            await pilot.pause()
            app.screen.query_one("#seed", Input).value = "7"
            await pilot.press("ctrl+s")
            await waits(pilot, lambda: app.jobs.records and app.jobs.records[0].state != "running")
            assert app.jobs.records[0].state == "done", app.jobs.records[0].error
            await waits(pilot, lambda: len(app.desk.gates) == 2)
            await pilot.pause(0.2)
            text = screen_text(app)
            assert "before" in text and "current" in text

            await pilot.press("1", "a")
            await pilot.pause()
            await pilot.press(*"NOSUCHTF", "ctrl+s")
            await pilot.pause()
            await pilot.press("down", "down", "down", "enter", "ctrl+s")  # simulated from JASPAR
            await pilot.pause()
            assert "--source jaspar" in screen_text(app)
            await pilot.press("ctrl+s")
            await waits(pilot, lambda: app.jobs.records[0].state == "failed")
            await pilot.press("5")
            await pilot.pause(0.3)
            assert "has no matrix for" in screen_text(app)

    asyncio.run(go())


def test_leaving_while_a_job_runs_asks_and_leaves_nothing_behind(opened, waits, screen_text):
    async def go():
        async with opened() as pilot:
            app = pilot.app
            record = app.start_job("train X", "add-expert", {"tf": "GATA3", "source": "jaspar", "device": "cpu"})
            pid = int(record.id.rpartition("-")[2])
            await pilot.press("ctrl+q")
            await pilot.pause()
            assert "A job is running" in screen_text(app)
            await pilot.press("n")
            await pilot.pause()
            assert record.state == "running"
            await pilot.press("4", "ctrl+q")
            await pilot.pause()
            begun = time.monotonic()
            await pilot.press("y")
            await pilot.pause()
        took = time.monotonic() - begun
        assert gone(pid)
        return record, took

    record, took = asyncio.run(go())
    assert record.state == "cancelled"
    # Two seconds on a quiet machine; a busy one is given time.
    assert took < 6


def test_a_job_is_cancelled_from_the_jobs_screen(opened, waits):
    async def go():
        async with opened() as pilot:
            app = pilot.app
            record = app.start_job("train X", "add-expert", {"tf": "GATA3", "source": "jaspar", "device": "cpu"})
            await pilot.press("5")
            await pilot.pause(0.1)
            await pilot.press("z")
            await pilot.pause()
            await pilot.press("y")
            await waits(pilot, lambda: record.state == "cancelled", seconds=10)
            assert (app.state / "jobs" / f"{record.id}.json").is_file()

    asyncio.run(go())


def test_a_model_process_that_dies_is_a_message_and_the_next_question_starts_another(opened, waits, screen_text):
    async def go():
        async with opened((140, 45)) as pilot:
            app = pilot.app
            await pilot.press("4")
            await pilot.pause()
            screen = app.screen
            screen.look_at(["one"], [SITE])
            await waits(pilot, lambda: screen.explained is not None)
            os.kill(app._benches[0].pid, 9)
            screen.explain()
            await pilot.pause(0.5)
            screen.explain()
            await waits(pilot, lambda: screen.explained is not None and screen.query_one(TrackView).display)
            assert app._exception is None

    asyncio.run(go())


def test_experts_are_compared(opened, waits, screen_text):
    async def go():
        async with opened((140, 45)) as pilot:
            await pilot.press("c")
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause(0.2)
            text = screen_text(pilot.app)
            assert "compare" in text and text.count("validation ") >= 2
            await pilot.press("x")
            await pilot.pause()
            assert pilot.app.current_mode == "explain"
            assert [layer.model for layer in pilot.app.screen.asked] == ["EBOX", "ETS"]

    asyncio.run(go())


def test_tables_keep_their_row(opened):
    async def go():
        async with opened() as pilot:
            table = pilot.app.screen.query_one("#experts", Table)
            await pilot.press("down")
            pilot.app.action_look()
            await pilot.pause(0.5)
            assert table.chosen == "ETS"

    asyncio.run(go())


def test_an_expert_is_held_against_the_others(opened, waits, screen_text):
    async def go():
        async with opened((140, 45)) as pilot:
            await pilot.press("w")
            await waits(pilot, lambda: "the current gate reaches" in screen_text(pilot.app))
            text = screen_text(pilot.app)
            assert "what EBOX brings" in text and "says the same" in text and "ETS" in text

    asyncio.run(go())
