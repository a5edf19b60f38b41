from __future__ import annotations

import pytest

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.batch import from_strings


def test_strings_become_a_batch() -> None:
    batch = from_strings(["ACGT", "ry"])
    assert batch.ids == ["seq1", "seq2"]
    assert [decode(batch.sequence(row)) for row in range(2)] == ["ACGT", "NN"]
    assert batch.ambiguous == 2
    assert from_strings(["A"], ["mine"]).ids == ["mine"]
    assert len(from_strings([])) == 0


def test_a_part_is_a_batch_of_its_own() -> None:
    part = from_strings(["ACGT", "R", "GGG"]).part(1, 3)
    assert part.ids == ["seq2", "seq3"]
    assert part.lengths.tolist() == [1, 3]
    assert decode(part.sequence(1)) == "GGG"
    assert part.where(1) == "sequence:3"
    assert part.ambiguous == 0


@pytest.mark.parametrize(
    ("sequences", "where", "what"), [(["A", "AéC"], "sequence:2", "at base 2"), (["A", ""], "sequence:2", "empty")]
)
def test_a_bad_string_is_named_by_number(sequences: list[str], where: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        from_strings(sequences)
    assert caught.value.where == where
