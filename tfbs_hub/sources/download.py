"""Downloads that survive a bad network: they resume, try again, and keep nothing whose digest is wrong.

What has arrived stays in `<target>.part` until it is whole, so that the next attempt, or the next run, goes on from
there. The target appears only when all bytes are checked. Whether the beginning and the rest belong together, the
promised digest decides (a server's ETag would promise less): if it is wrong after going on, all is asked for once more.

How a server is asked (proxies, redirects, staying offline) is in `web`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx2

from tfbs_hub.errors import IntegrityError
from tfbs_hub.files import storage_error
from tfbs_hub.limits import MAX_DOWNLOAD_BYTES, MAX_DOWNLOAD_TEXT_BYTES
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.sources.web import PATIENT, Patience, TryAgainError, check_size, check_status, shown, until_done

__all__ = ["PATIENT", "Patience", "download", "one_at_a_time", "read_text", "sha256_of", "shown"]


def sha256_of(path: Path) -> str:
    """sha256 of a file in hexadecimal; raises `StorageError` if it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise storage_error(error, path) from error


def download(
    url: str,
    target: Path,
    *,
    sha256: str = "",
    md5: str = "",
    report: Report = silent,
    patience: Patience = PATIENT,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
) -> Path:
    """Bring a file to `target`, unless it is already there, and return `target`.

    Args:
        url: http or https address.
        target: where to put it; its folder is made.
        sha256, md5: one of them, what the file must have. An md5 proves that the bytes came whole, no more; it is for
            servers that promise nothing better.
        report: hears of bytes.
        patience: when to give up.
        max_bytes: a larger file is refused.

    Raises:
        NotFoundError: the server does not have it.
        OfflineError: the network may not be used, or the server cannot be reached, stalls, refuses or keeps failing;
            what came is kept.
        IntegrityError: the bytes are not what the digest promises, or too many, or a redirect gives encryption up;
            nothing is kept.
        StorageError: the file system refused.
        UsageError: the address cannot be used.
    """
    promised = _Promise("sha256", sha256) if sha256 else _Promise("md5", md5)
    part = target.with_name(target.name + ".part")
    task = f"downloading {target.name}"

    def attempt(client: httpx2.Client) -> bool:
        return _append(client, url, part, lambda done, total: report(Event(task, done, total)), max_bytes)

    try:
        with one_at_a_time(target):
            if promised.kept_by(target):
                return target
            if not promised.kept_by(part):
                resumed = until_done(url, attempt, patience, task, report)
                if resumed and not promised.kept_by(part):
                    # The beginning may have been of another version of the file.
                    part.unlink()
                    until_done(url, attempt, patience, task, report)
            promised.check(part, url)
            with part.open("rb") as handle:
                os.fsync(handle.fileno())
            part.replace(target)
    except IntegrityError:
        part.unlink(missing_ok=True)
        raise
    except OSError as error:
        raise storage_error(error, target) from error
    return target


def read_text(
    url: str, *, report: Report = silent, patience: Patience = PATIENT, max_bytes: int = MAX_DOWNLOAD_TEXT_BYTES
) -> str:
    """The text of a small file, with the same patience and errors as `download`."""

    def attempt(client: httpx2.Client) -> bytes:
        body = bytearray()
        with client.stream("GET", url) as response:
            check_status(response)
            for chunk in response.iter_bytes():
                body += chunk
                check_size(len(body), max_bytes, url)
        return bytes(body)

    try:
        return until_done(url, attempt, patience, f"reading {shown(url)}", report).decode()
    except UnicodeDecodeError as error:
        raise IntegrityError("this is not text", where=shown(url)) from error


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Make the folder of `target` and let other processes that want to make the same file wait.

    The lock only saves work: on a file system without locks two downloads may mix, which the digest finds.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = target.with_name(target.name + ".lock").open("wb")
    except OSError as error:
        raise storage_error(error, target) from error
    with lock as handle:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _append(
    client: httpx2.Client, url: str, part: Path, tell: Callable[[float, float | None], None], max_bytes: int
) -> bool:
    """Add to `part` what it lacks; True if it held something before."""
    start = part.stat().st_size if part.exists() else 0
    with client.stream("GET", url, headers={"Range": f"bytes={start}-"} if start else {}) as response:
        if response.status_code == 416:
            part.unlink(missing_ok=True)
            raise TryAgainError("the server cannot go on where the last download stopped", wait=0)
        check_status(response)
        if start and not _goes_on(response, start):
            start = 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        check_size(total or 0, max_bytes, url)
        with part.open("ab" if start else "wb") as handle:
            _copy(response, handle, start, lambda done: tell(done, total), url, max_bytes)
    return start > 0


def _goes_on(response: httpx2.Response, start: int) -> bool:
    """True if the server sends the rest from `start`, False if it sends the whole file again."""
    if response.status_code != 206:
        return False
    if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise TryAgainError("the server sent another part than the one asked for")
    return True


def _copy(
    response: httpx2.Response,
    handle: BinaryIO,
    done: int,
    tell: Callable[[float], None],
    url: str,
    max_bytes: int,
) -> None:
    tell(done)
    # A server may call a .gz file an encoding of its content; raw bytes are the file's own.
    for chunk in response.iter_raw():
        handle.write(chunk)
        done += len(chunk)
        tell(done)
        check_size(done, max_bytes, url)


@dataclass(frozen=True)
class _Promise:
    """The digest that a file must have: its kind ("sha256" or "md5") and its value in hexadecimal."""

    kind: str
    value: str

    def kept_by(self, path: Path) -> bool:
        """True if the file is there and has the digest."""
        return path.is_file() and self._of(path) == self.value

    def check(self, path: Path, url: str) -> None:
        """Raise `IntegrityError` if the file has another digest."""
        found = self._of(path)
        if found != self.value:
            raise IntegrityError(
                f"the server sent other bytes than promised ({self.kind} {found}, expected {self.value})",
                where=shown(url),
                hint="nothing was kept; if this happens again, the server's copy is damaged",
            )

    def _of(self, path: Path) -> str:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, lambda: hashlib.new(self.kind, usedforsecurity=False)).hexdigest()
