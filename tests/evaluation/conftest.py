"""A small run for what is stored and read."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tfbs_hub.evaluation.results import EvaluationRun

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="session")
def example_file() -> Path:
    """The stored example of format version 1."""
    return DATA / "evaluation-v1.h5"


@pytest.fixture(scope="session")
def example_run() -> EvaluationRun:
    """The run that the example was made from."""
    return runpy.run_path(str(DATA / "make_evaluation_v1.py"))["example"]()


@pytest.fixture(scope="session")
def same() -> Callable[[object, object], bool]:
    """Whether two results are equal: to the last bit, in kind, and in the order of what is named."""

    def compare(a: object, b: object) -> bool:
        if isinstance(a, np.ndarray):
            return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.tobytes() == b.tobytes()
        if isinstance(a, Mapping):
            return isinstance(b, Mapping) and list(a) == list(b) and all(compare(a[key], b[key]) for key in a)
        if isinstance(a, tuple | list):
            return type(a) is type(b) and len(a) == len(b) and all(map(compare, a, b))
        if dataclasses.is_dataclass(a):
            fields = [field.name for field in dataclasses.fields(a)]
            return type(a) is type(b) and all(compare(getattr(a, name), getattr(b, name)) for name in fields)
        return type(a) is type(b) and a == b

    return compare
