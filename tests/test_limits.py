"""`docs/limits.md` shows `tfbs_hub/limits.py`, all of it and as it is; and nothing else sets limits of its own."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tfbs_hub import limits

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "tfbs_hub" / "limits.py"
PAGE = ROOT / "docs" / "limits.md"
# Not limits on what comes from elsewhere: choices about the work, and how much is shown.
CHOICES = {
    "MAX_HELD_OUT",
    "MAX_LINE",
    "MAX_PAIRS",
    "MAX_POSITIVES",
    "MAX_TUKEY",
    "MAX_UNKNOWN",
    "_MAX_COLUMNS",
    "_MAX_K",
}


def described() -> list[tuple[str, str, str]]:
    """Group, name and reason of every limit, in the module's order."""
    source = MODULE.read_text()
    groups = {number: line[2:] for number, line in enumerate(source.splitlines(), 1) if line.startswith("# ")}
    body = ast.parse(source).body
    found = []
    for node, after in pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant), node.target.id
            group = groups[max(number for number in groups if number < node.lineno)]
            found.append((group, node.target.id, str(after.value.value)))
    return found


def value(name: str) -> str:
    """A limit as people read it."""
    number = getattr(limits, name)
    if "BYTES" not in name:
        return f"{number:g} s" if name.endswith("_SECONDS") else f"{number:,}"
    power = next(power for power in (30, 20, 10, 0) if number % (1 << power) == 0)
    unit = {30: "GiB", 20: "MiB", 10: "KiB", 0: "bytes"}[power]
    return f"{number >> power:,} {unit}" + ("/s" if name.endswith("_PER_SECOND") else "")


def tables() -> str:
    """What the page must hold."""
    lines: list[str] = []
    group = None
    for each, name, reason in described():
        if each != group:
            lines += ["", f"## {each}", "", "| limit | value | of what |", "| --- | --- | --- |"]
            group = each
        lines.append(f"| `{name}` | {value(name)} | {reason} |")
    return "\n".join(lines).strip()


def test_the_page_shows_every_limit_as_it_is():
    page = PAGE.read_text()
    shown = page[page.index("## ") : page.index("## Time")].strip()
    assert shown == tables()


def test_every_limit_is_public_and_says_what_for():
    assert sorted(limits.__all__) == sorted(name for _, name, _ in described())
    assert all(reason.endswith(".") and "\n" not in reason for _, _, reason in described())


def test_no_other_module_sets_limits():
    stray = []
    for path in (ROOT / "tfbs_hub").rglob("*.py"):
        names = re.findall(r"^(_?MAX_\w+)\b[^\n]*=", path.read_text(), re.MULTILINE)
        stray += [(path.name, name) for name in names if path != MODULE and name not in CHOICES]
    assert stray == []


@pytest.mark.parametrize("name", limits.__all__)
def test_every_limit_is_used(name):
    elsewhere = (path for path in (ROOT / "tfbs_hub").rglob("*.py") if path != MODULE)
    assert any(re.search(rf"\b{name}\b", path.read_text()) for path in elsewhere)
