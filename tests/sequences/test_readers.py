from __future__ import annotations

import gzip
import hashlib
import io
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, UsageError
from tfbs_hub.sequences import readers
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.readers import load, read_batches

TABLE = "FoldID\tEventID\tseq\tBound\nA\ts1\tACGT\t1\nA\ts2\ttgcN\t0\n"


def texts(path: Path | str, **options) -> list[str]:
    return [decode(batch.sequence(row)) for batch in read_batches(path, **options) for row in range(len(batch))]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.seq.gz", TABLE),
        ("a.seq", TABLE),
        ("a.unknown", TABLE),
        ("a.fa", ">s1\nAC\nGT\n>s2\nTGCN\n"),
        ("a.fasta.gz", ">s1 first\r\nACGT\r\n\r\n>s2\r\nTGCN"),
        ("a.seq.txt", "\n>s1\nACGT\n>s2\nTGCN\n"),
        ("a.txt", "ACGT\n\nTGCN"),
        ("b.txt", TABLE),
        ("a", "acgt\r\ntgcn\r\n"),
    ],
)
def test_the_format_follows_from_content_and_name(write, name: str, content: str) -> None:
    assert texts(write(name, content)) == ["ACGT", "TGCN"]


def test_load_keeps_labels_ids_and_the_files_digest(write) -> None:
    path = write("a.seq.gz", TABLE)
    data = load(path)
    assert data.ids == ["s1", "s2"]
    assert data.labels.tolist() == [1, 0]
    assert data.labels.dtype == np.int8
    assert data.source == "files"
    (file,) = data.files
    assert (file.name, file.rows) == ("a.seq.gz", 2)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_part_of_a_file_still_has_the_whole_files_digest(write) -> None:
    path = write("a.txt", "ACGT\n" * 400_000)
    data = load(path, max_rows=7)
    assert len(data) == data.files[0].rows == 7
    assert data.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_batches_have_the_size_that_was_asked_for(write) -> None:
    path = write(
        "a.seq.gz", "".join(f"A\tid{row}\t{'ACGT'[row % 4] * (row % 5 + 1)}\t{row % 2}\n" for row in range(50_000))
    )
    batches = list(read_batches(path, rows=999))
    assert [len(batch) for batch in batches] == [999] * 50 + [50]
    assert [name for batch in batches for name in batch.ids] == [f"id{row}" for row in range(50_000)]
    assert np.array_equal(np.concatenate([batch.labels for batch in batches]), np.arange(50_000) % 2)
    assert np.array_equal(np.concatenate([batch.lines for batch in batches]), np.arange(1, 50_001))
    assert np.array_equal(np.concatenate([batch.lengths for batch in batches]), np.arange(50_000) % 5 + 1)
    assert decode(batches[3].sequence(2)) == "ACGT"[2999 % 4] * (2999 % 5 + 1)


@pytest.mark.parametrize("kind", ["seq.gz", "fa", "txt"])
def test_streaming_needs_no_more_memory_for_a_longer_file(write, kind: str) -> None:
    line = {
        "seq.gz": "A\tname\t" + "ACGTN" * 20 + "\t1\n",
        "fa": ">x\n" + "ACGTN" * 20 + "\n",
        "txt": "ACGTN" * 20 + "\n",
    }

    def peak(rows: int) -> int:
        path = write(f"a.{kind}", line[kind] * rows)
        tracemalloc.start()
        total = sum(len(batch) for batch in read_batches(path))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total == rows
        return used

    assert peak(300_000) < 1.3 * peak(30_000) < 40 << 20


def test_unequal_lengths_are_named_with_line_and_both_lengths(write) -> None:
    path = write("a.txt", "ACGT\nACGT\n\nACG\n")
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.where == f"{path}:4"
    assert "3 bp" in caught.value.what
    assert "line 1 has 4 bp" in caught.value.what


def test_iupac_letters_are_counted_once(write) -> None:
    path = write("a.txt", "ACRT\nNNYK\n" * 5000)
    assert load(path).ambiguous == 15_000
    assert sum(batch.ambiguous for batch in read_batches(path, rows=77)) == 15_000


@pytest.mark.parametrize("content", ["", "\n\n", "FoldID\tEventID\tseq\tBound\n"])
@pytest.mark.parametrize("name", ["a.seq", "a.seq.gz", "a"])
def test_a_file_without_sequences_is_an_error(write, name: str, content: str) -> None:
    with pytest.raises(InputError, match=r"empty|no sequences"):
        load(write(name, content))


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        list(read_batches(tmp_path / "none.fa"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this is a folder") as caught:
        load(tmp_path)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("options", [{"rows": 0}, {"window": 0}])
def test_numbers_below_one_are_refused_at_once(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        read_batches("x.fa", **options)


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b">x\nACGT\n", ["x"]),
        (TABLE.encode(), ["s1", "s2"]),
        (b"ACGT\n", ["seq1"]),
        (gzip.compress(b">y\nA\n", mtime=0), ["y"]),
    ],
)
def test_a_dash_is_stdin_of_any_format(monkeypatch, content: bytes, ids: list[str]) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    data = load("-")
    assert data.ids == ids
    assert data.files[0].name == "stdin"
    assert data.files[0].sha256 == hashlib.sha256(content).hexdigest()


def test_more_bases_than_memory_may_hold_are_refused(write, monkeypatch) -> None:
    monkeypatch.setattr(readers, "MAX_LOADED_BASES", 1000)
    with pytest.raises(IntegrityError, match="1,000 bases"):
        load(write("a.txt", "ACGT\n" * 300))


def test_every_encode_file_reads_as_its_text_says(encode_folder: Path) -> None:
    path = next((encode_folder / "test").glob("FOXM1*_B.seq.gz"))
    lines = [line.split("\t") for line in gzip.decompress(path.read_bytes()).decode().splitlines()[1:]]
    data = load(path)
    assert data.codes.shape == (1000, 101)
    assert data.ids == [line[1] for line in lines]
    assert [decode(row) for row in data.codes] == [line[2] for line in lines]
    assert data.labels.tolist() == [int(line[3]) for line in lines]
    assert data.ambiguous == 0
