from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfbs_hub.errors import IntegrityError, PluginError
from tfbs_hub.plugins.failures import MAX_LINE, FailureLog, PluginFailure, describe, one_line


@settings(deadline=None)
@given(st.text(max_size=600))
def test_a_line_has_no_control_characters_no_markup_and_an_end(text):
    line = one_line(text)
    assert not any(unicodedata.category(letter).startswith("C") for letter in line)
    assert not set(line) & set("[]\n\r\x85\u2028\u2029")
    assert len(line) <= MAX_LINE


def test_a_line_keeps_what_can_be_read():
    assert one_line("\x1b[31mred\x1b[0m\n  [@click=app.quit]go[/] \u202eabc") == "(31mred(0m (@click=app.quit)go(/) abc"
    failure = PluginFailure("dist", "", "call", "first\nsecond", "")
    assert failure.line() == "plug-in dist failed (call): first second"


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def log(monkeypatch, told) -> FailureLog:
    monkeypatch.delenv("TFBS_HUB_STRICT_PLUGINS", raising=False)
    return FailureLog(told.append)


def test_a_failure_is_kept_with_its_traceback_and_told_once(log, told):
    for _ in range(2):
        with log.isolating("dist", "1.0", "call"):
            raise RuntimeError("bang")
    (failure,) = log.failures
    assert (failure.distribution, failure.version, failure.phase) == ("dist", "1.0", "call")
    assert failure.message == "RuntimeError: bang"
    assert "test_failures.py" in failure.traceback
    assert told == ["plug-in dist 1.0 failed (call): RuntimeError: bang"]


def test_a_block_that_does_not_raise_leaves_no_trace(log, told):
    with log.isolating("dist", "1.0", "call"):
        pass
    assert (log.failures, told) == ([], [])


@pytest.mark.parametrize("error", [StopIteration("x"), SystemExit(2), IntegrityError("what", where="w"), MemoryError()])
def test_every_exception_and_every_exit_is_isolated(log, told, error):
    with log.isolating("dist", "1.0", "import"):
        raise error
    assert len(told) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_interrupts_pass(log, told, error):
    with pytest.raises(error), log.isolating("dist", "1.0", "import"):
        raise error
    assert told == []


def test_strict_raises_from_the_original_after_telling(log, told, monkeypatch):
    monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
    original = ValueError("bang")
    with pytest.raises(PluginError) as caught, log.isolating("dist", "1.0", "register"):
        raise original
    assert caught.value.__cause__ is original
    assert caught.value.exit_code == 5
    assert caught.value.where == "plug-in dist 1.0"
    assert len(log.failures) == len(told) == 1


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def test_descriptions():
    assert describe(SystemExit(3)) == "it tried to exit (status 3)"
    assert describe(IntegrityError("what", where="w", hint="next")) == "w: what; next"
    assert describe(KeyError("k")) == "KeyError: 'k'"
    assert describe(Unspeakable()) == "Unspeakable"


def test_an_exception_that_cannot_be_printed_is_a_failure_like_any_other(log, told):
    with log.isolating("dist", "1.0", "call"):
        raise Unspeakable
    assert told == ["plug-in dist 1.0 failed (call): Unspeakable"]
