"""The places that hold files of the ENCODE set: a mirror folder, a mirror URL, the user's cache.

The Hugging Face hub is the fourth: see `encode_hub`. Every place checks the digest of what it hands out.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from tfbs_hub.errors import IntegrityError, NotFoundError
from tfbs_hub.files import storage_error
from tfbs_hub.progress import Report, silent
from tfbs_hub.sources.download import PATIENT, Patience, download, read_text, sha256_of, shown
from tfbs_hub.sources.encode_index import is_encode_name, parse_sums

__all__ = ["Cache", "FolderMirror", "Place", "UrlMirror"]

_SUMS = "SHA256SUMS"


class Place(Protocol):
    """Somewhere that files of the set may be."""

    @property
    def title(self) -> str:
        """What to call the place in messages."""

    def listing(self, tf: str) -> Mapping[str, str]:
        """All files there by name, with their sha256 ("" where nobody said); complete at least for `tf`."""

    def bring(self, name: str, sha256: str) -> Path | None:
        """The file as it lies on this machine, checked against `sha256` if that is not empty; None if not there."""


class FolderMirror:
    """A folder with the files somewhere beneath it, and perhaps a SHA256SUMS."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise NotFoundError(
                "TFBS_HUB_ENCODE_MIRROR names a folder that is not there",
                where=str(folder),
                hint="correct the variable or unset it",
            )
        self.folder = folder

    @property
    def title(self) -> str:
        """What to call the place in messages."""
        return f"the mirror {self.folder}"

    def listing(self, tf: str) -> Mapping[str, str]:
        """Every file of the set beneath the folder, whichever factor is asked for."""
        digests = {path.rpartition("/")[2]: digest for path, digest in self._sums().items()}
        names = {path.name for path in self.folder.rglob("*.seq.gz") if is_encode_name(path.name)}
        return {name: digests.get(name, "") for name in sorted(names)}

    def bring(self, name: str, sha256: str) -> Path | None:
        """The file beneath the folder; raises `IntegrityError` if only other versions of it are there."""
        # A name may hold what a pattern would take for a wildcard.
        found = sorted(path for path in self.folder.rglob("*.seq.gz") if path.name == name)
        fitting = (path for path in found if not sha256 or sha256_of(path) == sha256)
        path = next(fitting, None)
        if found and path is None:
            raise IntegrityError(
                f"the mirror's copy differs from what was promised (expected sha256 {sha256})",
                where=str(found[0]),
                hint="repair the mirror, or unset TFBS_HUB_ENCODE_MIRROR",
            )
        return path

    def _sums(self) -> dict[str, str]:
        path = self.folder / _SUMS
        try:
            return parse_sums(path.read_text(encoding="utf-8"), str(path))
        except FileNotFoundError:
            return {}
        except UnicodeDecodeError as error:
            raise IntegrityError("this is not text", where=str(path)) from error
        except OSError as error:
            raise storage_error(error, path) from error


class Cache:
    """The user's cache: `<folder>/<sha256>/<name>`, so that a copy can be checked with nothing else at hand."""

    title = "the cache"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str, sha256: str) -> Path:
        """Where the file lies or shall lie."""
        return self.folder / sha256 / name

    def bring(self, name: str, sha256: str) -> Path | None:
        """The cached copy; a damaged one counts as missing and is removed."""
        if not sha256:
            return None
        path = self.path(name, sha256)
        if not path.is_file():
            return None
        if sha256_of(path) != sha256:
            with suppress(OSError):
                path.unlink()
            return None
        return path


class UrlMirror:
    """A folder on a web server that holds a SHA256SUMS and the files at the paths it lists."""

    def __init__(self, url: str, cache: Cache, report: Report = silent, patience: Patience = PATIENT) -> None:
        self.url = url.rstrip("/")
        self.cache = cache
        self.report = report
        self.patience = patience
        self._sums: dict[str, str] = {}

    @property
    def title(self) -> str:
        """What to call the place in messages."""
        return f"the mirror {shown(self.url)}"

    def listing(self, tf: str) -> Mapping[str, str]:
        """Every file of the set that the mirror's SHA256SUMS lists, whichever factor is asked for."""
        return {path.rpartition("/")[2]: digest for path, digest in self._paths().items()}

    def bring(self, name: str, sha256: str) -> Path | None:
        """The file, downloaded into the cache."""
        paths = self._paths()
        path = next((path for path in paths if path.rpartition("/")[2] == name), None)
        if path is None:
            return None
        promised = sha256 or paths[path]
        target = self.cache.path(name, promised)
        url = f"{self.url}/{quote(path)}"
        return download(url, target, sha256=promised, report=self.report, patience=self.patience)

    def _paths(self) -> dict[str, str]:
        if not self._sums:
            url = f"{self.url}/{_SUMS}"
            sums = parse_sums(read_text(url, report=self.report, patience=self.patience), shown(url))
            self._sums = {path: digest for path, digest in sums.items() if is_encode_name(path.rpartition("/")[2])}
        return self._sums
