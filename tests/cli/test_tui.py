"""The command that opens the UI."""

from __future__ import annotations

import importlib.util


def test_it_needs_a_terminal(cli):
    done = cli("tui")
    assert done.code == 2
    assert "needs a terminal" in done.err and "--serve" in done.err


def test_serving_needs_the_extra(cli, monkeypatch):
    usual = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", usual)
    monkeypatch.setitem(__import__("sys").modules, "textual_serve", None)
    monkeypatch.setitem(__import__("sys").modules, "textual_serve.server", None)
    monkeypatch.delitem(__import__("sys").modules, "tfbs_hub.tui.serve", raising=False)
    done = cli("tui", "--serve")
    assert done.code == 3
    assert "tfbs-hub[serve]" in done.err
