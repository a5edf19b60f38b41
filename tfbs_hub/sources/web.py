"""Asking a web server: with patience, through the environment's proxies, and without being led astray.

Proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) and certificates (`SSL_CERT_FILE`, `SSL_CERT_DIR`) are
those of the environment. No credentials are sent but those in an address, and these to the server that it names alone;
a redirect never leads from https to http. With `TFBS_HUB_OFFLINE=1` nobody is asked at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final, TypeVar

import httpx2

from tfbs_hub import settings
from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError, UsageError
from tfbs_hub.limits import CONNECT_SECONDS, MAX_REDIRECTS, MAX_TRIES, MAX_WAIT_SECONDS, STALL_SECONDS
from tfbs_hub.progress import Event, Report

__all__ = ["PATIENT", "Patience", "TryAgainError", "check_size", "check_status", "shown", "until_done"]

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

    connect: float = CONNECT_SECONDS
    stall: float = STALL_SECONDS
    attempts: int = MAX_TRIES
    backoff: float = 0.5
    longest: float = MAX_WAIT_SECONDS


PATIENT: Final = Patience()


class TryAgainError(Exception):
    """A failure that may pass; never leaves this package."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def until_done(url: str, attempt: Callable[[httpx2.Client], T], patience: Patience, task: str, report: Report) -> T:
    """What `attempt` returns, tried as long as `TryAgainError` says that it may still succeed.

    Args:
        url: names the server in errors; `attempt` asks for it.
        attempt: is given a client.
        patience: when to give up.
        task, report: hear why it is tried again.

    Raises:
        OfflineError: the network may not be used, or the server cannot be reached or keeps failing.
        IntegrityError: a redirect gives encryption up.
        UsageError: the address cannot be used.
    """
    timeout = httpx2.Timeout(patience.stall, connect=patience.connect)
    # Compression on the way would hide the bytes that the digest is about.
    headers = {"Accept-Encoding": "identity"}
    reason = ""
    if settings.offline():
        raise OfflineError("the network may not be used: TFBS_HUB_OFFLINE is set", where=shown(url))
    with httpx2.Client(
        timeout=timeout,
        headers=headers,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        event_hooks={"request": [partial(_check_encryption, url)]},
    ) as client:
        for turn in range(patience.attempts):
            try:
                return _translated(url, attempt, client, patience)
            except TryAgainError as error:
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


def _check_encryption(url: str, request: httpx2.Request) -> None:
    """Called before every request, redirected ones as well."""
    if httpx2.URL(url).scheme == "https" and request.url.scheme != "https":
        raise IntegrityError(
            f"the server sends us on to an address without encryption, {shown(str(request.url))}",
            where=shown(url),
            hint="nothing was asked there; name that address yourself if you trust the network",
        )


def _translated(url: str, attempt: Callable[[httpx2.Client], T], client: httpx2.Client, patience: Patience) -> T:
    try:
        return attempt(client)
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise UsageError(f"not an address that can be used: {error}", where=shown(url)) from error
    except httpx2.ConnectTimeout as error:
        raise TryAgainError(f"no connection within {patience.connect:g} s") from error
    except httpx2.TimeoutException as error:
        raise TryAgainError(f"the server sent nothing for {patience.stall:g} s") from error
    except httpx2.TransportError as error:
        raise TryAgainError(str(error) or type(error).__name__) from error
    except httpx2.TooManyRedirects as error:
        raise OfflineError("the server redirects without end", where=shown(url)) from error


def check_status(response: httpx2.Response) -> None:
    """Raise what a status other than 200 or 206 means."""
    status, url = response.status_code, shown(str(response.url))
    if status in {200, 206}:
        return
    if status in {404, 410}:
        raise NotFoundError(f"the server does not have it ({status})", where=url)
    if status in {408, 425, 429} or status >= 500:
        raise TryAgainError(
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


def check_size(size: int, max_bytes: int, url: str) -> None:
    """Raise `IntegrityError` if more has come than may."""
    if size > max_bytes:
        raise IntegrityError(f"the file is larger than {max_bytes} bytes and was refused", where=shown(url))


def shown(url: str) -> str:
    """The address without a user and password that it may hold."""
    try:
        return str(httpx2.URL(url).copy_with(userinfo=b""))
    except httpx2.InvalidURL:
        return url
