"""Bringing a peak file here: it resumes, tries again, and is kept only if its md5 is the promised one."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx2

from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError
from tfbs_hub.files import storage_error
from tfbs_hub.progress import Event, Report
from tfbs_hub.sources.download import Patience, one_at_a_time, shown

__all__ = ["MAX_BYTES", "download"]

MAX_BYTES: Final = 64 << 20
"""A larger file is refused; peaks of an experiment take a few MiB at most."""


class _PassingError(Exception):
    """A failure that may pass; never leaves this module."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def download(url: str, target: Path, *, md5: str, turn: Callable[[], None], patience: Patience, report: Report) -> Path:
    """Bring a file to `target`, unless it is already there, and return `target`.

    What has arrived stays in `<target>.part`, so that the next try, or the next run, goes on from there.

    Args:
        url: http or https address; redirections are followed.
        target: where to put it; its folder is made.
        md5: what the file must have.
        turn: is called before every request, and may wait.
        patience: when to give up.
        report: hears of bytes.

    Raises:
        NotFoundError: the server does not have it.
        OfflineError: the server cannot be reached, stalls, refuses or keeps failing; what came is kept.
        IntegrityError: the bytes are not what `md5` promises, or too many; nothing is kept.
        StorageError: the file system refused.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        with one_at_a_time(target):
            if _has(target, md5):
                return target
            resumed = part.exists()
            if not _has(part, md5):
                _until_whole(url, part, turn, patience, report)
            if resumed and not _has(part, md5):
                # The beginning may have been of another version of the file.
                part.unlink()
                _until_whole(url, part, turn, patience, report)
            _keep(part, target, md5, url)
    except IntegrityError:
        part.unlink(missing_ok=True)
        raise
    except OSError as error:
        raise storage_error(error, target) from error
    return target


def _has(path: Path, md5: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, _md5).hexdigest() == md5


def _md5() -> hashlib._Hash:
    # It proves that the portal's bytes came whole, not who sent them: TLS does that.
    return hashlib.md5(usedforsecurity=False)


def _keep(part: Path, target: Path, md5: str, url: str) -> None:
    if not _has(part, md5):
        raise IntegrityError(
            f"the server sent other bytes than the portal promised (md5 {md5})",
            where=shown(url),
            hint="nothing was kept; if this happens again, the server's copy is damaged",
        )
    with part.open("rb") as handle:
        os.fsync(handle.fileno())
    part.replace(target)


def _until_whole(url: str, part: Path, turn: Callable[[], None], patience: Patience, report: Report) -> None:
    task = f"downloading {part.stem}"
    timeout = httpx2.Timeout(patience.stall, connect=patience.connect)
    reason = ""
    # Compression on the way would hide the bytes that the digest is about.
    with httpx2.Client(timeout=timeout, headers={"Accept-Encoding": "identity"}, follow_redirects=True) as client:
        for attempt in range(patience.attempts):
            turn()
            try:
                _append(client, url, part, lambda done: report(Event(task, done)))
            except _PassingError as error:
                reason, wait = error.reason, error.wait
            except httpx2.TooManyRedirects as error:
                raise OfflineError("the server redirects without end", where=shown(url)) from error
            except httpx2.TransportError as error:
                reason, wait = str(error) or type(error).__name__, None
            else:
                return
            if attempt + 1 < patience.attempts:
                wait = min(patience.backoff * 2**attempt if wait is None else wait, patience.longest)
                report(Event(task, 0, 0, f"{reason}; trying again in {wait:g} s"))
                time.sleep(wait)
    raise OfflineError(
        f"could not be downloaded in {patience.attempts} tries: {reason}",
        where=shown(url),
        hint="try again later: a download goes on where it stopped",
    )


def _append(client: httpx2.Client, url: str, part: Path, tell: Callable[[int], None]) -> None:
    """Add to `part` what it lacks."""
    start = part.stat().st_size if part.exists() else 0
    with client.stream("GET", url, headers={"Range": f"bytes={start}-"} if start else {}) as response:
        if response.status_code == 416:
            # The whole file is here already, or what is here was never part of it: the digest tells.
            part.unlink()
            raise _PassingError("the server cannot go on where the last download stopped", wait=0)
        _check_status(response)
        goes_on = response.status_code == 206
        if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise _PassingError("the server sent another part than the one asked for")
        done = start if goes_on else 0
        with part.open("ab" if goes_on else "wb") as handle:
            for chunk in response.iter_raw():
                handle.write(chunk)
                done += len(chunk)
                tell(done)
                if done > MAX_BYTES:
                    raise IntegrityError(f"larger than {MAX_BYTES} bytes, and so refused", where=shown(url))


def _check_status(response: httpx2.Response) -> None:
    status, url = response.status_code, shown(str(response.url))
    if status in {200, 206}:
        return
    if status in {404, 410}:
        raise NotFoundError(f"the server does not have it ({status})", where=url)
    if status in {408, 425, 429} or status >= 500:
        raise _PassingError(f"the server answers {status}", _wanted_wait(response.headers.get("Retry-After", "")))
    raise OfflineError(f"the server refuses it ({status} {response.reason_phrase})", where=url)


def _wanted_wait(retry_after: str) -> float | None:
    """Seconds that a server asks to wait: it gives them, or a date."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
