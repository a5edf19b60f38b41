"""The portal on a bad day: cut lines, wrong bytes, refusals, nonsense."""

from __future__ import annotations

import json
import socket

import pytest
from tfbs_source_encode_portal import portal as portals
from tfbs_source_encode_portal.portal import Portal

from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError, UsageError

pytestmark = pytest.mark.network_loopback

SEARCH = "/search/"


@pytest.fixture
def client(portal, quick):
    """A client of the portal, which has STAT3 in HeLa-S3."""
    return Portal(patience=quick)


@pytest.fixture
def file(portal, peaks, client):
    """A file of the portal, and its path in the store that downloads are sent to."""
    path = portal.file("ENCFF000AAA", portal.experiment("ENCSR000EDC"), peaks)
    (found,) = client.peaks_of("ENCSR000EDC", "GRCh38")
    return found, f"/store{path}"


def whole(portal, path):
    return portal.bodies[path.removeprefix("/store")]


def kept(tmp_path):
    return sorted(each.name for each in (tmp_path / "cache").rglob("*") if each.is_file() and each.suffix != ".lock")


def cut(portal, path, after):
    """The answer that breaks off after so many bytes."""
    body = whole(portal, path)
    return lambda handler: portal.send(handler, body[:after], announced=len(body))


def status(portal, number, **headers):
    return lambda handler: portal.send(handler, b"go away", number, **headers)


def test_a_cut_download_goes_on_where_it_stopped(portal, client, file, tmp_path):
    found, path = file
    portal.faults[path] = [cut(portal, path, 100)]
    assert client.bring(found).read_bytes() == whole(portal, path)
    first, second = portal.asked(path)
    assert "range" not in first
    assert second["range"] == "bytes=100-"
    assert kept(tmp_path) == ["ENCFF000AAA.bed.gz"]


def test_the_next_run_goes_on_where_the_last_gave_up(portal, client, file, tmp_path):
    found, path = file
    portal.faults[path] = [cut(portal, path, 100), *[status(portal, 500)] * 2]
    with pytest.raises(OfflineError, match="in 3 tries") as caught:
        client.bring(found)
    assert "goes on where it stopped" in caught.value.hint
    assert kept(tmp_path) == ["ENCFF000AAA.bed.gz.part"]
    client.bring(found)
    assert portal.asked(path)[-1]["range"] == "bytes=100-"
    assert kept(tmp_path) == ["ENCFF000AAA.bed.gz"]


def test_a_beginning_of_another_version_is_thrown_away(portal, client, file):
    found, path = file
    target = client.bring(found)
    target.rename(target.with_name(f"{target.name}.part")).write_bytes(b"x" * 50)
    assert client.bring(found).read_bytes() == whole(portal, path)
    assert [headers.get("range") for headers in portal.asked(path)[1:]] == ["bytes=50-", None]


def test_a_whole_part_is_not_asked_for_again(portal, client, file):
    found, path = file
    target = client.bring(found)
    target.rename(target.with_name(f"{target.name}.part"))
    client.bring(found)
    assert len(portal.asked(path)) == 1


def test_a_server_that_cannot_go_on_starts_again(portal, client, file, tmp_path):
    found, path = file
    portal.faults[path] = [cut(portal, path, 100), status(portal, 416)]
    assert client.bring(found).read_bytes() == whole(portal, path)


def test_other_bytes_than_promised_are_not_kept(portal, client, file, tmp_path):
    found, path = file
    portal.bodies[found.href] = whole(portal, path)[:-1] + b"!"
    with pytest.raises(IntegrityError, match=found.md5sum) as caught:
        client.bring(found)
    assert "nothing was kept" in caught.value.hint
    assert kept(tmp_path) == []


def test_too_many_bytes_are_not_kept(client, file, tmp_path, monkeypatch):
    monkeypatch.setattr(portals, "MAX_FILE_BYTES", 100)
    with pytest.raises(IntegrityError, match="larger than 100 bytes"):
        client.bring(file[0])
    assert kept(tmp_path) == []


@pytest.mark.parametrize("number", [429, 503])
def test_a_busy_portal_is_asked_again_when_it_says(portal, client, file, number):
    found, path = file
    portal.faults[SEARCH] = [status(portal, number, Retry_After="0")]
    portal.faults[path] = [status(portal, number, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")]
    assert client.experiments("STAT3")[0].accession == "ENCSR000EDC"
    assert client.bring(found).is_file()
    assert len(portal.asked(path)) == 2


def test_waiting_is_told_and_is_as_long_as_asked(portal, file, quick):
    events = []
    found, path = file
    portal.faults[path] = [status(portal, 429, Retry_After="9")]
    Portal(patience=quick, report=events.append).bring(found)
    assert any("answers 429 Too Many Requests; trying again in 0.05 s" in event.message for event in events), (
        "9 s, cut to `longest`"
    )


def test_refusals_are_not_repeated(portal, client, file):
    found, path = file
    portal.faults[SEARCH] = [status(portal, 403)]
    with pytest.raises(OfflineError, match="403"):
        client.experiments("STAT3")
    portal.faults[path] = [status(portal, 403)]
    with pytest.raises(OfflineError, match="403"):
        client.bring(found)
    assert len(portal.asked(path)) == 1


def test_a_file_that_is_listed_and_gone(portal, client, file):
    del portal.bodies[file[0].href]
    with pytest.raises(NotFoundError, match="does not have it"):
        client.bring(file[0])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in</html>",
        b"[]",
        b'{"total": 1}',
        b'{"@graph": {}}',
        b'{"@graph": [{"accession": 7}]}',
        b'{"@graph": [{"accession": "../../etc"}]}',
        b'{"@graph": [{"accession": "ENCSR000EDC", "assembly": "GRCh38"}]}',
        b'{"@graph": [{"accession": "ENCSR000EDC", "lab": 3}]}',
        b'{"@graph": ' + b"[" * 100_000,
        b'{"@graph": [], "\xff": 1}',
    ],
)
def test_nonsense_is_one_clear_error(portal, client, body):
    portal.faults[SEARCH] = [lambda handler: portal.send(handler, body)]
    with pytest.raises(IntegrityError) as caught:
        client.experiments("STAT3")
    assert caught.value.where.startswith(portal.url)
    assert "\n" not in caught.value.what


@pytest.mark.parametrize(
    "changes",
    [
        {"href": "https://elsewhere.example/files/x.bed.gz"},
        {"href": "//elsewhere.example/x"},
        {"md5sum": "../../../x"},
        {"md5sum": ""},
        {"accession": "../x"},
        {"href": "/files/x y"},
        {"dataset": "/experiments/a\nb/"},
    ],
)
def test_a_file_that_leads_elsewhere_is_refused(portal, client, peaks, changes):
    portal.file("ENCFF000AAA", portal.experiment("ENCSR000EDC"), peaks)
    answer = {"@graph": [portal.records[-1] | changes]}
    portal.faults[SEARCH] = [lambda handler: portal.send(handler, json.dumps(answer).encode())]
    with pytest.raises(IntegrityError, match="not what the portal's interface promises"):
        client.peaks_of("ENCSR000EDC", "GRCh38")


def test_nothing_found_is_no_error(client):
    assert client.experiments("STAT3") == []
    assert client.peaks_of("ENCSR000EDC", "GRCh38") == []


def test_an_empty_answer_with_status_200_is_no_error(portal, client):
    portal.faults[SEARCH] = [lambda handler: portal.send(handler, b'{"@graph": [], "facets": []}')]
    assert client.experiments("STAT3") == []


def test_a_server_of_another_kind_is_named(portal, client):
    portal.faults[SEARCH] = [status(portal, 404)]
    with pytest.raises(NotFoundError, match="does not answer as the ENCODE portal") as caught:
        client.targets()
    assert caught.value.where.rstrip("/") == portal.url
    assert "TFBS_ENCODE_PORTAL_URL" in caught.value.hint


def test_at_most_ten_requests_a_second(portal, client, file):
    for _ in range(5):
        client.experiments("STAT3")
    times = [time for path, _, time in portal.requests if path.startswith(SEARCH)]
    assert len(times) == 6
    # The server notes the time a little after the client asked.
    assert times[-1] - times[0] > 0.45


def test_nobody_listens(monkeypatch, quick):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("TFBS_ENCODE_PORTAL_URL", url)
    with pytest.raises(OfflineError) as caught:
        Portal(patience=quick).experiments("STAT3")
    assert caught.value.where.rstrip("/") == url


def test_the_address_is_the_portal_unless_named_otherwise(monkeypatch):
    monkeypatch.setenv("TFBS_ENCODE_PORTAL_URL", " ")
    assert Portal().url == "https://www.encodeproject.org"
    monkeypatch.setenv("TFBS_ENCODE_PORTAL_URL", "ftp://portal.example")
    with pytest.raises(UsageError, match="not an address that can be used"):
        Portal().experiments("STAT3")


def test_a_password_in_the_address_is_not_shown(portal, quick, monkeypatch):
    monkeypatch.setenv("TFBS_ENCODE_PORTAL_URL", portal.url.replace("//", "//me:secret@"))
    portal.faults[SEARCH] = [status(portal, 403)]
    with pytest.raises(OfflineError) as caught:
        Portal(patience=quick).experiments("STAT3")
    assert "secret" not in str(caught.value)
