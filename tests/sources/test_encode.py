from __future__ import annotations

import numpy as np
import pytest

from tfbs_hub.cards import DataFile
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, OfflineError, UsageError
from tfbs_hub.sources import download
from tfbs_hub.sources.encode import available, experiment, fetch, fetch_test, locate_file
from tfbs_hub.sources.encode_index import pinned
from tfbs_hub.sources.options import SourceOptions

OFFLINE = SourceOptions(offline=True)


@pytest.fixture
def folder(mirror, cache, tmp_path, monkeypatch):
    """The mirror folder is named in the environment."""
    monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", str(tmp_path / "mirror"))
    return tmp_path / "mirror"


@pytest.fixture
def web(mirror, cache, server, tmp_path, monkeypatch):
    """The same files on a server that is named in the environment."""
    for path, data in mirror.items():
        server.serve(f"/{path}", data, ranges=True)
    server.serve("/SHA256SUMS", (tmp_path / "mirror" / "SHA256SUMS").read_bytes())
    monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", server.url)
    return server


def test_available_lists_training_files(folder):
    assert [file.cell for file in available("abc1")] == ["HepG2", "K562"]
    assert {file.part for file in available("ABC1")} == {"AC"}


def test_several_experiments_must_be_chosen_from(folder):
    with pytest.raises(UsageError, match="several experiments") as caught:
        fetch("ABC1", OFFLINE)
    assert "--cell HepG2" in caught.value.hint
    chosen = experiment("ABC1", SourceOptions(cell="k562"))
    assert (chosen.antibody, chosen.lab) == ("ABC1_(sc-88_21)", "Broad")


def test_fetch_reads_the_training_part(folder, mirror, digest):
    rows = fetch("ABC1", SourceOptions(cell="HepG2", offline=True))
    path = "train/ABC1_HepG2_ABC1_Stanford_AC.seq.gz"
    assert (len(rows), rows.length, rows.labels.tolist()) == (6, 21, [1] * 6)
    assert rows.files == (DataFile(name=path.rpartition("/")[2], sha256=digest(mirror[path]), rows=6),)
    assert (rows.source, rows.simulated) == ("encode", False)
    assert "ABC1_HepG2_ABC1_Stanford" in rows.note


def test_fetch_test_reads_the_other_part(folder, tmp_path, seqgz):
    rows = fetch_test("ABC1", SourceOptions(cell="HepG2", offline=True))
    assert np.bincount(rows.labels).tolist() == [4, 4]
    assert rows.files[0].name == "ABC1_HepG2_ABC1_Stanford_B.seq.gz"
    assert fetch_test("ABC1", SourceOptions(cell="K562", offline=True)) is None
    (tmp_path / "own.seq.gz").write_bytes(seqgz(rows=3))
    own = fetch_test("ABC1", SourceOptions(cell="HepG2", test=tmp_path / "own.seq.gz", offline=True))
    assert own.files[0].name == "own.seq.gz"


def test_offline_and_no_mirror_names_the_ways_on(cache):
    with pytest.raises(OfflineError) as caught:
        fetch("STAT3", OFFLINE)
    for way in ("network", "TFBS_HUB_ENCODE_MIRROR", "--source jaspar", "--data"):
        assert way in caught.value.hint


def test_misspelt_factor_offline_gets_near_names_and_ways_on(folder):
    with pytest.raises(OfflineError) as caught:
        available("ABC2", OFFLINE)
    assert "did you mean ABC1?" in caught.value.hint
    assert "--data" in caught.value.hint


def test_damaged_mirror_is_not_passed_over(folder):
    (folder / "train/XYZ2_HepG2_c-Xyz_UT-A_AC.seq.gz").write_bytes(b"damaged")
    with pytest.raises(IntegrityError, match="differs"):
        fetch("XYZ2", OFFLINE)


def test_pinned_digest_beats_the_mirrors_own(folder, seqgz, digest):
    name = "GATA3_SH-SY5Y_GATA3_(SC-269)_USC_AC.seq.gz"
    data = seqgz(seed=9)
    (folder / name).write_bytes(data)
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{digest(data)}  {name}\n")
    with pytest.raises(IntegrityError, match=pinned()[name]):
        fetch("GATA3", OFFLINE)


def test_file_that_the_sums_list_but_the_folder_lacks(folder):
    (folder / "train/XYZ2_HepG2_c-Xyz_UT-A_AC.seq.gz").unlink()
    with pytest.raises(OfflineError):
        fetch("XYZ2", OFFLINE)


def test_mirror_that_is_not_there(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(NotFoundError, match="TFBS_HUB_ENCODE_MIRROR"):
        fetch("ABC1", OFFLINE)


@pytest.mark.network_loopback
def test_url_mirror_downloads_once(web, cache, digest, mirror):
    path = "train/XYZ2_HepG2_c-Xyz_UT-A_AC.seq.gz"
    events = []
    options = SourceOptions(report=events.append)
    rows = fetch("XYZ2", options)
    assert rows.digest == fetch("XYZ2", options).digest
    assert len(web.asked(f"/{path}")) == 1
    assert len(web.asked("/SHA256SUMS")) == 2
    assert any(event.task.startswith("downloading XYZ2") and event.done == len(mirror[path]) for event in events)
    assert (cache / "encode" / digest(mirror[path]) / path.rpartition("/")[2]).is_file()


@pytest.mark.network_loopback
def test_url_mirror_is_left_alone_offline(web):
    with pytest.raises(OfflineError):
        fetch("XYZ2", OFFLINE)
    assert web.requests == []


@pytest.mark.network_loopback
def test_damaged_cache_is_mended(web, cache, digest, mirror):
    path = "train/XYZ2_HepG2_c-Xyz_UT-A_AC.seq.gz"
    first = fetch("XYZ2", SourceOptions())
    copy = cache / "encode" / digest(mirror[path]) / path.rpartition("/")[2]
    copy.write_bytes(copy.read_bytes()[:-5])
    assert fetch("XYZ2", SourceOptions()).digest == first.digest
    assert len(web.asked(f"/{path}")) == 2


@pytest.mark.network_loopback
def test_unreachable_url_mirror_is_not_passed_over(cache, server, monkeypatch):
    server.serve("/SHA256SUMS", b"", status=403)
    monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", server.url)
    with pytest.raises(OfflineError, match="refuses") as caught:
        fetch("ABC1", SourceOptions())
    assert "--source jaspar" in caught.value.hint


class TestLocateFile:
    NAME = "XYZ2_HepG2_c-Xyz_UT-A_AC.seq.gz"

    def test_in_the_mirror(self, folder, mirror, digest):
        data = mirror[f"train/{self.NAME}"]
        path = locate_file(DataFile(name=self.NAME, sha256=digest(data), rows=6), OFFLINE)
        assert path == folder / "train" / self.NAME

    @pytest.mark.network_loopback
    def test_on_a_server_then_in_the_cache(self, web, mirror, digest, monkeypatch):
        data = mirror[f"train/{self.NAME}"]
        file = DataFile(name=self.NAME, sha256=digest(data), rows=6)
        path = locate_file(file)
        assert path.read_bytes() == data
        monkeypatch.delenv("TFBS_HUB_ENCODE_MIRROR")
        assert locate_file(file, OFFLINE) == path

    def test_nowhere_names_the_ways_on(self, folder):
        with pytest.raises(OfflineError) as caught:
            locate_file(DataFile(name="ABC1_HeLa_ABC1_Broad_AC.seq.gz", sha256="0" * 64, rows=1), OFFLINE)
        for way in ("network", "TFBS_HUB_ENCODE_MIRROR", "--simulated-gate-sets"):
            assert way in caught.value.hint

    def test_other_bytes_under_the_name(self, folder):
        with pytest.raises(IntegrityError):
            locate_file(DataFile(name=self.NAME, sha256="0" * 64, rows=1), OFFLINE)

    @pytest.mark.parametrize("name", ["../secret", "peaks.bed", ""])
    def test_names_that_are_not_public_files(self, folder, name):
        with pytest.raises(NotFoundError, match="was not found") as caught:
            locate_file(DataFile(name=name, sha256="0" * 64, rows=1), OFFLINE)
        assert not isinstance(caught.value, OfflineError)


class TestRealFiles:
    @pytest.fixture(autouse=True)
    def real(self, encode_folder, cache, monkeypatch):
        monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", str(encode_folder))

    def test_training_and_test_rows(self):
        options = SourceOptions(offline=True)
        rows, test = fetch("gata3", options), fetch_test("gata3", options)
        assert rows.length == test.length == 101
        assert set(rows.labels.tolist()) == {1}
        assert np.bincount(test.labels).tolist() == [500, 500]
        assert rows.files[0].sha256 == pinned()[rows.files[0].name]
        assert len(rows) == rows.files[0].rows

    def test_factor_of_two_cell_lines(self):
        with pytest.raises(UsageError) as caught:
            fetch("ARID3A", OFFLINE)
        assert "--cell HepG2" in caught.value.hint
        assert "--cell K562" in caught.value.hint
        assert experiment("ARID3A", SourceOptions(cell="K562")).antibody == "ARID3A_(sc-8821)"

    def test_every_pinned_file_is_found(self, encode_folder):
        for name, sha256 in pinned().items():
            path = locate_file(DataFile(name=name, sha256=sha256, rows=0), OFFLINE)
            assert download.sha256_of(path) == sha256

    def test_factor_with_a_test_file_alone_needs_the_network(self):
        with pytest.raises(OfflineError):
            fetch("STAT3", OFFLINE)


def test_damaged_contents_are_reported_with_a_line(folder, digest):
    import gzip

    name = "BAD1_HepG2_BAD1_Broad_AC.seq.gz"
    data = gzip.compress(b"FoldID\tEventID\tseq\tBound\nA\tone\tACGU\t1\n")
    (folder / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        fetch("BAD1", OFFLINE)
    assert f"{name}:2" in caught.value.where
