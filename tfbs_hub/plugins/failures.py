"""What plug-ins did wrong: kept, told in one line each, and stopped from spreading."""

from __future__ import annotations

import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from tfbs_hub import settings
from tfbs_hub.errors import PluginError, TfbsHubError

__all__ = ["FailureLog", "Phase", "PluginFailure", "describe", "one_line"]

Phase = Literal["manifest", "import", "register", "call"]

MAX_LINE: Final = 400
"""A warning is cut after this many characters; the failure keeps the whole message."""

# A line may be printed plain or as rich or Textual markup: square brackets would be tags there, and an
# escaped bracket would show its backslash here, so a round one stands in for both.
_BRACKETS: Final = str.maketrans("[]", "()")


@dataclass(frozen=True)
class PluginFailure:
    """One thing that one plug-in did wrong.

    Attributes:
        distribution: name of the installed distribution.
        version: its version; empty where its metadata does not say.
        phase: "manifest" (reading it), "import" (of the hook module), "register" (its hooks) or "call".
        message: what went wrong, as raised: it is the plug-in's text, so escape it before showing it.
        traceback: the formatted traceback.
    """

    distribution: str
    version: str
    phase: Phase
    message: str
    traceback: str

    def line(self) -> str:
        """The failure as one printable line without control characters or markup."""
        who = f"{self.distribution} {self.version}".rstrip()
        return one_line(f"plug-in {who} failed ({self.phase}): {self.message}")


def one_line(text: str) -> str:
    """`text` on one line of at most `MAX_LINE` characters, safe for a terminal and for markup.

    Runs of white space become one space, control and formatting characters (escape sequences, direction
    overrides, surrogates) go, square brackets become round.
    """
    visible = "".join(letter for letter in " ".join(text.split()) if unicodedata.category(letter)[0] != "C")
    safe = visible.translate(_BRACKETS)
    return safe if len(safe) <= MAX_LINE else safe[: MAX_LINE - 1] + "…"


class FailureLog:
    """Collects failures; each new one is told once through `warn`.

    With `TFBS_HUB_STRICT_PLUGINS=1` a failure is raised as `PluginError` after it was recorded.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self.failures: list[PluginFailure] = []

    @contextmanager
    def isolating(self, distribution: str, version: str, phase: Phase) -> Iterator[None]:
        """Turn whatever the block raises into a failure, but for `KeyboardInterrupt` and its like.

        Raises:
            PluginError: only with `TFBS_HUB_STRICT_PLUGINS=1`.
        """
        try:
            yield
        except (Exception, SystemExit) as error:
            failure = PluginFailure(distribution, version, phase, describe(error), _traceback(error))
            self._keep(failure)
            if settings.strict_plugins():
                raise PluginError(
                    f"{one_line(failure.message)} ({phase})",
                    where=one_line(f"plug-in {distribution} {version}"),
                    hint="unset TFBS_HUB_STRICT_PLUGINS to go on without it",
                ) from error

    def _keep(self, failure: PluginFailure) -> None:
        # Hooks are called many times in a session; the same complaint again is noise.
        if any(known.line() == failure.line() for known in self.failures):
            return
        self.failures.append(failure)
        self._warn(failure.line())


def describe(error: BaseException) -> str:
    """What `error` says, with its type where that is not our own; whatever its `__str__` does."""
    if isinstance(error, SystemExit):
        return f"it tried to exit (status {error.code!r})"
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a plug-in's own exception class may fail at anything
        return type(error).__name__
    if isinstance(error, TfbsHubError):
        return "; ".join(text.splitlines())
    return f"{type(error).__name__}: {text}"


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
