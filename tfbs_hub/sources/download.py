"""Downloads that survive a bad network: they resume, try again, and keep nothing whose digest is wrong.

What has arrived stays in `<target>.part` until it is whole, so that the next attempt, or the next run, goes on from
there. The target appears only when all bytes are checked.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import httpx2

from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError, UsageError
from tfbs_hub.files import storage_error
from tfbs_hub.progress import Event, Report, silent

__all__ = ["PATIENT", "Patience", "download", "one_at_a_time", "read_text", "sha256_of", "shown"]

MAX_BYTES: Final = 256 << 20
"""A file larger than this is refused; the largest of the ENCODE set has a few MiB."""
MAX_TEXT_BYTES: Final = 4 << 20

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a server, in seconds.

    Attributes:
        connect: until a connection stands.
        stall: without a single byte.
        attempts: tries in all.
        backoff: after the first failed try; doubles with each further one.
        longest: the longest wait between two tries, whatever the server asks for.
    """

    connect: float = 10.0
    stall: float = 30.0
    attempts: int = 5
    backoff: float = 0.5
    longest: float = 60.0


PATIENT: Final = Patience()


class _TryAgainError(Exception):
    """A failure that may pass; never leaves this module."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


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
    max_bytes: int = MAX_BYTES,
) -> Path:
    """Bring a file to `target`, unless it is already there, and return `target`.

    Proxies and certificates come from the environment; no credentials are sent.

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
        OfflineError: the server cannot be reached, stalls, refuses or keeps failing; what came is kept.
        IntegrityError: the bytes are not what the digest promises, or too many; nothing is kept.
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
                resumed = _until_done(url, attempt, patience, task, report)
                if resumed and not promised.kept_by(part):
                    # The beginning may have been of another version of the file.
                    part.unlink()
                    _until_done(url, attempt, patience, task, report)
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
    url: str, *, report: Report = silent, patience: Patience = PATIENT, max_bytes: int = MAX_TEXT_BYTES
) -> str:
    """The text of a small file, with the same patience and errors as `download`."""

    def attempt(client: httpx2.Client) -> bytes:
        body = bytearray()
        with client.stream("GET", url) as response:
            _check_status(response)
            for chunk in response.iter_bytes():
                body += chunk
                _check_size(len(body), max_bytes, url)
        return bytes(body)

    try:
        return _until_done(url, attempt, patience, f"reading {shown(url)}", report).decode()
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


def _until_done(url: str, attempt: Callable[[httpx2.Client], T], patience: Patience, task: str, report: Report) -> T:
    timeout = httpx2.Timeout(patience.stall, connect=patience.connect)
    # Compression on the way would hide the bytes that the digest is about.
    headers = {"Accept-Encoding": "identity"}
    reason = ""
    with httpx2.Client(timeout=timeout, headers=headers, follow_redirects=True) as client:
        for turn in range(patience.attempts):
            try:
                return _translated(url, attempt, client, patience)
            except _TryAgainError as error:
                reason = error.reason
                wait = patience.backoff * 2**turn if error.wait is None else error.wait
            if turn + 1 < patience.attempts:
                wait = min(wait, patience.longest)
                report(Event(task, 0, 0, f"{reason}; trying again in {wait:g} s"))
                time.sleep(wait)
    raise OfflineError(
        f"could not be downloaded in {patience.attempts} tries: {reason}",
        where=shown(url),
        hint="try again later: a download goes on where it stopped",
    )


def _translated(url: str, attempt: Callable[[httpx2.Client], T], client: httpx2.Client, patience: Patience) -> T:
    try:
        return attempt(client)
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise UsageError(f"not an address that can be used: {error}", where=shown(url)) from error
    except httpx2.ConnectTimeout as error:
        raise _TryAgainError(f"no connection within {patience.connect:g} s") from error
    except httpx2.TimeoutException as error:
        raise _TryAgainError(f"the server sent nothing for {patience.stall:g} s") from error
    except httpx2.TransportError as error:
        raise _TryAgainError(str(error) or type(error).__name__) from error
    except httpx2.TooManyRedirects as error:
        raise OfflineError("the server redirects without end", where=shown(url)) from error


def _append(
    client: httpx2.Client, url: str, part: Path, tell: Callable[[float, float | None], None], max_bytes: int
) -> bool:
    """Add to `part` what it lacks; True if it held something before."""
    start = part.stat().st_size if part.exists() else 0
    with client.stream("GET", url, headers={"Range": f"bytes={start}-"} if start else {}) as response:
        if response.status_code == 416:
            part.unlink(missing_ok=True)
            raise _TryAgainError("the server cannot go on where the last download stopped", wait=0)
        _check_status(response)
        if start and not _goes_on(response, start):
            start = 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        _check_size(total or 0, max_bytes, url)
        with part.open("ab" if start else "wb") as handle:
            _copy(response, handle, start, lambda done: tell(done, total), url, max_bytes)
    return start > 0


def _goes_on(response: httpx2.Response, start: int) -> bool:
    """True if the server sends the rest from `start`, False if it sends the whole file again."""
    if response.status_code != 206:
        return False
    if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise _TryAgainError("the server sent another part than the one asked for")
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
        _check_size(done, max_bytes, url)


def _check_status(response: httpx2.Response) -> None:
    status, url = response.status_code, shown(str(response.url))
    if status in {200, 206}:
        return
    if status in {404, 410}:
        raise NotFoundError(f"the server does not have it ({status})", where=url)
    if status in {408, 425, 429} or status >= 500:
        raise _TryAgainError(
            f"the server answers {status} {response.reason_phrase}".rstrip(),
            wait=_wanted_wait(response.headers.get("Retry-After", "")),
        )
    raise OfflineError(f"the server refuses it ({status} {response.reason_phrase})", where=url)


def _wanted_wait(retry_after: str) -> float | None:
    """Seconds that a server asks to wait: it gives them, or a date."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    # A date without a zone is UTC, as HTTP dates are.
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _check_size(size: int, max_bytes: int, url: str) -> None:
    if size > max_bytes:
        raise IntegrityError(f"the file is larger than {max_bytes} bytes and was refused", where=shown(url))


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


def shown(url: str) -> str:
    """The address without a user and password that it may hold."""
    try:
        return str(httpx2.URL(url).copy_with(userinfo=b""))
    except httpx2.InvalidURL:
        return url
