from __future__ import annotations

import gzip
import random
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError, StorageError, UsageError
from tfbs_hub.sources.download import Patience, download, read_text, sha256_of

pytestmark = pytest.mark.network_loopback

QUICK = Patience(connect=2, stall=0.3, attempts=3, backoff=0.01, longest=0.05)
BODY = random.Random(5).randbytes(300_000)


@pytest.fixture
def get(server, tmp_path, digest):
    """Download /file with quick patience into an empty folder."""

    def run(body=BODY, **options):
        options.setdefault("patience", QUICK)
        return download(f"{server.url}/file", tmp_path / "to" / "file", sha256=digest(body), **options)

    return run


def leftovers(tmp_path):
    return sorted(path.name for path in (tmp_path / "to").iterdir() if not path.name.endswith(".lock"))


def test_whole_file_arrives_and_progress_is_told(server, get, tmp_path):
    server.serve("/file", BODY)
    events = []
    assert get(report=events.append).read_bytes() == BODY
    assert leftovers(tmp_path) == ["file"]
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert (events[0].done, events[-1].done, events[-1].total) == (0, len(BODY), len(BODY))
    assert events[-1].task == "downloading file"


def test_present_file_is_not_asked_for(server, get):
    server.serve("/file", BODY)
    get()
    get()
    assert len(server.requests) == 1


def test_cut_connection_resumes_with_range(server, get):
    server.cut("/file", BODY, after=100_000)
    server.serve("/file", BODY, ranges=True)
    assert get().read_bytes() == BODY
    ranges = [headers.get("range") for headers in server.asked("/file")]
    assert ranges[0] is None
    assert ranges[1] == "bytes=100000-"


def test_next_run_goes_on_where_the_last_stopped(server, get, tmp_path):
    server.cut("/file", BODY, after=100_000)
    with pytest.raises(OfflineError) as caught:
        get(patience=Patience(attempts=1))
    assert "goes on where it stopped" in str(caught.value)
    assert (tmp_path / "to" / "file.part").read_bytes() == BODY[:100_000]
    server.answers["/file"] = []
    server.serve("/file", BODY, ranges=True)
    assert get().read_bytes() == BODY
    assert server.asked("/file")[-1]["range"] == "bytes=100000-"


def test_server_that_ignores_range_sends_everything_again(server, get):
    server.cut("/file", BODY, after=100_000)
    server.serve("/file", BODY, ranges=False)
    assert get().read_bytes() == BODY


def test_beginning_of_another_version_is_thrown_away(server, get, tmp_path):
    server.serve("/file", BODY, ranges=True)
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "file.part").write_bytes(b"of last year" * 1000)
    assert get().read_bytes() == BODY
    assert [headers.get("range") for headers in server.asked("/file")] == ["bytes=12000-", None]


def test_beginning_longer_than_the_file_is_thrown_away(server, get, tmp_path):
    server.serve("/file", BODY, ranges=True)
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "file.part").write_bytes(BODY + b"more")
    assert get().read_bytes() == BODY


def test_range_other_than_asked_is_not_believed(server, get, tmp_path):
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "file.part").write_bytes(BODY[:100])
    server.serve("/file", BODY[50:], status=206, headers={"Content-Range": f"bytes 50-{len(BODY) - 1}/{len(BODY)}"})
    with pytest.raises(OfflineError, match="another part"):
        get()


def test_wrong_bytes_are_refused_and_not_kept(server, get, tmp_path):
    server.serve("/file", BODY[:-1] + b"!")
    with pytest.raises(IntegrityError, match="other bytes") as caught:
        get()
    assert server.url in str(caught.value)
    assert leftovers(tmp_path) == []


def test_truncation_on_every_try_is_an_error_that_keeps_what_came(server, get, tmp_path):
    server.cut("/file", BODY, after=1000)
    with pytest.raises(OfflineError, match="3 tries"):
        get()
    assert leftovers(tmp_path) == ["file.part"]


def test_stall_becomes_a_clear_error(server, get):
    server.stall("/file", BODY, after=1000)
    with pytest.raises(OfflineError, match=r"sent nothing for 0\.3 s"):
        get(patience=Patience(stall=0.3, attempts=1))


def test_missing_file(server, get):
    with pytest.raises(NotFoundError, match="does not have it") as caught:
        get()
    assert not isinstance(caught.value, OfflineError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_busy_server_is_asked_again(server, get, status):
    events = []
    server.serve("/file", b"", status=status, headers={"Retry-After": "0"})
    server.serve("/file", BODY)
    assert get(report=events.append).read_bytes() == BODY
    assert any(str(status) in event.message for event in events)


def test_retry_after_is_honoured_up_to_a_limit(server, get, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    server.serve("/file", b"", status=429, headers={"Retry-After": "2"})
    server.serve("/file", b"", status=429, headers={"Retry-After": "86400"})
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(days=1))
    server.serve("/file", b"", status=429, headers={"Retry-After": tomorrow})
    server.serve("/file", b"", status=429, headers={"Retry-After": "soon"})
    server.serve("/file", BODY)
    get(patience=Patience(attempts=5, backoff=0.5, longest=7))
    assert waits == [2, 7, 7, 4.0]


def test_back_off_doubles(server, get, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    server.serve("/file", b"", status=500)
    with pytest.raises(OfflineError, match="500"):
        get(patience=Patience(attempts=5, backoff=1, longest=5))
    assert waits == [1, 2, 4, 5]
    assert len(server.requests) == 5


def test_refusal_is_not_repeated(server, get):
    server.serve("/file", b"", status=403)
    with pytest.raises(OfflineError, match="refuses it"):
        get()
    assert len(server.requests) == 1


@pytest.mark.parametrize("announced", [True, False])
def test_oversized_file_is_refused(server, get, tmp_path, announced):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        handler.wfile.write(BODY)

    if announced:
        server.serve("/file", BODY)
    else:
        server.answers["/file"] = [endless]
    with pytest.raises(IntegrityError, match="larger than"):
        get(max_bytes=1000)
    assert leftovers(tmp_path) == []


def test_gzip_named_as_an_encoding_stays_as_it_is(server, tmp_path, digest):
    packed = gzip.compress(b"FoldID\n" * 1000, mtime=0)
    server.serve("/file", packed, headers={"Content-Encoding": "gzip"})
    got = download(f"{server.url}/file", tmp_path / "file", sha256=digest(packed), patience=QUICK)
    assert got.read_bytes() == packed
    assert server.asked("/file")[0]["accept-encoding"] == "identity"


def test_redirect_is_followed(server, get):
    server.serve("/file", b"", status=302, headers={"Location": "/elsewhere"})
    server.serve("/elsewhere", BODY)
    assert get().read_bytes() == BODY


def test_endless_redirect(server, get):
    server.serve("/file", b"", status=302, headers={"Location": "/file"})
    with pytest.raises(OfflineError, match="redirects without end"):
        get()


def test_nobody_listens(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}/file"
        with pytest.raises(OfflineError) as caught:
            download(url, tmp_path / "file", sha256="0" * 64, patience=QUICK)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/file", "http://127.0.0.1:port/file"])
def test_address_that_cannot_be_used(tmp_path, url):
    with pytest.raises(UsageError, match="address"):
        download(url, tmp_path / "file", sha256="0" * 64, patience=QUICK)


def test_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError):
        download(f"{server.url}/file", tmp_path / "taken" / "file", sha256="0" * 64, patience=QUICK)


def test_two_at_once_download_once(server, get):
    begun = threading.Event()

    def slow(handler):
        begun.set()
        server.closing.wait(0.3)
        server.send(handler, BODY)

    server.answers["/file"] = [slow]
    got = []
    threads = [threading.Thread(target=lambda: got.append(get(patience=Patience(stall=5)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert begun.is_set()
    assert [path.read_bytes() == BODY for path in got] == [True] * 3
    assert len(server.requests) == 1


def test_small_text(server):
    server.serve("/sums", b"abc\n")
    assert read_text(f"{server.url}/sums", patience=QUICK) == "abc\n"
    server.serve("/binary", b"\xff\xfe\x00")
    with pytest.raises(IntegrityError, match="not text"):
        read_text(f"{server.url}/binary", patience=QUICK)
    server.serve("/large", b"a" * 100)
    with pytest.raises(IntegrityError, match="larger than"):
        read_text(f"{server.url}/large", patience=QUICK, max_bytes=99)


def test_digest_of_a_file(tmp_path, digest):
    (tmp_path / "file").write_bytes(BODY)
    assert sha256_of(tmp_path / "file") == digest(BODY)
    with pytest.raises(StorageError):
        sha256_of(tmp_path / "missing")
