"""A figure as an SVG element inside a page: small, its ids its own, its colours those of the page, light or dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tfbs_hub.report.figures import to_bytes
from tfbs_hub.report.style import BLUE, GRID, INK, MUTED, PAPER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["inline"]

# The page's style sheet sets these variables.
_VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--line", PAPER: "--paper", BLUE: "--blue"}
_COLOR = re.compile("|".join(_VARIABLES))
_FONT = re.compile(r"font-family: [^;]*;? ?")
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_UNWANTED = frozenset({"metadata", "style"})


def inline(figure: Figure, prefix: str, label: str) -> str:
    """A figure as an `<svg>` element for HTML.

    Args:
        prefix: begins every id, so that ids of several figures never meet in one page.
        label: what the figure shows, for readers who cannot see it.
    """
    root = ET.fromstring(to_bytes(figure, "svg"))  # noqa: S314 - matplotlib wrote these bytes a moment ago
    _strip(root, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    width = root.attrib["viewBox"].split()[2]
    # Points to CSS pixels; the style sheet keeps a figure between a readable and a decent size.
    root.attrib.update({"role": "img", "aria-label": label, "style": f"--natural: {float(width) * 96 / 72:.0f}px"})
    return ET.tostring(root, encoding="unicode")


def _strip(element: ET.Element, prefix: str) -> None:
    """Leave out what the page does better (fonts, colours) or does not need (metadata, names of groups)."""
    element.tag = _local(element.tag)
    element.attrib = {name: value for name, value in _attributes(element, prefix).items() if value}
    element.tail = None
    if element.tag != "text":
        element.text = None
    for child in list(element):
        if _local(child.tag) in _UNWANTED:
            element.remove(child)
        else:
            _strip(child, prefix)


def _attributes(element: ET.Element, prefix: str) -> dict[str, str]:
    # Only what can be pointed at keeps its id.
    named = element.tag in {"path", "clipPath"}
    changed: dict[str, str] = {}
    for name, value in ((_local(name), value) for name, value in element.attrib.items()):
        if name == "id":
            changed[name] = f"{prefix}-{value}" if named else ""
        elif name == "href":
            changed[name] = f"#{prefix}-{value[1:]}"
        elif name == "clip-path":
            changed[name] = _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
        elif name == "style":
            changed[name] = _COLOR.sub(lambda found: f"var({_VARIABLES[found[0]]})", _FONT.sub("", value))
        elif name == "d":
            changed[name] = _NUMBER.sub(_rounded, " ".join(value.split()))
        elif not (name == "transform" and value.startswith("rotate(-0 ")):
            changed[name] = value
    return changed


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _local(name: str) -> str:
    return name.rpartition("}")[2]
