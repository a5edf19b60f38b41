"""The package of a source: built as a wheel, installed into a folder of its own, asked by the real command."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "plugins" / "tfbs-source-encode-portal"
CELLS = {"ENCSR000EDC": "HeLa-S3", "ENCSR000DZV": "GM12878"}


@pytest.fixture(scope="module")
def wheel(wheel_of: Callable[[Path], Path]) -> Path:
    return wheel_of(PACKAGE)


@pytest.fixture(scope="module")
def installed(wheel: Path, installed_alone: Callable[[Path], Path]) -> Path:
    return installed_alone(wheel)


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    """A chromosome with a site every 400 bp."""
    letters = random.Random(0).choices("ACGT", k=24_000)
    for start in range(200, 24_000, 400):
        letters[start : start + 9] = "TTCCGGGAA"
    path = tmp_path / "tiny.fa"
    path.write_text(f">chr1\n{''.join(letters)}\n")
    return path


@pytest.fixture
def portal() -> Iterator[str]:
    """The address of a server that has STAT3 in two cell lines, with 60 peaks in HeLa-S3."""
    rows = [f"chr1\t{start - 100}\t{start + 150}\t.\t1000\t.\t9\t-1\t4\t104\n" for start in range(200, 24_000, 400)]
    body = gzip.compress("".join(rows).encode(), mtime=0)
    href = "/files/ENCFF000AAA/@@download/ENCFF000AAA.bed.gz"
    kept = {"accession": "ENCFF000AAA", "href": href, "md5sum": hashlib.md5(body).hexdigest()}
    peaks = {**kept, "output_type": "IDR thresholded peaks", "preferred_default": True}
    experiments = [
        {"accession": name, "biosample_ontology": {"term_name": cell}, "lab": {"title": "A Lab"}}
        for name, cell in CELLS.items()
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            found = [peaks] if query.get("type") == ["File"] else experiments
            answer = body if self.path == href else json.dumps({"@graph": found, "facets": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def tfbs_hub(installed: Path, portal: str, registry: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command on a copy of the small trained registry, with the package installed."""
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    kept = {key: value for key, value in os.environ.items() if key.lower() not in proxies and key != "TFBS_HUB_PLUGINS"}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tfbs_hub.cli", "--registry", str(registry), *arguments],
            env={**kept, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", "TFBS_ENCODE_PORTAL_URL": portal},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return call


def test_the_wheel_holds_the_package_and_its_licence(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"tfbs_source_encode_portal/source.py", "tfbs_source_encode_portal/tfbs_hub.toml"} <= set(names)
    assert not [name for name in names if "test" in name or "__pycache__" in name]
    assert any(name.endswith("/LICENSE") for name in names)


def test_its_own_tests_pass_as_installed(installed, tmp_path):
    shutil.copytree(PACKAGE / "tests", tmp_path / "tests")
    shutil.copy(PACKAGE / "pyproject.toml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        env={**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.network_loopback
def test_an_expert_is_trained_from_the_portal(tfbs_hub, genome):
    asked = ("add-expert", "STAT3", "--source", "encode-portal", "--device", "cpu")
    several = tfbs_hub(*asked, "--genome", str(genome))
    assert several.returncode == 2, several.stderr
    assert "STAT3 was measured in 2 experiments" in several.stderr
    assert "--cell GM12878  # GM12878, A Lab\n" in several.stderr

    added = tfbs_hub(*asked, "--genome", str(genome), "--cell", "HeLa-S3", "--json")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["added"]["name"] == "STAT3"

    card = json.loads(tfbs_hub("show", "STAT3", "--json").stdout)["card"]
    assert card["cell"] == "HeLa-S3"
    assert "ENCSR000EDC" in card["citation"]
    assert card["provenance"]["source"] == "encode-portal"
    assert card["provenance"]["positives"] == 60
    (file,) = card["provenance"]["files"]
    assert (file["name"], file["rows"], len(file["sha256"])) == ("ENCFF000AAA.bed.gz", 60, 64)
