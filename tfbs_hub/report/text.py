"""Names and numbers as text: safe, short, and the same everywhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import isnan

__all__ = ["aliases", "count", "decimal", "interval", "p_value", "plain", "shortened", "signed"]


def plain(text: str) -> str:
    """`text` on one line, without control and direction-changing characters."""
    return "".join("\ufffd" if unicodedata.category(letter)[0] == "C" else letter for letter in text)


def shortened(text: str, room: int) -> str:
    """`plain` text of at most `room` letters, the middle left out: names tend to differ at their ends."""
    whole = plain(text)
    if len(whole) <= room:
        return whole
    head = (room - 1) // 2
    return f"{whole[:head]}…{whole[len(whole) - (room - 1 - head) :]}"


def aliases(names: Sequence[str], room: int = 18) -> dict[str, str]:
    """What a figure calls each name: a long one by as few of its parts (between `_`) as tell it from all the others.

    ENCODE's `GATA3_SH-SY5Y_GATA3_(SC-269)_USC_B` becomes `GATA3`, or `GATA3_SH-SY5Y` beside another GATA3.
    """
    parts = {name: name.split("_") for name in names}

    def short(name: str) -> str:
        own = parts[name]
        others = [rest for other, rest in parts.items() if other != name]
        for length in range(1, len(own)):
            if all(rest[:length] != own[:length] for rest in others):
                return "_".join(own[:length]) or name
        return name

    return {name: name if len(name) <= room else short(name) for name in names}


def decimal(value: float, places: int = 3) -> str:
    """A figure of merit; "-" where there is none."""
    return "-" if isnan(value) else f"{value:.{places}f}"


def signed(value: float, places: int = 3) -> str:
    """A difference, always with its sign; "-" where there is none."""
    return "-" if isnan(value) else f"{value:+.{places}f}"


def interval(ci95: tuple[float, float]) -> str:
    """An interval of a figure that is never negative."""
    return f"{decimal(ci95[0])}-{decimal(ci95[1])}"


def p_value(p: float) -> str:
    """A p to three places, or to its order of magnitude below 0.001."""
    if isnan(p):
        return "-"
    if p < 1e-300:
        return "< 1e-300"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.0e}"


def count(number: int, noun: str) -> str:
    """So many of something: "1 model", "1,000 models"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
