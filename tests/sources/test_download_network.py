"""What lies between a download and its server: proxies, redirects, and the wish to stay offline."""

from __future__ import annotations

import base64
import random
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from tfbs_hub.errors import IntegrityError, OfflineError, UsageError
from tfbs_hub.sources.download import Patience, download, read_text
from tfbs_hub.sources.encode_hub import HuggingFace
from tfbs_hub.sources.encode_places import Cache

pytestmark = pytest.mark.network_loopback

QUICK = Patience(connect=2, stall=2, attempts=1)
BODY = random.Random(5).randbytes(50_000)


@pytest.fixture
def other(server) -> Iterator:
    """A second server, on another port."""
    running = type(server)()
    yield running
    running.close()


def redirect(server, path: str, to: str) -> None:
    server.serve(path, b"", status=302, headers={"Location": to})


# -- offline ----------------------------------------------------------------------------------------


def test_offline_nobody_is_asked_and_what_is_there_serves(server, tmp_path, digest, monkeypatch):
    server.serve("/file", BODY)
    monkeypatch.setenv("TFBS_HUB_OFFLINE", "1")
    with pytest.raises(OfflineError, match="TFBS_HUB_OFFLINE is set"):
        download(f"{server.url}/file", tmp_path / "file", sha256=digest(BODY), patience=QUICK)
    with pytest.raises(OfflineError, match="TFBS_HUB_OFFLINE is set"):
        read_text(f"{server.url}/file", patience=QUICK)
    (tmp_path / "file").write_bytes(BODY)
    download(f"{server.url}/file", tmp_path / "file", sha256=digest(BODY), patience=QUICK)
    assert server.requests == []


def test_offline_the_hugging_face_hub_is_not_asked_either(tmp_path, monkeypatch):
    monkeypatch.setenv("TFBS_HUB_OFFLINE", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(OfflineError, match="may not be used"):
        HuggingFace(Cache(tmp_path)).listing("STAT3")


# -- proxies ----------------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_asked_instead_of_the_server(server, tmp_path, digest, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:secret@"))
    server.serve("http://files.invalid/file", BODY)
    got = download("http://files.invalid/file", tmp_path / "file", sha256=digest(BODY), patience=QUICK)
    assert got.read_bytes() == BODY
    (headers,) = server.asked("http://files.invalid/file")
    assert headers["host"] == "files.invalid"
    assert base64.b64decode(headers["proxy-authorization"].removeprefix("Basic ")) == b"me:secret"


def test_a_server_that_needs_no_proxy_is_asked_itself(server, other, tmp_path, digest, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", other.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.serve("/file", BODY)
    download(f"{server.url}/file", tmp_path / "file", sha256=digest(BODY), patience=QUICK)
    assert other.requests == []


def test_a_proxy_of_https_is_asked_for_a_tunnel_and_sees_no_path(server, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asked = []

        def refuse() -> None:
            with listening.accept()[0] as connection:
                asked.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(OfflineError) as caught:
            download("https://files.invalid/private", tmp_path / "file", sha256="0" * 64, patience=QUICK)
        thread.join()
    assert asked[0].startswith(b"CONNECT files.invalid:443 ")
    assert b"private" not in asked[0]
    assert "403" in str(caught.value) and "secret" not in str(caught.value)


# -- redirects --------------------------------------------------------------------------------------


def test_credentials_of_an_address_stay_with_its_server(server, other, tmp_path, digest):
    url = server.url.replace("//", "//me:secret@")
    redirect(server, "/file", "/moved")
    redirect(server, "/moved", f"{other.url}/file")
    redirect(other, "/file", f"{other.url.replace('127.0.0.1', 'localhost')}/last")
    other.serve("/last", BODY)
    download(f"{url}/file", tmp_path / "file", sha256=digest(BODY), patience=QUICK)
    assert [set(headers) & {"authorization", "cookie"} for _, _, headers in server.requests] == [{"authorization"}] * 2
    assert [set(headers) & {"authorization", "cookie"} for _, _, headers in other.requests] == [set()] * 2


def test_a_file_behind_a_redirect_is_resumed(server, other, tmp_path, digest):
    redirect(server, "/file", f"{other.url}/file")
    other.cut("/file", BODY, after=10_000)
    other.serve("/file", BODY, ranges=True)
    download(f"{server.url}/file", tmp_path / "file", sha256=digest(BODY), patience=Patience(attempts=2, backoff=0.01))
    assert [headers.get("range") for headers in other.asked("/file")] == [None, "bytes=10000-"]


def test_redirects_go_on_for_a_while_only(server, tmp_path):
    for number in range(12):
        redirect(server, f"/{number}", f"/{number + 1}")
    with pytest.raises(OfflineError, match="redirects without end"):
        download(f"{server.url}/0", tmp_path / "file", sha256="0" * 64, patience=QUICK)
    assert len(server.requests) == 11


def test_a_redirect_never_leads_to_a_file_of_this_machine(server, tmp_path):
    (tmp_path / "secret").write_text("secret")
    redirect(server, "/sums", f"file://{tmp_path}/secret")
    with pytest.raises(UsageError, match="address"):
        read_text(f"{server.url}/sums", patience=QUICK)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    """A certificate of 127.0.0.1 and its key, for an hour."""
    if which("openssl") is None:
        pytest.skip("openssl is not installed: it makes the certificate of a server with encryption")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1"
    options = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path) + ".crt"]
    subprocess.run([*words.split(), *options], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def encrypted(other, certificate, monkeypatch):
    """A server with encryption, whose certificate the environment trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    other.httpd.socket = context.wrap_socket(other.httpd.socket, server_side=True)
    other.url = other.url.replace("http:", "https:")
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    return other


def test_a_redirect_does_not_give_encryption_up(server, encrypted, tmp_path, digest):
    encrypted.serve("/file", BODY)
    redirect(encrypted, "/moved", f"{server.url}/file")
    server.serve("/file", BODY)
    download(f"{encrypted.url}/file", tmp_path / "file", sha256=digest(BODY), patience=QUICK)
    for ask in (
        lambda: download(f"{encrypted.url}/moved", tmp_path / "other", sha256=digest(BODY), patience=QUICK),
        lambda: read_text(f"{encrypted.url}/moved", patience=QUICK),
    ):
        with pytest.raises(IntegrityError, match="without encryption"):
            ask()
    assert server.requests == []
    # The other way round is fine.
    redirect(server, "/up", f"{encrypted.url}/file")
    download(f"{server.url}/up", tmp_path / "up", sha256=digest(BODY), patience=QUICK)


def test_a_certificate_that_nobody_vouches_for_is_refused(encrypted, tmp_path, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OfflineError, match="CERTIFICATE_VERIFY_FAILED"):
        read_text(f"{encrypted.url}/file", patience=QUICK)
