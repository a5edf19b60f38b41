"""SECURITY.md names tests that are there, and the first of its promises is held here: data is never code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
MODULES = sorted((ROOT / "tfbs_hub").rglob("*.py"))
LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "tarfile"}
CALLS = {"eval", "exec", "torch.load", "torch.jit.load", "torch.hub.load"}


def test_every_test_that_is_named_exists():
    named = re.findall(r"`(tests/[\w./]+\.py)(?:::(\w+))?`", TEXT)
    assert len(named) > 15
    for path, function in named:
        assert (ROOT / path).is_file(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text(), f"{path}::{function}"


def test_every_promise_names_a_test():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| promise"))]
    assert len(rows) > 10
    assert [row for row in rows if "`tests/" not in row.rsplit(" | ", 1)[1]] == []


def test_links_lead_to_files_that_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists(), target


def offences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in LOADERS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in LOADERS:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or called.endswith((".extractall", ".extract")):
                yield called
            pickles = [ast.unparse(word.value) != "False" for word in node.keywords if word.arg == "allow_pickle"]
            if any(pickles) or (called in {"np.load", "numpy.load"} and not pickles):
                yield called


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_can_run_what_it_reads(module):
    assert list(offences(ast.parse(module.read_text()))) == []


BAD = ["import pickle", "from joblib import load", "torch.load(x)", "eval(x)", "z.extractall()", "np.load(x)"]


@pytest.mark.parametrize("code", [*BAD, "np.load(x, allow_pickle=True)"])
def test_the_check_can_fail(code):
    assert list(offences(ast.parse(code)))
