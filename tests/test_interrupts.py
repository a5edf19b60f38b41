"""Ctrl-C where C code calls Python back, with a real callback from C."""

from __future__ import annotations

import ctypes
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tfbs_hub.interrupts import lost_interrupts_kept, uninterrupted


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


def test_a_signal_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted() as waiting:
        assert waiting.heard == []
        signal.raise_signal(signal.SIGINT)
        done.append(list(waiting.heard))
    assert done == [[signal.SIGINT]]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_is_not_lost_where_the_block_fails():
    with pytest.raises(KeyboardInterrupt) as caught, uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("as well")
    assert isinstance(caught.value.__context__, ValueError)


def test_blocks_within_each_other_end_with_the_outermost():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted() as outer:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
        done.append(list(outer.heard))
    assert done == [[signal.SIGINT]]


def test_who_does_not_ask_python_is_left_alone(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with uninterrupted() as waiting:
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert waiting.heard == []
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_that_cannot_be_interrupted_needs_nothing():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(_inside).result() == []


def _inside():
    with uninterrupted() as waiting:
        return waiting.heard
