from __future__ import annotations

import numpy as np
import pytest

from tfbs_hub.errors import InputError, NotFoundError, UsageError
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sources.files import fetch, fetch_test
from tfbs_hub.sources.options import SourceOptions


@pytest.fixture
def folder(tmp_path, seqgz):
    (tmp_path / "one.seq.gz").write_bytes(seqgz(rows=5, seed=1))
    (tmp_path / "two.seq.gz").write_bytes(seqgz(rows=4, unbound=2, seed=2))
    (tmp_path / "long.seq.gz").write_bytes(seqgz(rows=4, length=30))
    (tmp_path / "plain.fa").write_text(">a\nACGTRACGTACGTACGTACGT\n>b\nNCGTAACGTACGTACGTACGT\n")
    (tmp_path / "genome.fa").write_text(">chr1\n" + "ACGTTGCA" * 20 + "\n")
    (tmp_path / "peaks.bed").write_text("chr1\t40\t60\nchr1\t0\t4\n")
    return tmp_path


def test_one_file_is_what_the_reader_gives(folder):
    rows = fetch("ANY", SourceOptions(data=(folder / "two.seq.gz",)))
    assert rows.labels.tolist() == [0, 0, 1, 1]
    assert (rows.source, rows.simulated, rows.files[0].name) == ("files", False, "two.seq.gz")


def test_files_follow_one_another(folder):
    paths = (folder / "two.seq.gz", folder / "one.seq.gz")
    parts = [fetch("ANY", SourceOptions(data=(path,))) for path in paths]
    events = []
    rows = fetch("ANY", SourceOptions(data=paths, report=events.append))
    np.testing.assert_array_equal(rows.codes, np.concatenate([part.codes for part in parts]))
    assert rows.labels.tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1]
    assert list(rows.ids) == [*parts[0].ids, *parts[1].ids]
    assert [(file.name, file.rows) for file in rows.files] == [("two.seq.gz", 4), ("one.seq.gz", 5)]
    assert (events[-1].done, events[-1].total) == (2, 2)
    assert rows.digest not in {part.digest for part in parts}


def test_unlabelled_files_stay_unlabelled(folder):
    rows = fetch("ANY", SourceOptions(data=(folder / "plain.fa", folder / "plain.fa")))
    assert rows.labels is None
    assert rows.ambiguous == 2
    assert len(rows) == 4


def test_peaks_are_cut_from_the_genome(folder):
    options = SourceOptions(data=(folder / "peaks.bed",), genome=folder / "genome.fa", window=9)
    rows = fetch("ANY", options)
    assert rows.length == 9
    assert decode(rows.codes[0]) == ("ACGTTGCA" * 20)[46:55]
    assert "genome.fa" in rows.note
    with pytest.raises(NotFoundError, match="genome"):
        fetch("ANY", SourceOptions(data=(folder / "peaks.bed",)))


def test_no_file():
    with pytest.raises(UsageError, match="no sequences were given for STAT3") as caught:
        fetch("STAT3", SourceOptions())
    assert "--data" in caught.value.hint


def test_lengths_must_agree(folder):
    with pytest.raises(InputError, match=r"30 bp.*one\.seq\.gz have 21") as caught:
        fetch("ANY", SourceOptions(data=(folder / "one.seq.gz", folder / "long.seq.gz")))
    assert caught.value.where == str(folder / "long.seq.gz")


@pytest.mark.parametrize("turn", [1, -1])
def test_labelled_and_unlabelled_files_do_not_mix(folder, turn):
    with pytest.raises(InputError, match="which rows are bound") as caught:
        fetch("ANY", SourceOptions(data=(folder / "one.seq.gz", folder / "plain.fa")[::turn]))
    assert caught.value.where == str(folder / "plain.fa")


def test_separate_test_file(folder):
    assert fetch_test("ANY", SourceOptions(data=(folder / "one.seq.gz",))) is None
    rows = fetch_test("ANY", SourceOptions(test=folder / "two.seq.gz"))
    assert rows.labels.tolist() == [0, 0, 1, 1]
