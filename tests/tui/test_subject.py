"""Strands and changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.tui.track.subject import Subject, reverse_complement

DNA = st.text("ACGTN", min_size=1, max_size=40)


def subject(*letters):
    found = Subject()
    found.take([f"s{place}" for place in range(len(letters))], letters)
    return found


@given(DNA, st.lists(st.tuples(st.integers(0, 39), st.sampled_from("ACGT")), max_size=6))
def test_flipping_shows_the_other_strand_of_the_changed_sequence(letters, changes):
    found = subject(letters)
    for place, base in changes:
        found.mutate(place % len(letters), base)
    before = found.present
    found.flip()
    assert found.present == reverse_complement(before)
    assert found.changed == {len(letters) - 1 - place for place in subject_changed(letters, before)}
    found.flip()
    assert found.present == before


def subject_changed(old, new):
    return {place for place, (one, other) in enumerate(zip(old, new, strict=True)) if one != other}


def test_changes_are_taken_back_one_by_one():
    found = subject("AAAA")
    assert found.mutate(1, "C") and found.mutate(1, "G") and not found.mutate(1, "G")
    assert [str(edit) for edit in found.edits] == ["A2C", "C2G"]
    found.undo()
    assert found.present == "ACAA"
    found.undo()
    assert found.present == "AAAA" and found.undo() is None


def test_another_sequence_has_no_changes():
    found = subject("AAAA", "CCCC")
    found.mutate(0, "T")
    found.choose(1)
    assert found.present == "CCCC" and not found.changed
    assert found.name == "s1"
    found.choose(7)
    assert found.chosen == 1


def test_nothing_is_nothing():
    assert not Subject() and Subject().present == "" and Subject().name == ""
