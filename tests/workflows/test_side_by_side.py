from __future__ import annotations

import numpy as np
import pytest

from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.seqlets import Seqlet
from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.errors import InputError
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.workflows.side_by_side import Explained, explain_all, panels, together


class Counts:
    """An explainer that says 1 of every base, finds a seqlet in each sequence, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def explain(self, batch, report):
        self.asked += batch.ids
        bases = len(batch.bases)
        return Explanation(
            *("moe", "gradient", tuple(batch.ids), batch.offsets, batch.bases),
            *(np.ones(bases, np.float32), np.ones((bases, 4), np.float32), np.zeros(bases, np.float32), 2),
        )

    def seqlets(self, explanation, report):
        return [Named(Seqlet(index, 0, 1, 1.0, 0.1), None) for index in range(len(explanation))]


def batches(*sizes):
    firsts = np.cumsum([0, *sizes])
    for first, size in zip(firsts, sizes, strict=False):
        yield from_strings(["AC"] * size, [f"s{first + number}" for number in range(size)])


def names(parts):
    return [name for part in parts for name in part.found[0][0].ids]


def test_parts_come_as_the_batches_do_and_nothing_is_read_ahead():
    explainer = Counts()
    parts = explain_all([explainer], batches(2, 3))
    assert next(parts).found[0][0].ids == ("s0", "s1") and explainer.asked == ["s0", "s1"]
    assert names(parts) == ["s2", "s3", "s4"]


@pytest.mark.parametrize(
    ("limit", "count", "more"),
    [(None, 5, False), (1, 1, True), (2, 2, True), (3, 3, True), (5, 5, False), (9, 5, False)],
)
def test_a_limit_and_whether_there_are_more(limit, count, more):
    explainer = Counts()
    parts = list(explain_all([explainer], batches(2, 3), limit=limit))
    assert names(parts) == explainer.asked == [f"s{number}" for number in range(count)]
    assert [part.more for part in parts] == [False] * (len(parts) - 1) + [more]


def test_no_sequence_is_an_error():
    with pytest.raises(InputError, match="no sequence to explain"):
        list(explain_all([Counts()], []))


def test_seqlets_are_not_called_unless_asked_for():
    (part,) = explain_all([Counts()], batches(2), seqlets=False)
    assert part.found[0][1] == ()


def test_parts_together_number_their_seqlets_through():
    parts = list(explain_all([Counts(), Counts()], batches(2, 1, 3)))
    whole = together(parts)
    assert len(whole) == 6 and len(whole.found) == 2
    for explanation, seqlets in whole.found:
        assert explanation.ids == tuple(f"s{number}" for number in range(6))
        assert [named.seqlet.sequence for named in seqlets] == list(range(6))


def test_coordinates_that_nobody_said_are_missed_before_anything_is_explained():
    explainer, batch = Counts(), from_strings(["ACGT", "ACGT"], ["chr1:0-4", "chr1:0-5"])
    with pytest.raises(InputError, match=r"^chr1:0-5 has no coordinates, which bigWig needs"):
        list(explain_all([explainer], [batch], placed_for="bigWig"))
    assert explainer.asked == []
    assert names(explain_all([explainer], [batch], limit=1, placed_for="bigWig")) == ["chr1:0-4"]


def test_panels_have_the_seqlets_of_their_sequence_in_order():
    explanation = Counts().explain(next(batches(3)), None)
    marks = [Named(Seqlet(row, 0, end, 1.0, 0.1), None) for row, end in ((2, 1), (0, 1), (2, 2))]
    stacks = panels(Explained(((explanation, tuple(marks)), (explanation, ())), more=False))
    assert [[list(panel.seqlets) for panel in stack] for stack in stacks] == [
        [[marks[1]], []],
        [[], []],
        [[marks[0], marks[2]], []],
    ]
