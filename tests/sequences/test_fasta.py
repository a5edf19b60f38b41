from __future__ import annotations

import pytest

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.readers import load, read_batches


@pytest.mark.parametrize(
    "content",
    [
        ">a one\nACGT\n>b\nTTTT\n",
        ">a one\nAC\nG\n\nT\n>b\nTTTT",
        ">a one\r\nAC\r\nGT\r\n>b\r\nTT\r\nTT\r\n",
        "\n\n>a\tone\nacgt\n\n\n>b\ntttt\n\n",
    ],
)
def test_records_may_span_lines(write, content: str) -> None:
    data = load(write("a.fa", content))
    assert data.ids == ["a", "b"]
    assert [decode(row) for row in data.codes] == ["ACGT", "TTTT"]
    assert data.labels is None


def test_lines_of_records_are_counted(write) -> None:
    (batch,) = read_batches(write("a.fa", "\n>a\nAC\nGT\n\n>b\nAA\n>c\nA\n"))
    assert batch.lines.tolist() == [2, 6, 8]


def test_labels_are_what_the_ids_say(write) -> None:
    assert load(write("a.fa", ">x_peak\nACGT\n>x_shuf\nACGT\n>y\nACGT\n")).labels.tolist() == [1, 0, 1]
    assert load(write("b.fa", ">x_peak\nACGT\n>y_peak\nACGT\n")).labels is None


def test_labels_are_decided_over_the_whole_file(write) -> None:
    path = write("a.fa", ">p_peak\nACGT\n" * 60_000 + ">p_shuf\nACGT\n")
    labels = load(path).labels
    assert (labels[:-1] == 1).all()
    assert labels[-1] == 0
    assert [batch.labels is None for batch in read_batches(path, rows=30_000)] == [True, True, False]


def test_a_chromosome_longer_than_many_blocks_is_one_record(write) -> None:
    line = "ACGTACGTAC" * 6 + "\n"
    path = write("a.fa.gz", ">first\nAC\n>chr1\n" + line * 50_000 + ">last\nGT\n")
    (batch,) = read_batches(path)
    assert batch.lengths.tolist() == [2, 3_000_000, 2]
    assert batch.lines.tolist() == [1, 3, 50_004]
    assert decode(batch.sequence(2)) == "GT"


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("ACGT\n", 1, "must begin"),
        (">a\nACGT\n>\nACGT\n", 3, "without a name"),
        (">a\n>b\nACGT\n", 1, "without a sequence"),
        (">a\nACGT\n>b\n", 3, "without a sequence"),
        (">a\nACGT\n>b\nAC\nG-\n", 5, "'-'"),
        (">a\nAC\r\n\r\nA>T\r\n", 4, "'>'"),
        (">a\nACGU\n", 2, "'U'"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(write, content: str, line: int, what: str) -> None:
    path = write("a.fa", content)
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.where == f"{path}:{line}"
    assert what in caught.value.what
