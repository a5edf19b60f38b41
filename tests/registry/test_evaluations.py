from __future__ import annotations

import pytest

from tfbs_hub.errors import NotFoundError, UsageError


def test_a_run_is_kept_once_and_never_overwritten(registry, tmp_path):
    (tmp_path / "result.h5").write_bytes(b"data")
    placed = registry.place_evaluation("run-2", tmp_path / "result.h5")
    registry.place_evaluation("run-1", b"other")
    assert placed.read_bytes() == b"data"
    assert placed == registry.path / "evaluations/run-2.h5"
    assert [path.stem for path in registry.evaluations()] == ["run-1", "run-2"]
    assert registry.place_evaluation("run-2", b"data") == placed
    with pytest.raises(UsageError, match="another run"):
        registry.place_evaluation("run-2", b"new")
    assert placed.read_bytes() == b"data"


@pytest.mark.parametrize("name", ["", "../x", ".x", "a/b", "x" * 101])
def test_unsafe_run_ids(registry, name):
    with pytest.raises(UsageError):
        registry.place_evaluation(name, b"")


def test_a_missing_result(registry, tmp_path):
    with pytest.raises(NotFoundError):
        registry.place_evaluation("run", tmp_path / "none.h5")
