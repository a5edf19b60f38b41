"""The portal's REST interface: three searches and a download, at most ten requests a second.

https://www.encodeproject.org/help/rest-api/
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from tfbs_hub import settings
from tfbs_hub.errors import NotFoundError, OfflineError
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.sources.download import PATIENT, Patience, download, read_text, shown
from tfbs_source_encode_portal.records import (
    EXPERIMENT_FIELDS,
    FILE_FIELDS,
    Experiment,
    PeakFile,
    experiments,
    peak_files,
    target_names,
)

__all__ = ["VARIABLE", "Portal"]

VARIABLE: Final = "TFBS_ENCODE_PORTAL_URL"
_PUBLIC: Final = "https://www.encodeproject.org"
_INTERVAL: Final = 0.1
"""Seconds between requests: the portal blocks who asks more than ten times a second."""
MAX_FILE_BYTES: Final = 64 << 20
"""A larger file is refused; peaks of an experiment take a few MiB at most."""
_MAX_ANSWER_BYTES: Final = 32 << 20
_EXPERIMENTS: Final = {"type": "Experiment", "assay_title": "TF ChIP-seq", "status": "released"}
_PEAKS: Final = {"type": "File", "file_type": "bed narrowPeak", "status": "released"}


class Portal:
    """The ENCODE portal, or the server that TFBS_ENCODE_PORTAL_URL names.

    Args:
        patience: when to give up on it.
        report: hears of bytes and of waiting.

    Besides what each method says, all raise OfflineError (the server cannot be reached, refuses or keeps failing),
    IntegrityError (its answer is not what its interface promises) and UsageError (its address cannot be used).
    """

    def __init__(self, *, patience: Patience = PATIENT, report: Report = silent) -> None:
        self.url = (os.environ.get(VARIABLE, "").strip() or _PUBLIC).rstrip("/")
        self._patience = patience
        self._report = report
        self._last = -_INTERVAL

    def experiments(self, tf: str) -> list[Experiment]:
        """Released TF ChIP-seq experiments of a factor, spelled as the portal spells it; empty if there are none."""
        found = self._search({**_EXPERIMENTS, "target.label": tf, "limit": "all", "field": EXPERIMENT_FIELDS})
        return [] if found is None else experiments(*found)

    def targets(self) -> list[str]:
        """All factors that were measured; raises `NotFoundError` if this server has no ENCODE search."""
        found = self._search({**_EXPERIMENTS, "limit": "0"})
        if found is None:
            raise NotFoundError(
                "this server does not answer as the ENCODE portal does",
                where=shown(self.url),
                hint=f"correct {VARIABLE} or unset it",
            )
        return target_names(*found)

    def peaks_of(self, experiment: str, assembly: str) -> list[PeakFile]:
        """Released narrowPeak files of an experiment (ENCSR…) on an assembly; empty if there are none."""
        return self._peaks({"dataset": f"/experiments/{experiment}/", "assembly": assembly})

    def peaks_called(self, file: str, assembly: str) -> list[PeakFile]:
        """The released narrowPeak file of an accession (ENCFF…) on an assembly; empty if there is none."""
        return self._peaks({"accession": file, "assembly": assembly})

    def bring(self, file: PeakFile) -> Path:
        """The file in the user's cache, `encode-portal/<md5>/<accession>.bed.gz`, downloaded unless it is there.

        Raises:
            NotFoundError: the portal lists it and does not have it.
            IntegrityError: its bytes are not those that the portal promises.
            StorageError: the cache cannot be written.
        """
        target = settings.cache_folder() / "encode-portal" / file.md5sum / f"{file.accession}.bed.gz"
        self._wait_turn()
        return download(
            f"{self.url}{file.href}",
            target,
            md5=file.md5sum,
            patience=self._patience,
            report=self._report,
            max_bytes=MAX_FILE_BYTES,
        )

    def _peaks(self, wanted: dict[str, str]) -> list[PeakFile]:
        found = self._search({**_PEAKS, **wanted, "limit": "all", "field": FILE_FIELDS})
        return [] if found is None else peak_files(*found)

    def _search(self, query: dict[str, str | tuple[str, ...]]) -> tuple[str, str] | None:
        """The answer and where it came from; None where the portal says with 404 that nothing fits."""
        # A factor's name may hold anything that a command line can.
        text = urlencode({**query, "format": "json"}, doseq=True, errors="replace")
        url = f"{self.url}/search/?{text}"
        self._wait_turn()
        try:
            answer = read_text(url, report=self._tell, patience=self._patience, max_bytes=_MAX_ANSWER_BYTES)
        except OfflineError as error:
            # The query says nothing to whoever has no network.
            raise OfflineError(error.what, where=shown(self.url), hint=error.hint) from error
        except NotFoundError:
            return None
        return answer, shown(url)

    def _tell(self, event: Event) -> None:
        self._report(replace(event, task=f"asking {shown(self.url)}"))

    def _wait_turn(self) -> None:
        time.sleep(max(0.0, self._last + _INTERVAL - time.monotonic()))
        self._last = time.monotonic()
