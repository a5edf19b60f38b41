"""The Hugging Face hub, played by a server on loopback.

huggingface_hub reads its settings when it is imported, so every case runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tfbs_hub.errors import OfflineError
from tfbs_hub.sources.encode_hub import REPOSITORY, HuggingFace
from tfbs_hub.sources.encode_places import Cache

pytestmark = pytest.mark.network_loopback

REVISION = "0123456789abcdef0123456789abcdef01234567"
LISTING = f"/api/datasets/{REPOSITORY}"
RUN = """
import json, sys
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.sources.encode import available, fetch, fetch_test
from tfbs_hub.sources.options import SourceOptions
events = []
options = SourceOptions(report=events.append, **json.loads(sys.argv[2]))
try:
    rows, test = fetch(sys.argv[1], options), fetch_test(sys.argv[1], options)
    said = {"file": rows.files[0].name, "rows": len(rows), "digest": rows.files[0].sha256, "test": test and len(test)}
except TfbsHubError as error:
    said = {"error": type(error).__name__, "what": str(error), "hint": error.hint}
print(json.dumps(said | {"tasks": [event.task for event in events]}))
"""


@pytest.fixture
def run(cache, server):
    """Fetch a factor in a new process that takes the server for the hub."""

    def start(tf="ABC1", endpoint=server.url, options=None, **more):
        settings = {
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(cache / "hf"),
            "HF_HUB_ETAG_TIMEOUT": "2",
            "HF_HUB_DOWNLOAD_TIMEOUT": "2",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **more,
        }
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | settings
        done = subprocess.run(
            [sys.executable, "-c", RUN, tf, json.dumps(options or {})],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return start


@pytest.fixture
def hub(server, seqgz, digest):
    """Put files into the data set; returns how."""
    files = {}

    def put(name, data, sha256=None, served=None):
        files[name] = {"size": len(data), "sha256": digest(data) if sha256 is None else sha256}
        siblings = [
            {"rfilename": path, "size": file["size"], "blobId": "0" * 40}
            | ({"lfs": {"sha256": file["sha256"], "size": file["size"], "pointerSize": 132}} if file["sha256"] else {})
            for path, file in files.items()
        ]
        siblings.append({"rfilename": "README.md", "size": 3, "blobId": "0" * 40})
        body = json.dumps({"id": REPOSITORY, "sha": REVISION, "siblings": siblings, "tags": []}).encode()
        server.answers[LISTING] = []
        server.serve(LISTING, body, headers={"Content-Type": "application/json"})
        server.serve(
            f"/datasets/{REPOSITORY}/resolve/{REVISION}/{name}",
            data if served is None else served,
            headers={"ETag": f'"{files[name]["sha256"] or "0" * 40}"', "X-Repo-Commit": REVISION},
            ranges=True,
        )

    put("ABC1_HepG2_ABC1_(sc-1_2)_Broad_AC.seq.gz", seqgz(rows=5, seed=1))
    put("ABC1_HepG2_ABC1_(sc-1_2)_Broad_B.seq.gz", seqgz(rows=4, unbound=2, seed=2))
    return put


def downloads(server):
    return [path for method, path, _ in server.requests if method == "GET" and "/resolve/" in path]


def test_both_parts_come_from_the_hub_and_are_kept(run, hub, server, cache, digest, seqgz):
    said = run()
    assert said["file"] == "ABC1_HepG2_ABC1_(sc-1_2)_Broad_AC.seq.gz"
    assert (said["rows"], said["test"], said["digest"]) == (5, 4, digest(seqgz(rows=5, seed=1)))
    assert any(task.startswith("downloading ABC1") for task in said["tasks"])
    assert len(downloads(server)) == 2
    assert (cache / "encode" / said["digest"] / said["file"]).is_file()
    assert {headers.get("authorization") for _, _, headers in server.requests} == {None}

    before = len(server.requests)
    assert run(options={"offline": True})["rows"] == 5
    assert run(HF_HUB_OFFLINE="1")["rows"] == 5
    assert run()["rows"] == 5
    assert len(server.requests) == before


def test_a_factor_that_the_kept_list_lacks_is_asked_for(run, hub, server, seqgz):
    run()
    hub("NEW1_K562_NEW1_Broad_AC.seq.gz", seqgz(rows=7, seed=3))
    said = run("new1")
    assert (said["rows"], said["test"]) == (7, None)
    assert len(server.asked(LISTING)) == 2


def test_a_damaged_list_is_asked_for_again(run, hub, cache, server):
    run()
    (cache / "encode" / "index.json").write_text('{"revision": 7}')
    assert run()["rows"] == 5
    assert len(server.asked(LISTING)) == 2


def test_mirror_comes_first_and_the_hub_has_the_rest(run, hub, mirror, tmp_path, server, seqgz):
    hub("REST1_K562_REST1_Broad_AC.seq.gz", seqgz(rows=9, seed=4))
    named = {"TFBS_HUB_ENCODE_MIRROR": str(tmp_path / "mirror")}
    assert run("XYZ2", **named)["rows"] == 6
    assert server.requests == []
    assert run("REST1", **named)["rows"] == 9


def test_unknown_factor(run, hub):
    said = run("ABD1")
    assert said["error"] == "NotFoundError"
    assert "did you mean ABC1?" in said["hint"]
    assert "--data" in said["hint"]


def test_several_experiments(run, hub, seqgz):
    hub("ABC1_K562_ABC1_Broad_AC.seq.gz", seqgz(seed=5))
    said = run()
    assert said["error"] == "UsageError"
    assert "--cell K562" in said["hint"]
    assert run(options={"cell": "K562"})["rows"] == 6


def test_other_bytes_than_the_hub_promised(run, hub, seqgz, cache, digest):
    data = seqgz(seed=6)
    hub("LIE1_K562_LIE1_Broad_AC.seq.gz", data, served=data[:-1] + b"!")
    said = run("LIE1")
    assert said["error"] == "IntegrityError"
    assert digest(data) in said["what"]
    assert not list((cache / "encode").rglob("LIE1*.gz"))


def test_other_bytes_than_tfbs_hub_vouches_for(run, hub, seqgz):
    hub("SP1_GM12878_SP1_HudsonAlpha_AC.seq.gz", seqgz(seed=7))
    said = run("SP1")
    assert said["error"] == "IntegrityError"
    assert "131c5c30e277" in said["what"]


def test_a_file_without_a_digest_is_refused(run, hub, seqgz):
    hub("BARE1_K562_BARE1_Broad_AC.seq.gz", seqgz(seed=8), sha256="")
    said = run("BARE1")
    assert said["error"] == "IntegrityError"
    assert "no digest" in said["what"]


def test_a_path_that_leads_elsewhere_is_passed_over(run, hub, seqgz):
    hub("../OUT1_K562_OUT1_Broad_AC.seq.gz", seqgz(seed=8))
    assert run("OUT1")["error"] == "NotFoundError"


def test_a_file_that_is_listed_but_gone(run, hub, server):
    server.answers.pop(f"/datasets/{REPOSITORY}/resolve/{REVISION}/ABC1_HepG2_ABC1_(sc-1_2)_Broad_AC.seq.gz")
    server.serve(
        f"/datasets/{REPOSITORY}/resolve/{REVISION}/ABC1_HepG2_ABC1_(sc-1_2)_Broad_AC.seq.gz",
        b"",
        status=404,
        headers={"X-Error-Code": "EntryNotFound"},
    )
    said = run()
    assert said["error"] == "NotFoundError"
    assert "index.json" in said["hint"]


@pytest.mark.parametrize(
    "case", [{"HF_HUB_OFFLINE": "1"}, {"endpoint": "http://127.0.0.1:9"}, {"options": {"offline": True}}]
)
def test_no_network_names_the_ways_on(run, case):
    said = run(**case)
    assert said["error"] == "OfflineError"
    for way in ("network", "TFBS_HUB_ENCODE_MIRROR", "--source jaspar", "--data"):
        assert way in said["hint"]


@pytest.mark.parametrize("body", [b"<html>please log in</html>", b"[]", b'{"id": 1, "siblings": [{}]}'])
def test_a_server_that_is_no_hub(run, server, body):
    server.serve(LISTING, body, headers={"Content-Type": "application/json"})
    said = run()
    assert said["error"] == "OfflineError"


def test_a_data_set_that_is_not_there(run, server):
    server.serve(LISTING, b"{}", status=404, headers={"X-Error-Code": "RepoNotFound"})
    assert run()["error"] == "NotFoundError"


def test_a_failing_hub(run, server):
    server.serve(LISTING, b"", status=500)
    said = run()
    assert said["error"] == "OfflineError"
    assert "500" in said["what"]


def test_the_library_is_loaded_only_when_asked(tmp_path):
    code = "import sys, tfbs_hub.sources.encode as e; print('huggingface_hub' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_offline_with_no_list(tmp_path):
    with pytest.raises(OfflineError, match="may not be used"):
        HuggingFace(Cache(tmp_path), offline=True).listing("ABC1")
