from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.cli.output import auroc_text, print_json, print_pairs, print_table, say
from tfbs_hub.cli.text import plain


@given(st.text())
def test_plain_text_can_do_nothing_to_a_terminal(text):
    shown = plain(text)
    assert len(shown) == len(text)
    assert all(letter == "\n" or letter.isprintable() or letter.isspace() for letter in shown)
    assert plain(shown) == shown


def test_tables_show_markup_and_long_cells_whole(capsys):
    print_table("a [bold]title[/bold]", ("name", "value"), [("[red]x[/red]", "y" * 150), ("\x1b[2J", "")])
    out = capsys.readouterr().out
    assert "a [bold]title[/bold]" in out and "[red]x[/red]" in out and "y" * 150 in out
    assert "\x1b" not in out


def test_pairs_leave_empty_values_out(capsys):
    print_pairs([("a", "1"), ("b", ""), ("c", "[x]")])
    assert capsys.readouterr().out.split() == ["a", "1", "c", "[x]"]


def test_json_is_ascii_and_has_its_version_first(capsys):
    print_json({"name": "é\x9b\u202e"})
    out = capsys.readouterr().out
    assert out.isascii() and out.startswith('{\n  "schema_version": 1,')
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"value": float("nan")})


def test_narration_is_on_stderr(capsys):
    say("a\x07b")
    assert capsys.readouterr() == ("", "a\ufffdb\n")


def test_colours_are_for_terminals_without_no_color(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    print_pairs([("a", "1")])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_pairs([("a", "1")])
    assert "\x1b[3" not in capsys.readouterr().out


def test_an_auroc_with_and_without_its_interval():
    assert auroc_text(0.5, None) == "0.500"
    assert auroc_text(0.91234, (0.9, 1.0)) == "0.912 (0.900-1.000)"


def test_a_narrow_terminal_shows_fewer_columns_and_says_which(monkeypatch, capsys):
    columns, rows = ("name", "digest", "on"), [("GATA3", "0" * 40, "test")]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    print_table("", columns, rows, spare=("digest", "on"))
    out, err = capsys.readouterr()
    assert "GATA3" in out and "test" in out and "digest" not in out and "000" not in out
    assert err.endswith("too narrow: digest\n")
    monkeypatch.setenv("COLUMNS", "80")
    print_table("", columns, rows, spare=("digest", "on"))
    out, err = capsys.readouterr()
    assert "0" * 40 in out and not err
