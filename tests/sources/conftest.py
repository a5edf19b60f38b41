"""A web server that can be told to misbehave, small files in the ENCODE form, and the real mirror if it is there."""

from __future__ import annotations

import gzip
import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]


class Server:
    """Answers by path: each path has a list of answers, used up in turn; the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Callable]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                path = unquote(self.path)
                outer.requests.append((self.command, path, {key.lower(): value for key, value in self.headers.items()}))
                answers = outer.answers.get(path) or outer.answers.get(path.partition("?")[0])
                if not answers:
                    outer.send(self, b"not here", status=404)
                    return
                (answers.pop(0) if len(answers) > 1 else answers[0])(self)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                """Tests read `requests` instead."""

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that hangs up is part of many tests."""

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = False
        self.httpd.block_on_close = True
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.closing.set()
        self.httpd.shutdown()
        self.thread.join()
        self.httpd.server_close()

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers of the requests for a path."""
        return [headers for _, asked, headers in self.requests if asked.partition("?")[0] == path]

    @staticmethod
    def send(handler, body, status=200, headers=None, announced=None, ranges=False) -> None:
        """Send a body, or the part that a Range header asks for; `announced` lies about the length."""
        start = 0
        asked = handler.headers.get("Range", "")
        headers = dict(headers or {})
        if ranges and asked.startswith("bytes="):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                status, body, start = 416, b"", 0
            else:
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        body = body[start:]
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(body) if announced is None else announced))
        if announced is not None:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def serve(self, path: str, body: bytes, **options: object) -> None:
        """Answer a path with a body, as the last of its answers."""
        self.answers.setdefault(path, []).append(lambda handler: self.send(handler, body, **options))

    def cut(self, path: str, body: bytes, after: int) -> None:
        """Answer a path once with the beginning of a body and close the connection."""
        self.serve(path, body[:after], announced=len(body))

    def stall(self, path: str, body: bytes, after: int) -> None:
        """Answer a path with the beginning of a body, then say nothing more."""

        def answer(handler) -> None:
            self.send(handler, body[:after], announced=len(body))
            handler.wfile.flush()
            self.closing.wait(10)

        self.answers.setdefault(path, []).append(answer)


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    running = Server()
    yield running
    running.close()


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    """An empty cache of its own, and no mirror."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TFBS_HUB_CACHE", str(folder))
    monkeypatch.delenv("TFBS_HUB_ENCODE_MIRROR", raising=False)
    return folder


@pytest.fixture
def seqgz() -> Callable[..., bytes]:
    """Make a .seq.gz file: `rows` random sequences of `length`, of which `unbound` are labelled 0."""

    def make(rows: int = 6, length: int = 21, unbound: int = 0, seed: int = 0) -> bytes:
        draw = random.Random(seed)
        lines = ["FoldID\tEventID\tseq\tBound"]
        for row in range(rows):
            letters = "".join(draw.choices("ACGT", k=length))
            lines.append(f"A\tseq_{row:05d}_peak\t{letters}\t{int(row >= unbound)}")
        return gzip.compress("\n".join([*lines, ""]).encode(), mtime=0)

    return make


@pytest.fixture
def digest() -> Callable[[bytes], str]:
    return lambda data: hashlib.sha256(data).hexdigest()


@pytest.fixture
def mirror(tmp_path, seqgz, digest) -> dict[str, bytes]:
    """A mirror folder `mirror` with three experiments of two made-up factors; returns {path: bytes}."""
    files = {
        "train/ABC1_K562_ABC1_(sc-88_21)_Broad_AC.seq.gz": seqgz(seed=1),
        "train/ABC1_HepG2_ABC1_Stanford_AC.seq.gz": seqgz(seed=2),
        "test/ABC1_HepG2_ABC1_Stanford_B.seq.gz": seqgz(rows=8, unbound=4, seed=3),
        "train/XYZ2_HepG2_c-Xyz_UT-A_AC.seq.gz": seqgz(seed=4),
    }
    folder = tmp_path / "mirror"
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    sums = "".join(f"{digest(data)}  {path}\n" for path, data in files.items())
    (folder / "SHA256SUMS").write_text(sums)
    (folder / "README.md").write_text("not a file of the set")
    return files
