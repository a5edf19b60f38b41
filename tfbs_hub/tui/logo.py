"""Sequence logos in letters: each column as high as it is informative, its letters in the order of their share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from rich.text import Text

__all__ = ["bits", "consensus", "logo"]

_BASES: Final = "ACGT"


def bits(column: Sequence[float]) -> float:
    """Information of one place, 0 to 2 bits, against equal bases."""
    return 2 + sum(share * math.log2(share) for share in column if share > 0)


def logo(share: Sequence[Sequence[float]], height: int, styles: Mapping[str, str]) -> list[Text]:
    """A motif (4, width) as `height` rows, the top one first; `styles` says how each base looks."""
    columns = list(zip(*share, strict=True))
    stacks = [_stack(column, height) for column in columns]
    rows = []
    for row in reversed(range(height)):
        text = Text(end="")
        for stack in stacks:
            letter = stack[row] if row < len(stack) else " "
            text.append(letter, styles.get(letter, ""))
        rows.append(text)
    return rows


def consensus(share: Sequence[Sequence[float]]) -> str:
    """The likeliest base of each place, lower case where it is below a half."""
    best = [(max(column), max(range(4), key=column.__getitem__)) for column in zip(*share, strict=True)]
    return "".join(_BASES[base] if top >= 0.5 else _BASES[base].lower() for top, base in best)


def _stack(column: Sequence[float], height: int) -> str:
    """Letters from the bottom up: each has rows in proportion to its share, the likeliest on top."""
    rows = round(bits(column) / 2 * height)
    order = sorted(range(4), key=column.__getitem__)
    room = [column[base] * rows for base in order]
    whole = [math.floor(part) for part in room]
    for place in sorted(range(4), key=lambda place: whole[place] - room[place])[: rows - sum(whole)]:
        whole[place] += 1
    return "".join(_BASES[base] * count for base, count in zip(order, whole, strict=True))
