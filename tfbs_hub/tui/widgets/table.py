"""A table whose cells are shown as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import DataTable

from tfbs_hub.tui.text import line

__all__ = ["Table"]


class Table(DataTable[Text]):
    """Rows to choose from; text in cells is never read as markup."""

    def __init__(self, columns: Sequence[str], **options: Any) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, show_header=True, cell_padding=1, **options)
        self._titles = list(columns)
        self._columns_had = 0

    class Widened(Message):
        """There is more or less room for columns."""

        def __init__(self, table: Table) -> None:
            super().__init__()
            self._table = table

        @property
        def control(self) -> Table:
            """The table."""
            return self._table

    def on_resize(self, event: events.Resize) -> None:
        """Say so."""
        if event.size.width != self._columns_had:
            self._columns_had = event.size.width
            self.post_message(self.Widened(self))

    def fill(
        self, rows: Iterable[tuple[str, Sequence[str | Text]]], *, chosen: str | None = None, titles: Sequence[str] = ()
    ) -> None:
        """Show other rows (a key and its cells each); the cursor stays on its row, or goes to the one named.

        Args:
            titles: other columns; one that begins with ">" is aligned to the right.
        """
        keep = chosen if chosen is not None else self.chosen
        self._titles = list(titles) or self._titles
        right = [title.startswith(">") for title in self._titles]
        cells = [(key, [_cell(cell, aside) for cell, aside in zip(row, right, strict=True)]) for key, row in rows]
        self.clear(columns=True)
        for number, title in enumerate(self._titles):
            label = Text(title.lstrip(">"), style="dim", justify="right" if right[number] else "left")
            # Known here, widths need not be measured later, and nothing jumps.
            width = max([label.cell_len, *(row[number].cell_len for _, row in cells)])
            self.add_column(label, width=max(width, 1))
        for key, row in cells:
            self.add_row(*row, key=key)
        if cells:
            self.move_cursor(row=next((place for place, (key, _) in enumerate(cells) if key == keep), 0))

    @property
    def chosen(self) -> str | None:
        """Key of the row under the cursor."""
        if not self.row_count or not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value


def _cell(value: str | Text, right: bool) -> Text:
    text = line(value) if isinstance(value, str) else value.copy()
    if right:
        text.justify = "right"
    return text
