"""The folder of finished evaluations: one immutable file a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_hub.limits import MAX_EVALUATION_BYTES
from tfbs_hub.registry.layout import EVALUATIONS
from tfbs_hub.registry.staging import link_new, staging
from tfbs_hub.registry.storage import list_folder, make_folder, read_capped, sync_folder

__all__ = ["SUFFIX", "list_evaluations", "place_evaluation", "settle_evaluations"]

SUFFIX: Final = ".h5"
_RUN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")


def place_evaluation(root: Path, run_id: str, source: bytes | Path) -> Path:
    """Put a finished file at `evaluations/<run_id>.h5`; see `Registry.place_evaluation`."""
    if not _RUN.fullmatch(run_id):
        raise UsageError(f"{run_id!r} cannot be the name of a run", hint="use letters, digits, '_', '.', '+' or '-'")
    data = source if isinstance(source, bytes) else _read(source)
    target = root / EVALUATIONS / f"{run_id}{SUFFIX}"
    make_folder(target.parent)
    with staging(root) as stage:
        if not link_new(stage / target.name, target, data):
            raise UsageError(f"there is another run {run_id}", where=str(target), hint="runs are never overwritten")
    sync_folder(root)
    return target


def settle_evaluations(root: Path) -> None:
    """Bring the names of all runs down to the disk; see `Registry.settle_evaluations`."""
    sync_folder(root / EVALUATIONS)
    sync_folder(root)


def _read(path: Path) -> bytes:
    try:
        return read_capped(path, MAX_EVALUATION_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", where=str(path)) from error


def list_evaluations(root: Path) -> list[Path]:
    """The files of all finished runs, by name; a file's stem is its run's id."""
    folder = root / EVALUATIONS
    return [folder / name for name in list_folder(folder) if name.endswith(SUFFIX)]
