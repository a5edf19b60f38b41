"""Several explanations side by side, and what their files need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.seqlets import Seqlet
from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.errors import InputError
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.workflows.explain_files import Explained, explain_all, format_that_places, panels


class Refuses:
    """An explainer that nobody should have asked."""

    def explain(self, batch, report):
        raise AssertionError("it was asked")


@pytest.mark.parametrize(
    ("target", "listed", "expected"),
    [
        ("a.BedGraph", None, "bedGraph"),
        ("a.bw", "b.bed", "bigWig"),
        ("a.h5", "b.BED", "BED"),
        (None, "b.bed", "BED"),
        ("a.tsv", "b.bw", ""),
        (None, None, ""),
    ],
)
def test_formats_that_need_coordinates(target, listed, expected):
    paths = (None if name is None else Path(name) for name in (target, listed))
    assert format_that_places(*paths) == expected


def test_coordinates_that_nobody_said_are_missed_before_anything_is_explained():
    batch = from_strings(["ACGT", "ACGT"], ["chr1:0-4", "chr1:0-5"])
    with pytest.raises(InputError, match=r"^chr1:0-5 has no coordinates, which bigWig needs"):
        explain_all([Refuses()], [batch], placed_for="bigWig")
    with pytest.raises(AssertionError, match="it was asked"):
        explain_all([Refuses()], [batch], limit=1, placed_for="bigWig")


def test_panels_have_the_seqlets_of_their_sequence_in_order():
    explanation = Explanation(
        *("moe", "gradient", ("a", "b", "c"), np.array([0, 2, 4, 6]), np.zeros(6, np.uint8)),
        *(np.ones(6, np.float32), np.ones((6, 4), np.float32), np.zeros(6, np.float32), 2),
    )
    marks = [Named(Seqlet(row, 0, end, 1.0, 0.1), None) for row, end in ((2, 1), (0, 1), (2, 2))]
    stacks = panels(Explained(((explanation, tuple(marks)), (explanation, ())), more=False))
    assert [[list(panel.seqlets) for panel in stack] for stack in stacks] == [
        [[marks[1]], []],
        [[], []],
        [[marks[0], marks[2]], []],
    ]
