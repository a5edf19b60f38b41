"""Text from data, made safe for a terminal."""

from __future__ import annotations

from typing import Final

from tfbs_hub.report import text as lines

__all__ = ["brief", "plain"]

_LINE: Final = 600
"""Letters of a line of an error; what is foreign can be quoted without end."""


def brief(text: str) -> str:
    """As `plain`, and a line of more than 600 letters loses its middle."""
    return "\n".join(lines.shortened(line, _LINE) for line in text.split("\n"))


def plain(text: str) -> str:
    """`text` without control and direction-changing characters; line feeds stay."""
    return "\n".join(map(lines.plain, text.split("\n")))
