"""The UI in a real browser: it is served, drawn, and answers to keys."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")

import aiohttp
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ACCENT = (0x56, 0xB6, 0xC2)
GROUND = (0x0F, 0x13, 0x18)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.network_loopback,
]


class RefusedError(Exception):
    """The browser would not."""


class Page:
    """One page of a browser, through its debugging protocol."""

    def __init__(self, stream):
        self._stream, self._number = stream, 0

    async def ask(self, method, **parameters):
        self._number += 1
        await self._stream.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = await self._stream.receive_json(timeout=60)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RefusedError(answer["error"]["message"])
                return answer["result"]

    async def key(self, letter):
        code = {"key": letter, "text": letter, "windowsVirtualKeyCode": ord(letter.upper())}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", **code)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def picture(self):
        shot = await self.ask("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"])


@contextlib.asynccontextmanager
async def browsing(folder, address, width=1200, height=800):
    """A browser of its own on a page."""
    command = [
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
        *(f"--window-size={width},{height}", f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank"),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)}
    )
    try:
        told = Path(folder) / "DevToolsActivePort"
        for _ in range(600):
            if told.is_file() and told.read_text().count("\n"):
                break
            await asyncio.sleep(0.05)
        port = int(told.read_text().split("\n")[0])
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{port}/json") as answer:
                pages = await answer.json()
            page = next(each for each in pages if each["type"] == "page")
            async with client.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as stream:
                shown = Page(stream)
                await shown.ask(
                    "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
                )
                await shown.ask("Emulation.setFocusEmulationEnabled", enabled=True)
                await shown.ask("Page.navigate", url=address)
                yield shown
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def serving(*arguments):
    """`tfbs-hub tui --serve`; gives its address."""
    command = [sys.executable, "-m", "tfbs_hub.cli", "tui", "--serve", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def colours(png):
    image = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = image.width * image.height
    return Counter({colour: count for count, colour in image.getcolors(pixels)}), pixels


def highlighted(found):
    """Pixels of the table's chosen row, which is the accent on the ground."""
    row = [ground + (accent - ground) * 0.25 for ground, accent in zip(GROUND, ACCENT, strict=True)]
    near = [count for colour, count in found.items() if all(abs(a - b) <= 3 for a, b in zip(colour, row, strict=True))]
    return sum(near)


async def until(page, true):
    """A picture that is what it should be: what is asked is given its colours, and how many pixels there are."""
    found = Counter()
    for _ in range(300):
        with contextlib.suppress(RefusedError):  # it is still on its way to the page
            png = await page.picture()
            found, pixels = colours(png)
            if found[GROUND] > pixels // 2 and found[ACCENT] > 200 and true(found):
                return png
        await asyncio.sleep(0.1)
    raise AssertionError(f"it was not drawn: {found.most_common(5)}")


def test_it_is_drawn_in_a_browser_and_answers_to_keys(registry, tmp_path):
    async def go(address):
        async with browsing(tmp_path / "browser", address) as page:
            await until(page, lambda found: True)
            await page.click(300, 600)
            # The table of experts is there, with the row under the cursor.
            await until(page, lambda found: highlighted(found) > 3000)
            where = await page.ask("Runtime.evaluate", expression="location.href")
            assert "token" not in where["result"]["value"]
            await page.key("4")
            await until(page, lambda found: highlighted(found) < 300)
            await page.key("1")
            return await until(page, lambda found: highlighted(found) > 3000)

    with serving("--registry", str(registry)) as address:
        picture = asyncio.run(go(address))
    (tmp_path / "browser.png").write_bytes(picture)
