r"""The `.seq` format of DeepBind and the ENCODE test sets: `FoldID EventID seq Bound`, separated by tabs.

Columns are found by the header; without one they are taken in that order. FoldID is not used. A block of lines is
handled at once with numpy; nothing loops over rows or bases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.batch import SequenceBatch, coded
from tfbs_hub.sequences.spans import Lines, columns, gather, offsets_of, texts

__all__ = ["is_header", "parse"]

_NAMES: Final = ("foldid", "eventid", "seq", "bound")
_SHAPE: Final = "the columns are FoldID, EventID, seq and Bound, separated by tabs"


@dataclass(frozen=True)
class _Layout:
    count: int
    event: int
    seq: int
    bound: int


def is_header(line: str) -> bool:
    """True if the line names columns of this format."""
    return not {"seq", "bound"}.isdisjoint(_fields(line))


def parse(blocks: Iterator[Lines], where: str) -> Iterator[SequenceBatch]:
    """Batches from blocks of lines.

    Raises:
        InputError: with file and line: a missing column, a label other than 0 and 1, an empty sequence, a letter
            that is no DNA letter.
    """
    layout: _Layout | None = None
    for block in blocks:
        lines = block
        if layout is None:
            layout = _layout(lines.text(0), f"{where}:{lines.numbers[0]}")
            lines = lines.from_line(1) if is_header(lines.text(0)) else lines
        if len(lines):
            yield _batch(lines, layout, where)


def _fields(line: str) -> list[str]:
    return [field.strip().lower() for field in line.split("\t")]


def _layout(line: str, where: str) -> _Layout:
    fields = _fields(line)
    if is_header(line):
        missing = [name for name in ("eventid", "seq", "bound") if name not in fields]
        if missing:
            raise InputError(f"the header has no column {missing[0]!r}", where=where, hint=_SHAPE)
        return _Layout(len(fields), *(fields.index(name) for name in ("eventid", "seq", "bound")))
    if len(fields) != len(_NAMES):
        raise InputError(f"{len(fields)} columns and no header, but 4 columns are needed", where=where, hint=_SHAPE)
    return _Layout(len(fields), *(_NAMES.index(name) for name in ("eventid", "seq", "bound")))


def _batch(lines: Lines, layout: _Layout, where: str) -> SequenceBatch:
    tabs = columns(lines, layout.count)
    if tabs is None:
        raise _ragged(lines, layout.count, where)

    def span(column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        starts = lines.starts if column == 0 else tabs[:, column - 1] + 1
        ends = lines.ends if column == layout.count - 1 else tabs[:, column]
        return starts, ends - starts

    starts, lengths = span(layout.seq)
    if not lengths.all():
        raise InputError("an empty sequence", where=f"{where}:{lines.numbers[np.argmin(lengths)]}", hint=_SHAPE)
    offsets = offsets_of(lengths)
    bases, ambiguous = coded(gather(lines.raw, starts, lengths).tobytes(), offsets, lines.numbers, where)
    return SequenceBatch(
        ids=texts(lines.raw, *span(layout.event)),
        bases=bases,
        offsets=offsets,
        labels=_labels(lines, *span(layout.bound), where),
        lines=lines.numbers,
        ambiguous=ambiguous,
        name=where,
    )


def _ragged(lines: Lines, count: int, where: str) -> InputError:
    found = [lines.text(line).count("\t") + 1 for line in range(len(lines))]
    line = next(line for line, columns_here in enumerate(found) if columns_here != count)
    return InputError(
        f"{found[line]} columns, but {count} on the first line", where=f"{where}:{lines.numbers[line]}", hint=_SHAPE
    )


def _labels(lines: Lines, starts: NDArray[np.int64], lengths: NDArray[np.int64], where: str) -> NDArray[np.int8]:
    labels: NDArray[np.uint8] = lines.raw[starts] - np.uint8(ord("0"))
    wrong = (lengths != 1) | (labels > 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        text = lines.raw[starts[row] : starts[row] + lengths[row]].tobytes().decode("utf-8", "replace")
        raise InputError(
            f"the label is {text!r}, but must be 0 or 1", where=f"{where}:{lines.numbers[row]}", hint=_SHAPE
        )
    return labels.astype(np.int8)
