"""Reports on stdout: tables for people, JSON for programs. Narration goes to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfbs_hub.cli.text import plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["auroc_text", "print_json", "print_pairs", "print_table", "say"]

_WIDE = 200
"""Columns of a table that is not shown on a terminal: nothing is cut off in a file or a pipe."""
_BETWEEN = 3
"""Columns of the terminal between two columns of a table."""


def _console() -> Console:
    """Stdout, with colours where the terminal has them and NO_COLOR is not set."""
    from rich.console import Console  # noqa: PLC0415 - only reports need it

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def _print(*parts: RenderableType) -> None:
    console = _console()
    # rich would end the process where a pipe is broken; that is for the caller to decide.
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    sys.stdout.write(captured.get())


def print_json(value: Mapping[str, Any]) -> None:
    """Print a report as JSON, all of it ASCII, with its schema version first."""
    json.dump({"schema_version": 1, **value}, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """Print a table; cells are shown as they are, whatever markup or control characters they hold.

    Args:
        right: columns that are aligned to the right (numbers).
        spare: columns that are left out, the first one first, on a terminal too narrow for all of them.
    """
    from rich.text import Text  # noqa: PLC0415

    kept = [list(row) for row in rows]
    left_out = _too_wide(columns, kept, spare)
    # Not the table's own title: that one is folded to the table's width.
    heading = [Text(title, style="bold")] if title else []
    _print(*heading, _table(columns, kept, right, left_out))
    if left_out:
        say(f"left out, for the terminal is too narrow: {', '.join(left_out)}")


def _too_wide(columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]) -> Sequence[str]:
    """The first of the spare columns, as many as must go for the table to fit."""
    from rich.cells import cell_len  # noqa: PLC0415

    wide = {
        column: max(cell_len(cell) for cell in (column, *cells)) + _BETWEEN
        for column, *cells in zip(columns, *rows, strict=True)
    }
    room = _console().width
    for count in range(len(spare)):
        if sum(width for column, width in wide.items() if column not in spare[:count]) <= room:
            return spare[:count]
    return spare


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str], left_out: Sequence[str]
) -> RenderableType:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = [place for place, column in enumerate(columns) if column not in left_out]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place in shown:
        column = columns[place]
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(row[place])) for place in shown))
    return table


def print_pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values, one pair a line; empty values are left out."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        if value:
            grid.add_row(name, Text(plain(value)))
    _print(grid)


def say(text: str) -> None:
    """Tell the user something on stderr."""
    sys.stderr.write(plain(text) + "\n")


def auroc_text(value: float, interval: tuple[float, float] | None) -> str:
    """An AUROC with its interval, if there is one."""
    return f"{value:.3f}" if interval is None else f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"
