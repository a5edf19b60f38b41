from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tfbs_hub.errors import InputError, NotFoundError
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.bed import read_intervals
from tfbs_hub.sequences.genome import Genome
from tfbs_hub.sequences.readers import load, read_batches

NARROW = "chr1\t{start}\t{end}\tname\t1200\t.\t5.1\t-1\t-1\t{peak}\n"


@pytest.fixture
def chromosomes() -> dict[str, str]:
    rng = np.random.default_rng(3)
    return {
        name: decode(rng.integers(0, 4, length, dtype=np.uint8)) for name, length in (("chr1", 2000), ("chr2", 333))
    }


@pytest.fixture
def genome(tmp_path: Path, chromosomes: dict[str, str]) -> Path:
    path = tmp_path / "genome.fa"
    parts = []
    for name, text in chromosomes.items():
        parts += [f">{name} some words", *(text[start : start + 60] for start in range(0, len(text), 60))]
    path.write_text("\n".join(parts) + "\n")
    return path


def only(path: Path, genome: Path, **options) -> tuple[str, str]:
    (batch,) = read_batches(path, genome=genome, **options)
    assert len(batch) == 1
    return batch.ids[0], decode(batch.sequence(0))


def test_101_bp_around_the_summit_as_the_field_counts_them(write, genome: Path, chromosomes) -> None:
    path = write("a.narrowPeak.gz", NARROW.format(start=500, end=700, peak=33))
    assert only(path, genome, window=101) == ("chr1:483-584", chromosomes["chr1"][533 - 50 : 533 + 51])


@pytest.mark.parametrize("window", [1, 2, 100, 101])
def test_the_summit_is_base_window_half(write, genome: Path, chromosomes, window: int) -> None:
    path = write("a.bed", NARROW.format(start=500, end=700, peak=0))
    _, text = only(path, genome, window=window)
    assert len(text) == window
    assert text[window // 2] == chromosomes["chr1"][500]
    assert text in chromosomes["chr1"]


@pytest.mark.parametrize(
    ("row", "summit"),
    [
        (NARROW.format(start=500, end=701, peak=-1), 600),
        ("chr1\t500\t701\n", 600),
        ("chr1 500 700 spaces\n", 600),
        ("chr1\t500\t700\tx\t0\t+\t510\t690\t0\t2\t10,20,\t0,180,\n", 600),
        (NARROW.format(start=500, end=700, peak=7).rstrip() + "\t1" * 10 + "\n", 507),
    ],
    ids=["narrowPeak without a summit", "three columns", "spaces", "BED12", "IDR with 20 columns"],
)
def test_where_the_summit_is(write, row: str, summit: int) -> None:
    (interval,) = read_intervals(write("a.bed", row))
    assert interval.summit == summit


def test_without_a_window_the_interval_itself(write, genome: Path, chromosomes) -> None:
    assert only(write("a.bed", "chr2\t10\t31\n"), genome) == ("chr2:10-31", chromosomes["chr2"][10:31])


def test_windows_over_an_end_keep_their_row_and_are_padded(write, genome: Path, chromosomes) -> None:
    path = write("a.bed", "chr2\t0\t10\nchr2\t320\t333\nchr2\t5000\t5010\nchr2\t100\t110\n")
    data = load(path, genome=genome, window=21)
    chr2 = chromosomes["chr2"]
    assert [decode(row) for row in data.codes] == [
        "N" * 5 + chr2[:16],
        chr2[316:] + "N" * 4,
        "N" * 21,
        chr2[95:116],
    ]
    assert data.ids == ["chr2:-5-16", "chr2:316-337", "chr2:4995-5016", "chr2:95-116"]
    assert data.labels is None
    assert data.note == "windows of genome.fa"


def test_comments_and_blank_lines_are_skipped_but_counted(write) -> None:
    text = 'track name="x"\nbrowser position chr1\n#chrom\tstart\tend\n\nchr1\t1\t2\n'
    assert [each.line for each in read_intervals(write("a.bed", text))] == [5]


def test_bed_is_known_by_its_columns_too(write, genome: Path, chromosomes) -> None:
    path = write("peaks", "# made by hand\nchr2\t10\t12\n")
    assert only(path, genome)[1] == chromosomes["chr2"][10:12]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("chr1\t5\n", "2 columns"),
        ("chr1" + "\t5" * 20 + "\n", "21 columns"),
        ("chr1\t7\t7\n", "start 7 is not before end 7"),
        ("chr1\t9\t7\n", "start 9"),
        ("chr1\t-1\t7\n", "'-1' is not a whole number"),
        ("chr1\t1.5\t7\n", "'1.5'"),
        ("chr1\t1\t1e9\n", "'1e9'"),
        ("chr1\t1\t²\n", "not a whole number"),
        ("chr1\t1\t" + "9" * 5000 + "\n", "not a whole number"),
        (NARROW.format(start=10, end=20, peak=10), "offset 10 lies outside"),
        (NARROW.format(start=10, end=20, peak=-2), "'-2'"),
        ("chrZ\t1\t7\n", "no chromosome 'chrZ'"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(write, genome: Path, row: str, what: str) -> None:
    path = write("a.bed", "chr1\t1\t7\n" + row)
    with pytest.raises(InputError) as caught:
        load(path, genome=genome, window=11)
    assert caught.value.where == f"{path}:2"
    assert what in caught.value.what


def test_an_unknown_chromosome_comes_with_the_known_ones_and_the_likely_reason(write, genome: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(write("a.bed", "2\t1\t7\n"), genome=genome, window=11)
    assert "chr1, chr2" in caught.value.hint
    assert "chr prefix" in caught.value.hint


@pytest.mark.parametrize("missing", [None, "nowhere.fa"])
def test_without_a_genome_the_option_is_named(write, missing: str | None) -> None:
    with pytest.raises(NotFoundError) as caught:
        load(write("a.bed", "chr1\t1\t7\n"), genome=missing, window=11)
    assert "--genome" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "what"),
    [("ACGT\n", "index|no chromosome"), (">a\nAC\nACGT\nAC\n", "index"), (">a\nAC\n>a\nAC\n", "index")],
)
def test_a_genome_that_cannot_be_indexed(tmp_path: Path, content: str, what: str) -> None:
    path = tmp_path / "bad.fa"
    path.write_text(content)
    with pytest.raises(InputError, match=what):
        Genome(path)


def test_plain_gzip_cannot_be_a_genome(write) -> None:
    with pytest.raises(InputError, match="gzip") as caught:
        Genome(write("genome.fa.gz", ">a\nACGT\n"))
    assert "bgzip" in caught.value.hint


def test_letters_of_the_genome_are_checked_and_counted(write, tmp_path: Path) -> None:
    genome = tmp_path / "odd.fa"
    genome.write_text(">a\nACGTRYACGT\nACGTACG-GT\n")
    data = load(write("a.bed", "a\t0\t10\n"), genome=genome, window=10)
    assert decode(data.codes[0]) == "ACGTNNACGT"
    assert data.ambiguous == 2
    with pytest.raises(InputError, match="'-' at base 8"):
        load(write("b.bed", "a\t10\t20\n"), genome=genome, window=10)


def test_an_index_of_another_file_is_noticed(genome: Path) -> None:
    Genome(genome).close()
    genome.with_name("genome.fa.fai").write_text("chr1\t9000\t17\t60\t61\n")
    with Genome(genome) as changed, pytest.raises(InputError, match="before base 8000") as caught:
        changed.window("chr1", 7900, 8000)
    assert "delete the index" in caught.value.hint


def test_the_index_lies_beside_the_genome_or_in_the_cache(genome: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TFBS_HUB_CACHE", str(tmp_path / "cache"))
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != genome.parent and real(path, mode))
    with Genome(genome) as first:
        assert first.lengths == {"chr1": 2000, "chr2": 333}
    assert not genome.with_name("genome.fa.fai").exists()
    assert len(list((tmp_path / "cache" / "genomes").glob("*.fai"))) == 1
    monkeypatch.setattr(os, "access", real)
    with Genome(genome):
        assert genome.with_name("genome.fa.fai").exists()
