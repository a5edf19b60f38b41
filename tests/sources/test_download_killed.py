"""A download that is killed in the middle: nothing wrong stays, and the next one goes on."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tfbs_hub.sources.download import Patience, download

pytestmark = pytest.mark.network_loopback

ROOT = Path(__file__).resolve().parents[2]
BODY = random.Random(7).randbytes(400_000)
BUFFER = 8192
"""What a killed process may have read and not written yet."""
SCRIPT = """
import sys
from pathlib import Path
from tfbs_hub.sources.download import download
url, target, sha256 = sys.argv[1:]
download(url, Path(target), sha256=sha256)
"""


class Slow:
    """Answers with the first `size` bytes of what was asked for, then waits."""

    def __init__(self, server, size: int) -> None:
        self._server = server
        self._size = size
        self.sent = threading.Event()

    def __call__(self, handler) -> None:
        asked = handler.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        handler.send_response(206 if asked else 200)
        if asked:
            handler.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        handler.send_header("Content-Length", str(len(BODY) - start))
        handler.end_headers()
        handler.wfile.write(BODY[start : start + self._size])
        handler.wfile.flush()
        self.sent.set()
        self._server.closing.wait(10)


def start(server, target: Path, sha256: str) -> subprocess.Popen:
    words = [sys.executable, "-c", SCRIPT, f"{server.url}/file", str(target), sha256]
    return subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)


def grown(part: Path, size: int) -> bool:
    return size <= 0 or (part.exists() and part.stat().st_size >= size)


@pytest.mark.parametrize("sizes", [[0], [50_000], [len(BODY) - 1], [0, 100_000, 50_000, 100_000]])
def test_killed_while_bytes_arrive(server, tmp_path, digest, sizes):
    target = tmp_path / "to" / "file"
    part = target.with_name("file.part")
    had = 0
    for size in sizes:
        before, answer = had, Slow(server, size)
        server.answers["/file"] = [answer]
        process = start(server, target, digest(BODY))
        assert answer.sent.wait(60)
        # What was sent has to get there before the process is killed.
        for _ in range(1000):
            if grown(part, had + size - BUFFER):
                break
            threading.Event().wait(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not target.exists()
        had = part.stat().st_size if part.exists() else 0
        assert (part.read_bytes() if had else b"") == BODY[:had]
        assert had >= before + size - BUFFER
    server.answers["/file"] = []
    server.serve("/file", BODY, ranges=True)
    download(f"{server.url}/file", target, sha256=digest(BODY), patience=Patience(attempts=1, stall=5))
    assert target.read_bytes() == BODY
    assert server.asked("/file")[-1].get("range") == (f"bytes={had}-" if had else None)
    assert sorted(path.name for path in target.parent.iterdir()) == ["file", "file.lock"]


def test_killed_at_any_moment(server, tmp_path, digest):
    """Also while the digest is computed or the file moved: the target is whole or not there."""
    draw = random.Random(11)
    server.serve("/file", BODY, ranges=True)
    for number in range(8):
        target = tmp_path / str(number) / "file"
        process = start(server, target, digest(BODY))
        while not target.parent.exists():
            assert process.poll() is None
        threading.Event().wait(draw.uniform(0, 0.03))
        process.kill()
        process.wait()
        if target.exists():
            assert target.read_bytes() == BODY
        download(f"{server.url}/file", target, sha256=digest(BODY), patience=Patience(attempts=1, stall=5))
        assert target.read_bytes() == BODY
