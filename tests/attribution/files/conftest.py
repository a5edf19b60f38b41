"""Explanations, in parts or whole, put through a writer."""

from __future__ import annotations

import pytest


@pytest.fixture
def file_of(tmp_path):
    """The bytes that a writer makes of parts, each a list of explanations with their seqlets."""

    def write(kind, *parts, **options):
        with kind(tmp_path, **options) as writer:
            for part in parts:
                writer.add(part)
            data = b"".join(writer.pieces())
        assert list(tmp_path.iterdir()) == []
        return data

    return write


@pytest.fixture
def placed(made):
    """Two windows that share two bases, one that hangs over its chromosome's start, and one on another chromosome."""
    return made(
        ["ACGT", "GTTA", "NNCA", "AA"],
        [[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 9, 10], [11, 12]],
        ["chr2:100-104", "chr2:102-106", "chr10:-2-2", "chr1:7-9"],
    )
