"""Every error that a user can meet, and the exit code of each.

    TfbsHubError                 1   something failed that no input or option explains
    ├── UsageError               2   an option, a name or a combination that cannot be
    │   └── InputError           2   a file or sequence that cannot be read as what it should be
    ├── NotFoundError            3   an expert, file, transcription factor or data set that is not there
    │   └── OfflineError         3   it exists, but only behind a network that cannot be reached
    ├── IntegrityError           4   bytes that differ from what was promised, or refuse to be safe
    ├── PluginError              5   an installed plug-in did something wrong
    ├── BusyError                6   somebody else is using it; trying again later will do
    ├── ReadOnlyError            1   a registry that may not be written
    ├── StorageError             1   the file system said no (disk full, no hard links, I/O error)
    ├── TrainingError            1   training could not go on (no finite loss, too little data)
    └── InterruptedRunError    130   the user pressed Ctrl-C; what was finished is kept

An error says *what* is wrong, *where* (file and line, or key) and what to do *next*. Nothing else is
ever shown to a user: a bare traceback for something that a user can cause is a defect.
"""

from __future__ import annotations

__all__ = [
    "BusyError",
    "InputError",
    "IntegrityError",
    "InterruptedRunError",
    "NotFoundError",
    "OfflineError",
    "PluginError",
    "ReadOnlyError",
    "StorageError",
    "TfbsHubError",
    "TrainingError",
    "UsageError",
]


class TfbsHubError(Exception):
    """Base of all errors that tfbs-hub raises on purpose.

    Args:
        what: one sentence without a full stop: what is wrong.
        where: file and line, key, or place in the input, where there is one.
        hint: what the user can do next.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.what if self.where is None else f"{self.where}: {self.what}"]
        if self.hint is not None:
            parts.append(self.hint)
        return "\n".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders (workers); keyword-only arguments need a hand.
        return (_rebuild, (type(self), self.what, self.where, self.hint))


def _rebuild(kind: type[TfbsHubError], what: str, where: str | None, hint: str | None) -> TfbsHubError:
    return kind(what, where=where, hint=hint)


class UsageError(TfbsHubError):
    """An option, a name or a combination of them that cannot be."""

    exit_code = 2


class InputError(UsageError):
    """A file or a sequence that cannot be read as what it should be."""


class NotFoundError(TfbsHubError):
    """An expert, a file, a transcription factor or a data set that is not there."""

    exit_code = 3


class OfflineError(NotFoundError):
    """It exists, but behind a network that cannot be reached (or may not be used)."""


class IntegrityError(TfbsHubError):
    """Bytes differ from their digest, or a file breaks a safety limit."""

    exit_code = 4


class PluginError(TfbsHubError):
    """An installed plug-in did something wrong."""

    exit_code = 5


class BusyError(TfbsHubError):
    """Somebody else holds what is needed; trying again later will do."""

    exit_code = 6


class ReadOnlyError(TfbsHubError):
    """A registry that may be read but not written."""


class StorageError(TfbsHubError):
    """The file system refused: disk full, no hard links, I/O error."""


class TrainingError(TfbsHubError):
    """Training could not go on: no finite loss, or too little data."""


class InterruptedRunError(TfbsHubError):
    """The user interrupted; whatever was finished before is kept."""

    exit_code = 130
