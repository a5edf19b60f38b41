from __future__ import annotations

import os

import pytest

from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError, StorageError
from tfbs_hub.sources.download import Patience
from tfbs_hub.sources.encode_places import Cache, FolderMirror, UrlMirror

QUICK = Patience(connect=2, stall=0.3, attempts=2, backoff=0.01, longest=0.05)
NAME = "ABC1_K562_ABC1_(sc-88_21)_Broad_AC.seq.gz"
PATH = f"train/{NAME}"


class TestFolderMirror:
    def test_lists_files_with_digests(self, mirror, tmp_path, digest):
        (tmp_path / "mirror" / "notes.seq.gz").write_bytes(b"not a name of the set")
        listing = FolderMirror(tmp_path / "mirror").listing("ABC1")
        assert listing == {path.rpartition("/")[2]: digest(data) for path, data in mirror.items()}

    def test_works_without_sums(self, mirror, tmp_path):
        (tmp_path / "mirror" / "SHA256SUMS").unlink()
        place = FolderMirror(tmp_path / "mirror")
        assert set(place.listing("ABC1").values()) == {""}
        assert place.bring(NAME, "").read_bytes() == mirror[PATH]

    def test_brings_only_the_promised_bytes(self, mirror, tmp_path, digest):
        place = FolderMirror(tmp_path / "mirror")
        assert place.bring(NAME, digest(mirror[PATH])) == tmp_path / "mirror" / PATH
        assert place.bring("ABC1_K562_ABC1_Broad_AC.seq.gz", "") is None
        with pytest.raises(IntegrityError, match="differs from what was promised") as caught:
            place.bring(NAME, "0" * 64)
        assert "TFBS_HUB_ENCODE_MIRROR" in caught.value.hint

    def test_finds_the_promised_version_among_several(self, mirror, tmp_path, digest):
        (tmp_path / "mirror" / "older").mkdir()
        (tmp_path / "mirror" / "older" / NAME).write_bytes(b"an older version")
        place = FolderMirror(tmp_path / "mirror")
        assert place.bring(NAME, digest(mirror[PATH])) == tmp_path / "mirror" / PATH

    def test_names_are_no_patterns(self, mirror, tmp_path):
        assert FolderMirror(tmp_path / "mirror").bring("ABC1_*_AC.seq.gz", "") is None

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(NotFoundError, match="TFBS_HUB_ENCODE_MIRROR"):
            FolderMirror(tmp_path / "nowhere")

    def test_sums_that_are_damaged(self, mirror, tmp_path):
        (tmp_path / "mirror" / "SHA256SUMS").write_bytes(b"\xff\xfe")
        with pytest.raises(IntegrityError, match="not text"):
            FolderMirror(tmp_path / "mirror").listing("ABC1")


class TestCache:
    def test_a_copy_is_named_by_its_digest(self, tmp_path, digest):
        cache = Cache(tmp_path)
        assert cache.bring(NAME, digest(b"x")) is None
        path = cache.path(NAME, digest(b"x"))
        path.parent.mkdir()
        path.write_bytes(b"x")
        assert cache.bring(NAME, digest(b"x")) == path
        assert cache.bring(NAME, digest(b"y")) is None
        assert cache.bring(NAME, "") is None

    def test_a_damaged_copy_counts_as_missing(self, tmp_path, digest):
        cache = Cache(tmp_path)
        path = cache.path(NAME, digest(b"x"))
        path.parent.mkdir()
        path.write_bytes(b"X")
        assert cache.bring(NAME, digest(b"x")) is None
        assert not path.exists()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_copy_that_may_not_be_read(self, tmp_path, digest):
        cache = Cache(tmp_path)
        path = cache.path(NAME, digest(b"x"))
        path.parent.mkdir()
        path.write_bytes(b"x")
        path.chmod(0)
        with pytest.raises(StorageError):
            cache.bring(NAME, digest(b"x"))


@pytest.mark.network_loopback
class TestUrlMirror:
    @pytest.fixture
    def place(self, server, mirror, tmp_path):
        for path, data in mirror.items():
            server.serve(f"/encode/{path}", data, ranges=True)
        server.serve("/encode/SHA256SUMS", (tmp_path / "mirror" / "SHA256SUMS").read_bytes())
        return UrlMirror(f"{server.url}/encode/", Cache(tmp_path / "cache"), patience=QUICK)

    def test_lists_what_the_sums_list(self, place, server, mirror, digest):
        listing = place.listing("ABC1")
        assert listing == {path.rpartition("/")[2]: digest(data) for path, data in mirror.items()}
        place.listing("XYZ2")
        assert len(server.asked("/encode/SHA256SUMS")) == 1

    def test_brings_a_file_into_the_cache(self, place, mirror, digest, tmp_path):
        path = place.bring(NAME, "")
        assert path == tmp_path / "cache" / digest(mirror[PATH]) / NAME
        assert path.read_bytes() == mirror[PATH]

    def test_does_not_bring_other_bytes_than_asked_for(self, place, tmp_path):
        with pytest.raises(IntegrityError, match="other bytes"):
            place.bring(NAME, "0" * 64)
        assert not (tmp_path / "cache" / ("0" * 64) / NAME).exists()

    def test_a_file_it_does_not_list(self, place):
        assert place.bring("ABC1_HeLa_ABC1_Broad_AC.seq.gz", "") is None

    def test_a_file_it_lists_but_lacks(self, place, server):
        server.answers.pop(f"/encode/{PATH}")
        with pytest.raises(NotFoundError, match="does not have it"):
            place.bring(NAME, "")

    def test_a_server_without_sums(self, server, tmp_path):
        with pytest.raises(NotFoundError, match="404") as caught:
            UrlMirror(f"{server.url}/empty", Cache(tmp_path), patience=QUICK).listing("ABC1")
        assert "SHA256SUMS" in caught.value.where

    def test_sums_that_lead_elsewhere(self, server, tmp_path):
        server.serve("/SHA256SUMS", f"{'a' * 64}  ../../secret/{NAME}\n".encode())
        with pytest.raises(IntegrityError, match="leads out"):
            UrlMirror(server.url, Cache(tmp_path), patience=QUICK).listing("ABC1")

    def test_a_password_in_the_address_is_not_shown(self, server, tmp_path):
        server.serve("/SHA256SUMS", b"", status=503)
        place = UrlMirror(server.url.replace("//", "//user:secret@"), Cache(tmp_path), patience=QUICK)
        with pytest.raises(OfflineError) as caught:
            place.listing("ABC1")
        assert "secret" not in str(caught.value) + place.title
