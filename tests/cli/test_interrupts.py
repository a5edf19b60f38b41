"""A Ctrl-C that C code swallows, with a real callback from C."""

from __future__ import annotations

import ctypes
import sys

import pytest

from tfbs_hub.cli.interrupts import lost_interrupts_kept


def lose(error):
    """Raise an error in a function that is called from C."""

    def raising():
        raise error

    ctypes.CFUNCTYPE(None)(raising)()


def test_what_fails_after_a_lost_interrupt_is_the_interrupt(capfd):
    with pytest.raises(KeyboardInterrupt) as caught, lost_interrupts_kept():
        lose(KeyboardInterrupt())
        raise RuntimeError("no compiled object yet")
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert capfd.readouterr().err == ""


def test_what_does_not_fail_goes_on_and_other_failures_stay_what_they_are(monkeypatch):
    heard = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    hook = sys.unraisablehook
    with lost_interrupts_kept():
        lose(KeyboardInterrupt())
    with pytest.raises(RuntimeError, match="other"), lost_interrupts_kept():
        lose(ValueError("told as ever"))
        raise RuntimeError("other")
    assert [event.exc_type for event in heard] == [ValueError]
    assert sys.unraisablehook is hook


def test_a_command_ends_as_interrupted(cli, registry, monkeypatch):
    def listing(self):
        lose(KeyboardInterrupt())
        raise RuntimeError("no compiled object yet")

    monkeypatch.setattr("tfbs_hub.hub.Hub.listing", listing)
    done = cli("experts")
    assert (done.code, done.err.splitlines()[0]) == (130, "error: interrupted")
