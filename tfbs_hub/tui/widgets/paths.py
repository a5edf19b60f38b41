"""A line for a file's name that completes what was begun."""

from __future__ import annotations

import asyncio
import glob
import os
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

__all__ = ["PathInput", "completed", "matching"]


class PathInput(Input):
    """A path; tab takes the completion that is shown, or moves on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", show=False)]

    def __init__(self, placeholder: str = "", *, folders: bool = False, **options: Any) -> None:
        super().__init__(placeholder=placeholder, suggester=_Paths(folders=folders), compact=True, **options)

    def action_complete(self) -> None:
        """Take the completion, or go on to the next field."""
        if self._suggestion and self._suggestion != self.value:
            self.value = self._suggestion
            self.cursor_position = len(self.value)
        else:
            self.app.action_focus_next()

    @property
    def path(self) -> str:
        """What was typed, without blanks, `~` written out; empty if nothing was."""
        text = self.value.strip()
        return str(Path(text).expanduser()) if text else ""


def matching(pattern: str) -> list[str]:
    """The file of that name, or all files that a pattern fits, in order."""
    path = Path(pattern)
    if path.is_file():
        return [str(path.absolute())]
    return sorted(str(Path(name).absolute()) for name in glob.glob(pattern) if Path(name).is_file())  # noqa: PTH207


class _Paths(Suggester):
    def __init__(self, *, folders: bool) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._folders = folders

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completed, value, folders=self._folders)


def completed(value: str, *, folders: bool = False) -> str | None:
    """`value` completed by the first name that fits; None if there is none."""
    if not value.strip():
        return None
    head, begun = os.path.split(value)
    try:
        entries = sorted(os.scandir(Path(head or ".").expanduser()), key=lambda entry: entry.name)
    except OSError:
        return None
    for entry in entries:
        # Names with line ends or other control characters cannot be typed, and would break the line.
        if not entry.name.startswith(begun) or not entry.name.isprintable() or (not begun and entry.name[0] == "."):
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:
            continue
        if is_folder or not folders:
            return str(Path(head) / entry.name if head else entry.name) + (os.sep if is_folder else "")
    return None
