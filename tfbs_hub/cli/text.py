"""Text from data, made safe for a terminal."""

from __future__ import annotations

from tfbs_hub.report import text as lines

__all__ = ["plain"]


def plain(text: str) -> str:
    """`text` without control and direction-changing characters; line feeds stay."""
    return "\n".join(map(lines.plain, text.split("\n")))
