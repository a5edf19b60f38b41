"""BED and narrowPeak whose coordinates cannot be, and genomes that are none."""

from __future__ import annotations

import gzip
import os

import pytest

# id: content, error, exit code, words
INTERVALS = {
    "no rows": (b"# nothing\ntrack name=x\n", "InputError", 2, "in.bed: the file holds no sequences"),
    "two columns": (b"chr1\t10\n", "InputError", 2, "in.bed:1: 2 columns"),
    "too many columns": (b"chr1\t10\t20" + b"\t." * 18 + b"\n", "InputError", 2, "in.bed:1: 21 columns"),
    "thousands of columns": (b"chr1\t10\t20" + b"\t." * 9999 + b"\n", "InputError", 2, "in.bed:1: 10002 columns"),
    "a word for a start": (b"chr1\tten\t20\n", "InputError", 2, "in.bed:1: 'ten' is not a whole number"),
    "a fraction": (b"chr1\t1.5\t20\n", "InputError", 2, "in.bed:1: '1.5' is not a whole number"),
    "an exponent": (b"chr1\t1\t1e3\n", "InputError", 2, "in.bed:1: '1e3' is not a whole number"),
    "a minus sign": (b"chr1\t-5\t20\n", "InputError", 2, "in.bed:1: '-5' is not a whole number"),
    "Arabic digits": ("chr1\t\u0661\t\u0662\n".encode(), "InputError", 2, "is not a whole number"),
    "a superscript": ("chr1\t1\t2\u00b2\n".encode(), "InputError", 2, "is not a whole number"),
    "a million digits": (b"chr1\t1\t" + b"9" * 1_000_000 + b"\n", "InputError", 2, "is not a whole number"),
    "end before start": (b"chr1\t20\t10\n", "InputError", 2, "in.bed:1: start 20 is not before end 10"),
    "no length": (b"chr1\t20\t20\n", "InputError", 2, "in.bed:1: start 20 is not before end 20"),
    "an escape for a number": (b"chr1\t1\t\x1b[2J\n", "InputError", 2, "is not a whole number"),
    "a strange chromosome": (
        b"chr1\t1\t9\nchr7\t1\t9\n",
        "InputError",
        2,
        "in.bed:2: genome.fa has no chromosome 'chr7'",
    ),
    "another prefix": (b"1\t1\t9\n", "InputError", 2, "the two files differ in the chr prefix"),
    "a chromosome of markup": (b"\x1b]8;;x\x07chr1\t1\t9\n", "InputError", 2, "has no chromosome"),
    "a file of another kind": (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "InputError", 2, "in.bed: the gzip data is cut short"),
}
PEAK = b"chr1\t%d\t%d\tpeak\t0\t.\t1\t1\t1\t%s\n"
SUMMITS = {
    "a summit outside": (PEAK % (10, 20, b"10"), "InputError", 2, "peaks.narrowPeak:1: the summit's offset 10 lies"),
    "a summit of -2": (PEAK % (10, 20, b"-2"), "InputError", 2, "peaks.narrowPeak:1: '-2' is not a whole number"),
    "a summit of words": (PEAK % (10, 20, b"nan"), "InputError", 2, "peaks.narrowPeak:1: 'nan' is not a whole number"),
    "no summit": (PEAK % (10, 20, b""), "InputError", 2, "peaks.narrowPeak:1: '' is not a whole number"),
}
GENOMES = {
    "empty": (b"", "InputError", 2, "genome.fa: the file is empty"),
    "no FASTA": (b"ACGT\nACGT\n", "InputError", 2, "genome.fa: not a FASTA file"),
    "a pickle": (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os\x94.\n", "InputError", 2, "genome.fa: not a FASTA file"),
    "lines of many lengths": (b">chr1\nACGT\nAC\nACGTACGT\n", "InputError", 2, "genome.fa: not a FASTA file"),
    "a name twice": (b">chr1\nACGT\n>chr1\nACGT\n", "InputError", 2, "genome.fa: not a FASTA file"),
    "plain gzip": (gzip.compress(b">chr1\nACGT\n"), "InputError", 2, "genome.fa"),
}


@pytest.fixture
def genome(here):
    """A genome with its index, so that nothing needs to be written."""
    (here / "genome.fa").write_bytes(b">chr1\n" + b"ACGTTGCA" * 100 + b"\n")
    (here / "genome.fa.fai").write_text("chr1\t800\t6\t800\t801\n")
    return here / "genome.fa"


@pytest.mark.parametrize("row", INTERVALS)
def test_intervals_that_cannot_be_are_refused_where_they_stand(here, genome, refused, row):
    content, *expected = INTERVALS[row]
    (here / "in.bed").write_bytes(content)
    refused("predict in.bed --genome genome.fa", *expected)


@pytest.mark.parametrize("row", SUMMITS)
def test_summits_that_cannot_be_are_refused_where_they_stand(here, genome, refused, row):
    content, *expected = SUMMITS[row]
    (here / "peaks.narrowPeak").write_bytes(content)
    refused("predict peaks.narrowPeak --genome genome.fa", *expected)


@pytest.mark.parametrize("row", GENOMES)
def test_what_is_no_genome_is_refused_and_leaves_no_index(here, refused, row):
    content, *expected = GENOMES[row]
    (here / "genome.fa").write_bytes(content)
    (here / "in.bed").write_bytes(b"chr1\t1\t9\n")
    refused("predict in.bed --genome genome.fa", *expected)


def test_an_index_of_another_genome_is_found_out(here, genome, refused):
    (here / "genome.fa.fai").write_text("chr1\t99999\t6\t800\t801\n")
    (here / "in.bed").write_bytes(b"chr1\t2000\t2009\n")
    refused("predict in.bed --genome genome.fa", "InputError", 2, "its index (.fai) is of another file")


def test_a_protein_is_no_genome(here, genome, refused):
    genome.write_bytes(b">chr1\n" + b"MEEPQSDP" * 100 + b"\n")
    (here / "genome.fa.fai").touch()
    (here / "in.bed").write_bytes(b"chr1\t1\t9\n")
    refused("predict in.bed --genome genome.fa", "InputError", 2, "in.bed:1: 'E' at base 27 is no DNA letter")


INDICES = {
    "no numbers": b"chr1\tx\ty\tz\tw\n",
    "too few columns": b"chr1\t800\n",
    "a line length of nothing": b"chr1\t800\t6\t0\t0\n",
    "a start before the file": b"chr1\t800\t-600\t800\t801\n",
    "bytes that are no text": b"\xff\xfe\x00\x01\n",
}


@pytest.mark.parametrize("row", INDICES)
def test_an_index_that_makes_no_sense_is_refused(here, genome, refused, row):
    (here / "genome.fa.fai").write_bytes(INDICES[row])
    later = genome.stat().st_mtime + 10
    os.utime(here / "genome.fa.fai", (later, later))
    (here / "in.bed").write_bytes(b"chr1\t1\t9\n")
    refused("predict in.bed --genome genome.fa", "InputError", 2, "genome.fa")


def test_coordinates_without_a_genome_name_the_option(here, refused):
    (here / "in.bed").write_bytes(b"chr1\t1\t9\n")
    refused("predict in.bed", "NotFoundError", 3, "name the genome's FASTA with --genome FASTA")
    refused("predict in.bed --genome none.fa", "NotFoundError", 3, "none.fa: no such genome")
    refused(["predict", "in.bed", "--genome", here], "BadParameter", 2, "is a directory")
