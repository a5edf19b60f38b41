"""The same UI in a browser on this machine: textual-serve, with the locks that it lacks.

Whoever reaches the UI can read files and start programs as the user who started it. So it listens on the loopback
address alone, and lets nobody in without the token that is printed once: it is exchanged for a cookie that scripts
cannot read and other sites cannot send. Requests for another host's name (DNS rebinding) and from other origins are
refused, and no more than a few browsers can be connected at a time.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from textual_serve.server import Server

from tfbs_hub.files import storage_error
from tfbs_hub.limits import MAX_BROWSERS

__all__ = ["LockedServer", "serve"]

_HOST: Final = "127.0.0.1"
_GRACE: Final = 2.0
"""Seconds that browsers are given to go when the server ends."""
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self' ws://{host}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LockedServer(Server):
    """A server that lets in whoever has the token.

    Args:
        command: runs the UI, one process a browser.
        port: where to listen.
        token: opens the door.
    """

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(command, host=_HOST, port=port, title="tfbs-hub")
        self._token = token
        self._cookie = f"tfbs-hub-{port}"
        self._own = f"{_HOST}:{port}"
        self._connected = 0

    @property
    def address(self) -> str:
        """What to open in a browser, once."""
        return f"http://{self._own}/?token={self._token}"

    def initialize_logging(self) -> None:
        """Errors alone: a log of requests would hold the token."""
        logging.basicConfig(level="ERROR")

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is said before somebody listens."""

    def serve_on(self, listening: socket.socket) -> None:
        """Serve on a socket until Ctrl-C; the address is printed when the door is open."""
        self.initialize_logging()
        # The log of requests would hold the token, too.
        web.run_app(self._make_app(), sock=listening, print=self._announce, access_log=None, shutdown_timeout=_GRACE)

    def _announce(self, *_: object) -> None:
        sys.stdout.write(f"{self.address}\n")
        sys.stdout.flush()
        sys.stderr.write("open this address in a browser on this machine; ctrl+c ends it\n")

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who may come in."""
        if request.headers.get("Host") != self._own:
            raise web.HTTPForbidden(text="another host was asked for")
        if request.headers.get("Origin", f"http://{self._own}") != f"http://{self._own}":
            raise web.HTTPForbidden(text="another site asks")
        if request.path == "/" and self._fits(request.query.get("token", "")):
            welcome = web.HTTPFound("/")
            welcome.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict", path="/")
            raise welcome
        if not self._fits(request.cookies.get(self._cookie, "")):
            raise web.HTTPUnauthorized(text="open the address that tfbs-hub tui --serve printed, with its token")
        if request.path == "/ws":
            return await self._counted(request, handler)
        response = await handler(request)
        response.headers["Content-Security-Policy"] = _POLICY.format(host=self._own)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._connected >= MAX_BROWSERS:
            raise web.HTTPServiceUnavailable(text="too many browsers are connected: close one")
        self._connected += 1
        try:
            return await handler(request)
        finally:
            self._connected -= 1

    def _fits(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())


def serve(registry: str | None, port: int = 0) -> None:
    """Serve the UI until Ctrl-C; prints the address to open.

    Args:
        registry: as the command line takes it.
        port: where to listen; 0 takes a free one.

    Raises:
        StorageError: the port is taken.
    """
    command = [sys.executable, "-P", "-m", "tfbs_hub.cli", "tui", *(["--registry", registry] if registry else [])]
    with socket.socket() as listening:
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((_HOST, port))
        except OSError as error:
            raise storage_error(error, f"port {port}", "choose another one with --port") from error
        server = LockedServer(shlex.join(command), int(listening.getsockname()[1]), secrets.token_urlsafe(32))
        server.serve_on(listening)
