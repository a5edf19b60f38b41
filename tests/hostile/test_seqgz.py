"""The `.seq` format, and gzip that is damaged, cut, or made to blow up."""

from __future__ import annotations

import gzip
import zlib

import pytest

HEAD = b"FoldID\tEventID\tseq\tBound\n"
GOOD = b"A\tseq_1\tACGTACGTAC\t1\n"
PACKED = gzip.compress(HEAD + GOOD * 200, mtime=0)

# id: content of in.seq, error, exit code, words
TABLES = {
    "a header alone": (HEAD, "InputError", 2, "in.seq: the file holds no sequences"),
    "a header without sequences": (b"FoldID\tEventID\tBound\nA\tx\t1\n", "InputError", 2, "in.seq:1: the header has"),
    "a header without names": (b"seq\tBound\nACGT\t1\n", "InputError", 2, "in.seq:1: the header has no column"),
    "three columns": (b"A\tx\tACGT\n", "InputError", 2, "in.seq:1: 3 columns and no header"),
    "a short row": (HEAD + GOOD + b"A\tx\n", "InputError", 2, "in.seq:3: 2 columns, but 4"),
    "a long row": (HEAD + b"A\tx\tACGT\t1\t2\n", "InputError", 2, "in.seq:2: 5 columns, but 4"),
    "rows that make up for each other": (HEAD + b"A\tx\tACGT\nA\tx\tACGT\t1\t2\n", "InputError", 2, "in.seq:2: 3"),
    "an empty sequence": (HEAD + b"A\tx\t\t1\n", "InputError", 2, "in.seq:2: an empty sequence"),
    "a label of 2": (HEAD + b"A\tx\tACGT\t2\n", "InputError", 2, "in.seq:2: the label is '2', but must be 0 or 1"),
    "a label of nothing": (HEAD + b"A\tx\tACGT\t\n", "InputError", 2, "in.seq:2: the label is '', but must be 0 or 1"),
    "a label of true": (HEAD + b"A\tx\tACGT\ttrue\n", "InputError", 2, "in.seq:2: the label is 'true'"),
    "a label of control characters": (HEAD + b"A\tx\tACGT\t\x1b[31m\n", "InputError", 2, "in.seq:2: the label is"),
    "a letter": (HEAD + GOOD + b"A\tx\tACXT\t1\n", "InputError", 2, "in.seq:3: 'X' at base 3 is no DNA letter"),
    "quotes": (HEAD + b'A\tx\t"ACGT"\t1\n', "InputError", 2, "in.seq:2: '\"' at base 1 is no DNA letter"),
    "commas": (b"FoldID,EventID,seq,Bound\nA,x,ACGT,1\n", "InputError", 2, "in.seq:1: 1 columns and no header"),
}  # fmt: skip

# id: content of in.seq.gz, error, exit code, words
GZIPS = {
    "not packed": (HEAD + GOOD, "InputError", 2, "in.seq.gz: not a gzip file, though its name says so"),
    "two bytes": (PACKED[:2], "InputError", 2, "in.seq.gz: the gzip data is cut short"),
    "the head alone": (PACKED[:10], "InputError", 2, "in.seq.gz: the gzip data is cut short"),
    "half": (PACKED[: len(PACKED) // 2], "InputError", 2, "in.seq.gz: the gzip data is cut short"),
    "no checksum": (PACKED[:-8], "InputError", 2, "in.seq.gz: the gzip data is cut short"),
    "a wrong checksum": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "InputError", 2, "in.seq.gz: damaged gzip data"),
    "a wrong size": (PACKED[:-1] + b"\x7f", "InputError", 2, "in.seq.gz: damaged gzip data"),
    "an unknown method": (PACKED[:2] + b"\x09" + PACKED[3:], "InputError", 2, "in.seq.gz: damaged gzip data"),
    "reserved flags": (PACKED[:3] + b"\xe0" + PACKED[4:], "InputError", 2, "in.seq.gz: damaged gzip data"),
    "something behind the end": (PACKED + b"rm -rf", "InputError", 2, "in.seq.gz: damaged gzip data"),
    "a second member that is none": (PACKED + PACKED[:30], "InputError", 2, "in.seq.gz: the gzip data is cut short"),
    "packed twice": (gzip.compress(PACKED), "InputError", 2, "in.seq.gz:1"),
    "bzip2": (b"BZh91AY&SY\0\0\0\0", "InputError", 2, "in.seq.gz: not a gzip file"),
    "xz": (b"\xfd7zXZ\0\0\x04", "InputError", 2, "in.seq.gz: not a gzip file"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\0", "InputError", 2, "in.seq.gz: not a gzip file"),
    "a zip": (b"PK\x03\x04\x14\0\0\0", "InputError", 2, "in.seq.gz: not a gzip file"),
    "a name without an end": (b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"A" * 9999, "InputError", 2, "cut short"),
    "raw deflate": (zlib.compress(HEAD + GOOD), "InputError", 2, "in.seq.gz: not a gzip file"),
}


@pytest.mark.parametrize("row", TABLES)
def test_tables_that_are_not_this_format_are_refused_where_they_differ(here, refused, row):
    content, *expected = TABLES[row]
    (here / "in.seq").write_bytes(content)
    refused("predict in.seq", *expected)


@pytest.mark.parametrize("row", GZIPS)
def test_gzip_that_is_not_whole_is_refused(here, refused, row):
    content, *expected = GZIPS[row]
    (here / "in.seq.gz").write_bytes(content)
    refused("predict in.seq.gz", *expected)
