"""The finished data sets of an evaluation that is under way, so that a killed one need not start over.

They lie in the cache, not in the registry's `tmp/`: a registry may be read-only or shared by users who cannot write
each other's files, and whatever is lost here is only computed again. A file is named by its place in the run and by a
sha256 of the question and of the file's bytes; one that does not match its name is as good as none.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from tfbs_hub import settings
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.evaluation.results import DatasetResult
from tfbs_hub.evaluation.store import dataset_to_bytes, read_dataset
from tfbs_hub.files import write_whole
from tfbs_hub.limits import MAX_EVALUATION_BYTES
from tfbs_hub.registry.storage import list_folder, read_capped

__all__ = ["Partials"]

_KEPT_SECONDS: Final = 7 * 86400.0
"""For so long a stopped evaluation can be resumed."""


class Partials:
    """The finished data sets of one run.

    Args:
        folder: holds a folder a run; is made when first needed.
        question: digest of everything that the results depend on.
    """

    def __init__(self, folder: Path, question: str) -> None:
        self._question = question
        self._parent = folder
        self._folder = folder / question[:32]

    def load(self, place: int) -> DatasetResult | None:
        """What was found for the data set at `place`; None if there is nothing that can be trusted."""
        for name in self._names(place):
            path = self._folder / name
            with suppress(TfbsHubError, FileNotFoundError):
                if self._name(place, read_capped(path, MAX_EVALUATION_BYTES)) == name:
                    return read_dataset(path)
        return None

    def save(self, place: int, result: DatasetResult) -> None:
        """Keep a result, down to the disk; raises `StorageError`."""
        data = dataset_to_bytes(result)
        write_whole(self._folder / self._name(place, data), data, hint=settings.CACHE_HINT)

    def clear(self) -> None:
        """Forget the run, for it has ended; and others that nobody has come back to for a week."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for name in list_folder(self._parent):
            old = self._parent / name
            with suppress(OSError):
                if old.is_dir() and time.time() - old.stat().st_mtime > _KEPT_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)

    def _names(self, place: int) -> list[str]:
        try:
            return [name for name in list_folder(self._folder) if name.startswith(f"{place:05d}-")]
        except TfbsHubError:
            return []

    def _name(self, place: int, data: bytes) -> str:
        seal = hashlib.sha256(f"{self._question} {place}\n".encode() + data).hexdigest()
        return f"{place:05d}-{seal}.h5"
