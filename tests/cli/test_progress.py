from __future__ import annotations

import sys

from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.progress import Event

STEPS = [
    Event("training X", 0, 3),
    Event("training X", 1, 3, "validation AUROC 0.5"),
    Event("training X", 3, 3, "validation AUROC 0.9"),
    Event("[red]looking\x1b[2J"),
    Event("done at once", 1, 1, "yes"),
]


def test_a_log_gets_a_line_when_a_task_begins_and_one_when_it_ends(capsys):
    with shown_progress() as report:
        for event in STEPS:
            report(event)
    assert capsys.readouterr() == (
        "",
        "training X …\ntraining X: validation AUROC 0.9\n[red]looking\ufffd[2J …\ndone at once: yes\n",
    )


def test_a_terminal_gets_bars_that_are_harmless(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress() as report:
        for event in STEPS:
            report(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert "training X" in err and "validation AUROC 0.9" in err and "[red]looking\ufffd[2J" in err
