from __future__ import annotations

import errno
import resource
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tfbs_hub.attribution.files import arrays, genome
from tfbs_hub.attribution.files.arrays import Hdf5, Npz
from tfbs_hub.attribution.files.tables import Tsv
from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.errors import NotFoundError, StorageError, UsageError
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.workflows.explain_files import check_target, format_that_places, save, written
from tfbs_hub.workflows.side_by_side import Explained


@pytest.fixture
def parts():
    """Two parts of one sequence each."""

    def one(name):
        batch = from_strings(["ACGT"], [name])
        values = np.ones(4, np.float32), np.ones((4, 4), np.float32), np.zeros(4, np.float32)
        found = Explanation("moe", "gradient", (name,), batch.offsets, batch.bases, *values, 4)
        return Explained(((found, ()),), more=False)

    return [one("chr1:0-4"), one("chr1:10-14")]


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


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".tsv", ".bedGraph", ".bw", ".png", ".svg", ".TSV"])
def test_every_format_is_there_after_the_last_part_and_not_before(parts, tmp_path, suffix):
    path, listed = tmp_path / f"a{suffix}", tmp_path / "b.tsv"
    handed = []
    for part in written(parts, path, listed):
        handed.append(part)
        assert list(tmp_path.iterdir()) == []
    assert handed == parts
    assert sorted(tmp_path.iterdir()) == sorted([path, listed]) and path.stat().st_size > 50
    assert listed.read_text().startswith("id\tmodel\t")


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".tsv", ".bedGraph"])
def test_more_sequences_need_no_more_memory(tmp_path, monkeypatch, suffix):
    # Here a batch is small.
    monkeypatch.setattr(arrays, "_BASES", 2000)
    monkeypatch.setattr(genome, "_TOGETHER", 80)

    def some(parts, rows=80, length=30):
        bases = rows * length
        for part in range(parts):
            starts = [length * (part * rows + row) for row in range(rows)]
            names = tuple(f"chr1:{start}-{start + length}" for start in starts)
            values = np.ones(bases, np.float32), np.ones((bases, 4), np.float32), np.zeros(bases, np.float32)
            offsets = np.arange(rows + 1) * length
            found = Explanation("moe", "gradient", names, offsets, np.zeros(bases, np.uint8), *values, length)
            yield Explained(((found, ()),), more=False)

    def peak(parts):
        tracemalloc.start()
        save(some(parts), tmp_path / f"a{suffix}")
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)
    # All of twelve parts would be four times all of three.
    assert peak(12) < 1.5 * peak(3)


def test_what_breaks_off_leaves_what_was_there(parts, tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("old")

    def broken():
        yield parts[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(broken(), path)
    half = written(parts, path)
    next(half)
    half.close()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_disk_that_is_full_half_way_is_one_error(parts, tmp_path, monkeypatch):
    def full(self, found):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Tsv, "add", full)
    with pytest.raises(StorageError, match="no space is left") as caught:
        save(parts, tmp_path / "a.tsv")
    assert caught.value.where == str(tmp_path / "a.tsv") and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [Hdf5, Npz, Tsv])
def test_a_disk_that_is_full_at_the_end_is_one_error(parts, tmp_path, monkeypatch, kind):
    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kind, "pieces", full)
    path = tmp_path / f"a.{kind.__name__.lower().replace('hdf5', 'h5')}"
    with pytest.raises(StorageError, match="no space is left") as caught:
        save(parts, path)
    assert caught.value.where == str(path) and list(tmp_path.iterdir()) == []


def test_what_waits_to_be_written_when_the_disk_is_full_is_no_second_error(parts, tmp_path):
    """The first one, which names the file, was lost to that of closing a file whose buffer was not empty."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    many = [Explained(parts[0].found, more=False)] * 2000
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))
    try:
        with pytest.raises(StorageError, match="larger than allowed") as caught:
            save(many, tmp_path / "a.tsv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert caught.value.where == str(tmp_path / "a.tsv") and list(tmp_path.iterdir()) == []


def test_targets_are_checked(parts, tmp_path):
    with pytest.raises(UsageError, match=r"no format is known by the ending '\.xlsx'"):
        save(parts, tmp_path / "a.xlsx")
    with pytest.raises(NotFoundError, match="the folder does not exist"):
        save(parts, tmp_path / "nowhere" / "a.h5")
    with pytest.raises(UsageError, match="holds one track, and 2 are asked for"):
        check_target(tmp_path / "a.bw", tracks=2)
