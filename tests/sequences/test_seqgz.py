from __future__ import annotations

import numpy as np
import pytest

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.readers import load, read_batches

HEADER = "FoldID\tEventID\tseq\tBound\n"
ROWS = "A\ts1\tACGT\t1\nA\ts2\tTTTT\t0\n"


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROWS,
        ROWS,
        (HEADER + ROWS).replace("\n", "\r\n"),
        (HEADER + ROWS).rstrip("\n"),
        "\n" + HEADER + "\n\n" + ROWS + "\n",
        "Bound\tseq\tmore\tEventID\n1\tACGT\tx\ts1\n0\tTTTT\ty\ts2\n",
        "Bound\tseq\tEventID\r\n1\tACGT\ts1\r\n0\tTTTT\ts2\r\n",
        "SEQ\tBOUND\tEVENTID\nACGT\t1\ts1\nTTTT\t0\ts2\n",
    ],
)
def test_columns_are_found_by_header_or_position(write, content: str) -> None:
    data = load(write("a.seq", content))
    assert [decode(row) for row in data.codes] == ["ACGT", "TTTT"]
    assert data.ids == ["s1", "s2"]
    assert data.labels.tolist() == [1, 0]


def test_ids_may_be_of_any_length_and_script(write) -> None:
    names = ["a", "", "größer", "x" * 300, "with space"]
    path = write("a.seq", HEADER + "".join(f"A\t{name}\tACGT\t1\n" for name in names))
    assert load(path).ids == names


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (HEADER + ROWS + "A\ts3\tACXT\t1\n", 4, "'X' at base 3"),
        (HEADER + ROWS + "A\ts3\tAC T\t1\n", 4, "' ' at base 3"),
        ("\n\n" + ROWS + "A\ts3\tACGU\t1\n", 5, "'U' at base 4"),
        (HEADER + ROWS + "A\ts3\t\t1\n", 4, "an empty sequence"),
        (HEADER + ROWS + "A\ts3\tACGT\t2\n", 4, "label is '2'"),
        (HEADER + ROWS + "A\ts3\tACGT\t\n", 4, "label is ''"),
        (HEADER + ROWS + "A\ts3\tACGT\t1.0\n", 4, "label is '1.0'"),
        (HEADER + ROWS + "A\ts3\tACGT\n", 4, "3 columns"),
        (HEADER + ROWS + "A\ts3\tACGT\t1\tmore\n" + "A\tACGT\t1\n", 4, "5 columns"),
        (HEADER + "A\ts1\n" + "A\tx\ty\tACGT\tz\t1\n", 2, "2 columns"),
        ("FoldID\tEventID\tseq\nA\ts1\tACGT\n", 1, "no column 'bound'"),
        ("s1\tACGT\t1\n", 1, "3 columns and no header"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(write, content: str, line: int, what: str) -> None:
    path = write("a.seq.gz", content)
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.where == f"{path}:{line}"
    assert what in caught.value.what
    assert caught.value.hint


def test_lines_are_counted_across_blocks(write) -> None:
    rows = "A\tname\tACGTACGTACGTACGTACGT\t1\n" * 60_000
    path = write("a.seq", HEADER + rows + "A\tname\tACGTACGTACGTACGTACG!\t1\n")
    with pytest.raises(InputError) as caught:
        list(read_batches(path))
    assert caught.value.where == f"{path}:60002"
    assert "'!' at base 20" in caught.value.what


def test_sequences_of_different_lengths_are_kept_apart(write) -> None:
    sequences = ["ACGT"[row % 4] * (1 + row % 11) for row in range(500)]
    path = write("a.seq", HEADER + "".join(f"A\ts\t{sequence}\t1\n" for sequence in sequences))
    (batch,) = read_batches(path)
    assert [decode(batch.sequence(row)) for row in range(500)] == sequences
    assert np.array_equal(batch.lengths, [len(sequence) for sequence in sequences])
