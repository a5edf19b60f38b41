"""Text from data, made safe: names, files and plug-ins may hold markup, line ends and control characters."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from rich.table import Table
from rich.text import Text

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.report.text import plain, shortened

__all__ = ["block", "cut", "home", "line", "pairs", "plain", "shortened", "told"]


def line(text: str, style: str | Style = "") -> Text:
    """`text` on one line, as it stands: no markup, no control characters."""
    return Text(plain(text), style=style, end="", no_wrap=True, overflow="ellipsis")


def block(text: str, style: str | Style = "") -> Text:
    """`text` with its line ends, as it stands otherwise."""
    return Text("\n".join(plain(part) for part in text.replace("\t", "    ").split("\n")), style=style)


def cut(text: str, room: int) -> str:
    """`text` on one line of at most `room` letters, its end left out."""
    whole = plain(text)
    return whole if len(whole) <= room else f"{whole[: max(room - 1, 0)]}…"


def home(path: str, folder: str) -> str:
    """A path, with `~` for the user's folder."""
    folder = folder.rstrip("/")
    return "~" + path[len(folder) :] if folder and f"{path}/".startswith(f"{folder}/") else path


def told(error: TfbsHubError) -> Text:
    """An error as a message: what, where, and what to do next."""
    parts = block(error.what[:1].upper() + error.what[1:])
    if error.where:
        parts.append(f"\n{plain(error.where)}", "dim")
    if error.hint:
        parts.append("\n→ ", "bold")
        parts.append_text(block(error.hint))
    return parts


def pairs(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Labels and values, one a row; rows without a value are left out."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        if value:
            table.add_row(Text(label), value if isinstance(value, Text) else block(value))
    return table
