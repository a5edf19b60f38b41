"""From a factor's name to windows: what is chosen, what is refused, and what the data set says of itself."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from tfbs_source_encode_portal import assembly
from tfbs_source_encode_portal.portal import Portal
from tfbs_source_encode_portal.source import fetch, fetch_from, fetch_test

from tfbs_hub.errors import InputError, NotFoundError, OfflineError, UsageError
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sources.options import SourceOptions
from tfbs_hub.testing import PackageConformance, SourceConformance

pytestmark = pytest.mark.network_loopback

SITE = "TTCCGGGAA"


@pytest.fixture
def stat3(portal, peaks):
    """STAT3 in HeLa-S3, and in MCF-7 twice."""
    portal.experiment("ENCSR000EDC")
    portal.file("ENCFF000AAA", "ENCSR000EDC", peaks)
    fewer = b"".join(peaks.splitlines(keepends=True)[:40])
    portal.file("ENCFF000AAB", "ENCSR000EDC", fewer, output_type="conservative IDR thresholded peaks")
    portal.file("ENCFF000AAC", "ENCSR000EDC", peaks, assembly="hg19")
    portal.file("ENCFF000AAD", "ENCSR000EDC", peaks, status="archived")
    portal.records[2]["preferred_default"] = False
    for accession, treatment in (("ENCSR000MAA", "IFNg"), ("ENCSR000MBB", "IFNa")):
        portal.experiment(accession, cell="MCF-7", biosample_summary=f"Homo sapiens MCF-7 treated with {treatment}")
    portal.experiment("ENCSR111CTC", tf="CTCF")
    portal.experiment("ENCSR222REV", status="revoked")
    return portal


@pytest.fixture
def get(genome, quick):
    """Fetch STAT3 with quick patience."""
    return lambda tf="STAT3", **options: fetch_from(
        Portal(patience=quick), tf, SourceOptions(**{"genome": genome, **options})
    )


class TestPackage(PackageConformance):
    distribution = "tfbs-source-encode-portal"


class TestSource(SourceConformance):
    @pytest.fixture
    def fetch(self, stat3):
        return fetch

    @pytest.fixture
    def options(self, genome):
        return SourceOptions(genome=genome, cell="HeLa-S3")


def test_windows_lie_around_the_summits(stat3, get):
    data = get(cell="HeLa-S3")
    assert data.codes.shape == (60, 101)
    assert data.labels is None
    assert {decode(row)[46:55] for row in data.codes} == {SITE}
    assert data.ids[0] == "chr1:154-255"


def test_the_data_set_says_where_it_is_from(stat3, get):
    data = get(cell="hela-s3")
    assert (data.source, data.cell, data.simulated) == ("encode-portal", "HeLa-S3", False)
    (file,) = data.files
    body = stat3.bodies["/files/ENCFF000AAA/@@download/ENCFF000AAA.bed.gz"]
    assert (file.name, file.rows) == ("ENCFF000AAA.bed.gz", 60)
    assert file.sha256 == hashlib.sha256(body).hexdigest()
    for word in ("ENCSR000EDC", "ENCFF000AAA", "IDR thresholded peaks", "GRCh38", "Snyder", "tiny.fa"):
        assert word in data.note
    assert "ENCSR000EDC" in data.citation and "Nature 489:57" in data.citation
    assert "ENCODE" in data.licence


def test_another_window(stat3, get):
    assert get(cell="HeLa-S3", window=41).length == 41


def test_a_second_fetch_downloads_nothing(stat3, get, tmp_path):
    first = get(cell="HeLa-S3")
    path = "/store/files/ENCFF000AAA/@@download/ENCFF000AAA.bed.gz"
    assert len(stat3.asked(path)) == 1
    assert get(cell="HeLa-S3").digest == first.digest
    assert len(stat3.asked(path)) == 1
    (kept,) = (tmp_path / "cache" / "encode-portal").rglob("*.bed.gz")
    assert kept.parent.name == stat3.records[1]["md5sum"]


def test_a_damaged_copy_in_the_cache_is_replaced(stat3, get, tmp_path):
    first = get(cell="HeLa-S3")
    (kept,) = (tmp_path / "cache" / "encode-portal").rglob("*.bed.gz")
    kept.write_bytes(gzip.compress(b"chr1\t1\t2\n"))
    assert get(cell="HeLa-S3").digest == first.digest


def test_several_experiments_are_listed_as_they_are_chosen(stat3, get):
    with pytest.raises(UsageError) as caught:
        get()
    assert caught.value.exit_code == 2
    assert caught.value.what == "STAT3 was measured in 3 experiments"
    assert caught.value.hint.splitlines() == [
        "choose one of:",
        "  --cell HeLa-S3      # Homo sapiens HeLa-S3, Michael Snyder, Stanford",
        "  --file ENCSR000MAA  # Homo sapiens MCF-7 treated with IFNg, Michael Snyder, Stanford",
        "  --file ENCSR000MBB  # Homo sapiens MCF-7 treated with IFNa, Michael Snyder, Stanford",
    ]


def test_hundreds_of_experiments_are_not_all_listed(portal, get):
    for number in range(300):
        portal.experiment(f"ENCSR{number:06d}", cell=f"cell {number:03d}")
    with pytest.raises(UsageError) as caught:
        get()
    lines = caught.value.hint.splitlines()
    assert len(lines) == 22
    assert lines[1].startswith("  --cell 'cell 000'")
    assert lines[-1] == "  … and 280 more; narrow them down with --cell"


def test_text_of_the_portal_stays_on_its_line(portal, get):
    for accession in ("ENCSR1", "ENCSR2"):
        portal.experiment(accession, lab={"title": "a\nchoose one of:\n  --file EVIL"}, biosample_summary="b\r\nc")
    with pytest.raises(UsageError) as caught:
        get()
    assert len(caught.value.hint.splitlines()) == 3


@pytest.mark.parametrize("file", ["ENCSR000EDC", "encsr000edc", "ENCFF000AAA", "ENCFF000AAA.bed.gz"])
def test_experiment_or_file_can_be_named(stat3, get, file):
    assert get(file=file).files[0].name == "ENCFF000AAA.bed.gz"


def test_a_named_file_need_not_be_the_preferred_one(stat3, get):
    data = get(file="ENCFF000AAB")
    assert data.files[0].rows == 40
    assert data.cell == "HeLa-S3" and "conservative" in data.note


@pytest.mark.parametrize(
    ("options", "what", "hint"),
    [
        ({"cell": "HeLa"}, "STAT3 was not measured in 'HeLa'", "HeLa-S3, MCF-7"),
        ({"file": "ENCSR111CTC"}, "ENCSR111CTC is neither an experiment of STAT3", "--file ENCSR000MAA"),
        ({"file": "ENCFF000AAD"}, "ENCFF000AAD is neither", "--cell HeLa-S3"),
        ({"file": "ENCFF000AAA", "cell": "MCF-7"}, "ENCSR000EDC is no experiment of STAT3 in MCF-7", "ENCSR000MBB"),
        ({"file": "ENCSR000MAA"}, "ENCSR000MAA has no IDR-thresholded peaks on GRCh38", "another experiment"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(stat3, get, options, what, hint):
    with pytest.raises(NotFoundError) as caught:
        get(**options)
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(("tf", "near"), [("STAT-3", "STAT3"), ("stat3", "STAT3"), ("CTFC", "CTCF")])
def test_an_unknown_factor_is_told_near_names(stat3, get, tf, near):
    with pytest.raises(NotFoundError, match="no released TF ChIP-seq experiment") as caught:
        get(tf)
    assert caught.value.hint.startswith(f"did you mean {near}?")
    assert "--peaks" in caught.value.hint


def test_a_factor_that_the_command_line_could_not_decode(stat3, get):
    with pytest.raises(NotFoundError, match="no released"):
        get("\udcff&target.label=CTCF")


def test_other_peaks_are_offered_where_none_are_thresholded(portal, peaks, get):
    portal.file("ENCFF000AAA", portal.experiment("ENCSR000EDC"), peaks, output_type="pseudoreplicated peaks")
    with pytest.raises(NotFoundError, match="no IDR-thresholded peaks") as caught:
        get()
    assert "--file ENCFF000AAA  # pseudoreplicated peaks" in caught.value.hint


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        ([("IDR thresholded peaks", False), ("conservative IDR thresholded peaks", True)], 1),
        ([("optimal IDR thresholded peaks", False), ("conservative IDR thresholded peaks", False)], 0),
        ([("conservative IDR thresholded peaks", False), ("peaks and background as input for IDR", True)], 0),
        ([("IDR thresholded peaks", False), ("IDR thresholded peaks", False)], None),
        ([("IDR thresholded peaks", True), ("IDR thresholded peaks", True)], None),
    ],
)
def test_which_peaks_are_taken(portal, peaks, get, kinds, chosen):
    portal.experiment("ENCSR000EDC")
    for number, (kind, preferred) in enumerate(kinds):
        portal.file(f"ENCFF00000{number}", "ENCSR000EDC", peaks, output_type=kind, preferred_default=preferred)
    if chosen is not None:
        assert get().files[0].name == f"ENCFF00000{chosen}.bed.gz"
        return
    with pytest.raises(UsageError, match="several sets of peaks") as caught:
        get()
    assert "--file ENCFF000000" in caught.value.hint and "--file ENCFF000001" in caught.value.hint


def test_a_genome_must_be_given_before_anything_is_asked(stat3, get):
    with pytest.raises(UsageError) as caught:
        get(genome=None)
    assert "--genome" in caught.value.hint
    with pytest.raises(NotFoundError, match="no such genome"):
        get(genome=Path("nowhere.fa"))
    assert stat3.requests == []


def test_chromosomes_of_another_name_are_explained(stat3, get, tmp_path, genome):
    other = tmp_path / "ensembl.fa"
    other.write_text(genome.read_text().replace(">chr1", ">1"))
    with pytest.raises(InputError, match="no chromosome 'chr1'") as caught:
        get(cell="HeLa-S3", genome=other)
    assert "chr prefix" in caught.value.hint


@pytest.fixture
def small_assemblies(monkeypatch):
    """The tiny genome's chromosome 1 is that of hg19."""
    monkeypatch.setattr(assembly, "_FIRST_CHROMOSOME", {24_000: "hg19", 1000: "GRCh38"})


def test_the_genome_tells_the_assembly(stat3, get, small_assemblies):
    data = get(cell="HeLa-S3")
    assert data.files[0].name == "ENCFF000AAC.bed.gz"
    assert "hg19" in data.note


def test_a_genome_of_another_assembly_than_asked_for_is_refused(stat3, get, small_assemblies, monkeypatch):
    monkeypatch.setenv("TFBS_ENCODE_PORTAL_ASSEMBLY", "GRCh38")
    with pytest.raises(InputError, match="this genome is hg19") as caught:
        get(cell="HeLa-S3")
    assert "unset TFBS_ENCODE_PORTAL_ASSEMBLY" in caught.value.hint
    assert stat3.requests == []


@pytest.mark.parametrize("options", [{}, {"file": "ENCSR000EDC"}])
def test_an_assembly_without_peaks(stat3, get, monkeypatch, options):
    monkeypatch.setenv("TFBS_ENCODE_PORTAL_ASSEMBLY", "mm10")
    with pytest.raises(NotFoundError, match="on mm10") as caught:
        get(**options)
    assert "GRCh38, hg19" in caught.value.hint


def test_offline_asks_nobody_and_names_ways_on(stat3, get):
    with pytest.raises(OfflineError) as caught:
        get(offline=True)
    assert "--peaks" in caught.value.hint
    assert stat3.requests == []


def test_fetch_uses_the_portal_of_the_environment(stat3, genome):
    events = []
    data = fetch("STAT3", SourceOptions(genome=genome, cell="HeLa-S3", report=events.append))
    assert len(data) == 60
    assert any(stat3.url in event.task for event in events)


def test_tests_come_from_the_user_alone(stat3, genome, tmp_path, peaks):
    assert fetch_test("STAT3", SourceOptions(genome=genome)) is None
    path = tmp_path / "test.narrowPeak"
    path.write_bytes(peaks)
    test = fetch_test("STAT3", SourceOptions(genome=genome, test=path))
    assert test.codes.shape == (60, 101)
    assert np.array_equal(test.codes, fetch("STAT3", SourceOptions(genome=genome, cell="HeLa-S3")).codes)
