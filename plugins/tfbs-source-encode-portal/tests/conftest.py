"""A server on 127.0.0.1 that answers searches as the ENCODE portal does, and can be told to misbehave."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tfbs_hub.sources.download import Patience

SITE = "TTCCGGGAA"


def projected(record: dict, fields: list[str]) -> dict:
    """What the portal sends of a record: its id and type, and the fields asked for, nested."""
    found = {key: record[key] for key in ("@id", "@type")}
    for field in fields:
        head, _, tail = field.partition(".")
        if head in record:
            found[head] = {tail: record[head][tail]} if tail else record[head]
    return found


def fits(record: dict, query: dict[str, list[str]]) -> bool:
    """True if a record has each value that the query asks for."""
    for key, wanted in query.items():
        value = record
        for part in key.split("."):
            value = value.get(part, {})
        values = value if isinstance(value, list) else [value]
        if not set(wanted) & set(values):
            return False
    return True


class Portal:
    """Experiments and files, and what was asked.

    Attributes:
        records: what a search looks through.
        bodies: bytes of files by path.
        faults: answers to give first, by path: each a function of the request handler.
        requests: (path with query, headers, time in s) in order.
    """

    def __init__(self) -> None:
        self.records: list[dict] = []
        self.bodies: dict[str, bytes] = {}
        self.faults: dict[str, list[Callable]] = {}
        self.requests: list[tuple[str, dict[str, str], float]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                headers = {key.lower(): value for key, value in self.headers.items()}
                outer.requests.append((self.path, headers, time.monotonic()))
                path = urlsplit(self.path).path
                if outer.faults.get(path):
                    outer.faults[path].pop(0)(self)
                elif path == "/search/":
                    outer.search(self, parse_qs(urlsplit(self.path).query))
                elif path in outer.bodies:
                    # The real portal sends downloads to a store elsewhere.
                    self.send_response(307)
                    self.send_header("Location", f"/store{path}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    outer.send(self, outer.bodies.get(path.removeprefix("/store")))

            def log_message(self, *_: object) -> None:
                """Tests read `requests` instead."""

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that hangs up is part of many tests."""

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = False
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.httpd.shutdown()
        self.thread.join()
        self.httpd.server_close()

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers of the requests for a path."""
        return [headers for target, headers, _ in self.requests if urlsplit(target).path == path]

    @staticmethod
    def send(handler, body: bytes | None, status: int = 200, announced: int | None = None, **headers: str) -> None:
        """Send a body, or the part that a Range header asks for; `announced` lies about the length."""
        body, status = (b"not here", 404) if body is None else (body, status)
        asked = handler.headers.get("Range", "")
        if asked and status == 200:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body) if announced is None else announced))
        if announced is not None:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        handler.wfile.write(body)

    def search(self, handler, query: dict[str, list[str]]) -> None:
        """Answer as the portal: matches under @graph, counts under facets, status 404 where there are none."""
        assert query.pop("format") == ["json"]
        limit, fields = query.pop("limit")[0], query.pop("field", [])
        kind = query.pop("type")
        found = [record for record in self.records if record["@type"][0] in kind and fits(record, query)]
        labels = [record["target"]["label"] for record in found if "target" in record]
        answer = {
            "@graph": [] if limit == "0" else [projected(record, fields) for record in found],
            "facets": [
                {"field": "assay_title", "terms": {"count": 3}},
                {"field": "target.label", "terms": [{"key": key, "doc_count": 1} for key in sorted(set(labels))]},
            ],
            "notification": "Success" if found else "No results found",
            "total": len(found),
        }
        self.send(handler, json.dumps(answer).encode(), 200 if found else 404, Content_Type="application/json")

    def experiment(self, accession: str, tf: str = "STAT3", cell: str = "HeLa-S3", **changes: object) -> str:
        """Add an experiment; returns its accession."""
        self.records.append(
            {
                "@id": f"/experiments/{accession}/",
                "@type": ["Experiment", "Dataset", "Item"],
                "accession": accession,
                "status": "released",
                "assay_title": "TF ChIP-seq",
                "assembly": ["hg19", "GRCh38"],
                "target": {"label": tf, "@id": f"/targets/{tf}-human/"},
                "biosample_ontology": {"term_name": cell, "classification": "cell line"},
                "biosample_summary": f"Homo sapiens {cell}",
                "lab": {"title": "Michael Snyder, Stanford", "name": "michael-snyder"},
                **changes,
            }
        )
        return accession

    def file(self, accession: str, experiment: str, peaks: bytes, **changes: object) -> str:
        """Add a file of peaks; returns the path that it is downloaded from."""
        body = gzip.compress(peaks, mtime=0)
        path = f"/files/{accession}/@@download/{accession}.bed.gz"
        self.bodies[path] = body
        self.records.append(
            {
                "@id": f"/files/{accession}/",
                "@type": ["File", "Item"],
                "accession": accession,
                "status": "released",
                "dataset": f"/experiments/{experiment}/",
                "file_type": "bed narrowPeak",
                "output_type": "IDR thresholded peaks",
                "assembly": "GRCh38",
                "preferred_default": True,
                "href": path,
                "md5sum": hashlib.md5(body).hexdigest(),
                "file_size": len(body),
                **changes,
            }
        )
        return path


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, cache or proxy of the user's."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("TFBS_ENCODE_PORTAL_ASSEMBLY", raising=False)
    monkeypatch.setenv("TFBS_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """An empty portal that TFBS_ENCODE_PORTAL_URL names."""
    running = Portal()
    monkeypatch.setenv("TFBS_ENCODE_PORTAL_URL", f"{running.url}/")
    yield running
    running.close()


@pytest.fixture
def quick() -> Patience:
    """Gives up soon."""
    return Patience(connect=2, stall=1, attempts=3, backoff=0.01, longest=0.05)


@pytest.fixture(scope="session")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chromosome chr1 of 24,000 bp with a site every 400 bp, from base 200 on."""
    draw = random.Random(0)
    letters = draw.choices("ACGT", k=24_000)
    for start in range(200, 24_000, 400):
        letters[start : start + len(SITE)] = SITE
    path = tmp_path_factory.mktemp("genome") / "tiny.fa"
    path.write_text(">chr1\n" + "\n".join("".join(letters[row : row + 60]) for row in range(0, 24_000, 60)) + "\n")
    return path


@pytest.fixture(scope="session")
def peaks() -> bytes:
    """60 narrowPeak rows whose summits are the middles of the genome's sites."""
    rows = [
        f"chr1\t{start - 100}\t{start + 150}\t.\t1000\t.\t9.5\t-1\t4.2\t{100 + len(SITE) // 2}\n"
        for start in range(200, 24_000, 400)
    ]
    return "".join(rows).encode()
