"""The door of the browser's version: who is let in, and who is not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")

import aiohttp
from aiohttp import web

from tfbs_hub.errors import StorageError
from tfbs_hub.limits import MAX_BROWSERS
from tfbs_hub.tui.serve import LockedServer, serve

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-this-test"

pytestmark = pytest.mark.network_loopback


@contextlib.asynccontextmanager
async def served(command="true"):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = LockedServer(command, port, TOKEN)
    runner = web.AppRunner(await server._make_app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            yield server, client, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def run(check, command="true"):
    async def go():
        async with served(command) as (server, client, base):
            await check(server, client, base)

    asyncio.run(go())


async def status(client, url, **options):
    async with client.get(url, allow_redirects=False, **options) as answer:
        return answer.status, dict(answer.headers)


def test_nobody_comes_in_without_the_token(capsys):
    async def check(server, client, base):
        for path in ("/", "/ws", "/static/", "/download/x", "/?token=", "/?token=wrong", f"/ws?token={TOKEN}"):
            assert (await status(client, base + path))[0] == 401, path

    run(check)


def test_the_token_is_exchanged_for_a_cookie_that_stays_here(capsys):
    async def check(server, client, base):
        server._announce()
        assert capsys.readouterr().out.strip() == server.address == f"{base}/?token={TOKEN}"
        code, headers = await status(client, server.address)
        assert code == 302 and headers["Location"] == "/"
        assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
        code, headers = await status(client, base + "/")
        assert code == 200
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "googleapis" not in headers["Content-Security-Policy"]

    run(check)


def test_other_sites_and_other_names_are_refused(capsys):
    async def check(server, client, base):
        await status(client, server.address)
        assert (await status(client, base + "/", headers={"Host": "evil.example"}))[0] == 403
        assert (await status(client, base + "/ws", headers={"Origin": "http://evil.example"}))[0] == 403
        assert (await status(client, base + "/ws", headers={"Origin": "null"}))[0] == 403

    run(check)


def test_only_a_few_browsers_at_a_time_and_one_that_leaves_makes_room(capsys):
    async def check(server, client, base):
        await status(client, server.address)

        async def connect():
            return await client.ws_connect(f"{base}/ws?width=80&height=24", origin=base)

        connected = [await connect() for _ in range(MAX_BROWSERS)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect()
        assert refused.value.status == 503
        await connected.pop().close()
        for _ in range(100):
            with contextlib.suppress(aiohttp.WSServerHandshakeError):
                connected.append(await connect())
                break
            await asyncio.sleep(0.1)
        assert len(connected) == MAX_BROWSERS
        for each in connected:
            await each.close()
        while server._connected:
            await asyncio.sleep(0.1)

    # What says that it runs, and ends with the first message, which is the one to quit.
    run(check, "echo __GANGLION__; exec head -c 10")


def test_a_taken_port_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StorageError, match="port"):
            serve(None, taken.getsockname()[1])


def test_a_browser_gets_the_ui_and_takes_it_along_when_it_goes(registry, tmp_path):
    """Through the real command: the address on stdout, a page, a socket that draws, and nothing left behind."""
    command = [sys.executable, "-m", "tfbs_hub.cli", "tui", "--serve", "--registry", str(registry)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env) as process:
        try:
            address = process.stdout.readline().strip()
            assert _listening(int(address.partition("/?")[0].rpartition(":")[2])) <= {"127.0.0.1"}
            asyncio.run(_browse(address))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
            process.stdout.close()
    assert not any(str(registry) in words for words in _commands())


async def _browse(address):
    base = address.partition("/?")[0]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(address) as answer:
            assert answer.status == 200
        async with client.ws_connect(f"{base}/ws?width=100&height=30", origin=base) as stream:
            drawn = b""
            while b"EBOX" not in drawn:
                message = await stream.receive(timeout=60)
                drawn += message.data if message.type == aiohttp.WSMsgType.BINARY else b""


def _listening(port):
    """The addresses on which somebody listens at a port, as far as /proc tells."""
    found, table = set(), Path("/proc/net/tcp")
    for line in table.read_text().splitlines()[1:] if table.exists() else ():
        local, state = line.split()[1], line.split()[3]
        address, _, number = local.partition(":")
        if int(number, 16) == port and state == "0A":
            found.add(socket.inet_ntoa(int(address, 16).to_bytes(4, sys.byteorder)))
    assert found or not table.exists()
    return found


def _commands():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
