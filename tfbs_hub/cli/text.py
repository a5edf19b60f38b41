"""Text from data, made safe for a terminal."""

from __future__ import annotations

import unicodedata

__all__ = ["plain"]


def plain(text: str) -> str:
    """`text` without control and direction-changing characters; line feeds stay."""
    return "".join(letter if letter == "\n" or unicodedata.category(letter)[0] != "C" else "\ufffd" for letter in text)
