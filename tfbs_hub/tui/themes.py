"""Colours: dark, light, and two that colour-blind readers can tell apart (Okabe and Ito 2008)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.theme import Theme

__all__ = ["BASES", "DEFAULT", "LINE", "ROW", "THEMES", "rich_colours"]

DEFAULT: Final = "tfbs-dark"
BASES: Final = {"base-a": "#7fc97f", "base-c": "#6cb6ff", "base-g": "#f0b449", "base-t": "#f47067"}
"""Colours of the four bases where a theme names none."""
LINE: Final = "#6b7480"
"""Colour of frames where a theme names none."""
ROW: Final = "#80808033"
"""Ground of a chosen row that has not the focus, where a theme names none."""


_USED: Final = ("accent", "background", "error", "foreground", "success", "warning", *BASES)


def rich_colours(variables: Mapping[str, str]) -> dict[str, str]:
    """A theme's colours as rich names them: themes of the terminal's own colours have names of their own."""
    return {name: variables.get(name, "default").removeprefix("ansi_") for name in _USED}


def _bases(a: str, c: str, g: str, t: str) -> dict[str, str]:
    return {"base-a": a, "base-c": c, "base-g": g, "base-t": t}


THEMES: Final = (
    Theme(
        name="tfbs-dark",
        primary="#56b6c2",
        secondary="#8fa1b3",
        accent="#56b6c2",
        warning="#e5c07b",
        error="#f47067",
        success="#7fc97f",
        foreground="#d7dce2",
        background="#0f1318",
        surface="#151a21",
        panel="#1c232c",
        variables={
            **BASES,
            "line": "#333d4a",
            "row": "#222a35",
            "block-cursor-text-style": "none",
            "footer-key-foreground": "#56b6c2",
        },
    ),
    Theme(
        name="tfbs-light",
        dark=False,
        primary="#0b7285",
        secondary="#5c6773",
        accent="#0b7285",
        warning="#9a6700",
        error="#c92a2a",
        success="#2b8a3e",
        foreground="#1d2126",
        background="#fbfbf9",
        surface="#f4f4f1",
        panel="#e9eae6",
        variables={
            **_bases("#2b8a3e", "#1864ab", "#b35900", "#c92a2a"),
            "line": "#c3c7c0",
            "row": "#dfe1dc",
            "block-cursor-text-style": "none",
            "footer-key-foreground": "#0b7285",
        },
    ),
    Theme(
        name="tfbs-colour-blind",
        primary="#56b4e9",
        secondary="#9aa5b1",
        accent="#56b4e9",
        warning="#e69f00",
        error="#d55e00",
        success="#009e73",
        foreground="#e3e6ea",
        background="#101216",
        surface="#171a1f",
        panel="#1f242b",
        variables={
            **_bases("#00b184", "#56b4e9", "#f0e442", "#e8710a"),
            "line": "#38414d",
            "row": "#262c35",
            "block-cursor-text-style": "none",
            "footer-key-foreground": "#56b4e9",
        },
    ),
    Theme(
        name="tfbs-colour-blind-light",
        dark=False,
        primary="#0072b2",
        secondary="#5b6470",
        accent="#0072b2",
        warning="#a86f00",
        error="#b34700",
        success="#00735a",
        foreground="#1d2126",
        background="#ffffff",
        surface="#f6f7f8",
        panel="#e9ecef",
        variables={
            **_bases("#00735a", "#0072b2", "#8a5a00", "#b3005a"),
            "line": "#c4cad1",
            "row": "#dee2e6",
            "block-cursor-text-style": "none",
            "footer-key-foreground": "#0072b2",
        },
    ),
)
