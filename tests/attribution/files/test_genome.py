from __future__ import annotations

import errno
import itertools
import resource
import signal
import tempfile

import numpy as np
import pybigtools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.attribution.files import genome
from tfbs_hub.attribution.files.genome import BedGraph, BigWig
from tfbs_hub.errors import InputError, StorageError, UsageError

EXPECTED = [
    ("chr1", 7, 8, 11), ("chr1", 8, 9, 12),
    ("chr10", 0, 1, 9), ("chr10", 1, 2, 10),
    ("chr2", 100, 101, 1), ("chr2", 101, 102, 2), ("chr2", 102, 103, 4), ("chr2", 103, 104, 5),
    ("chr2", 104, 105, 7), ("chr2", 105, 106, 8),
]  # fmt: skip


def read(data, path):
    path.write_bytes(data)
    with pybigtools.open(str(path)) as file:
        return file.chroms(), [(name, *record) for name in sorted(file.chroms()) for record in file.records(name)]


def test_bedgraph_is_zero_based_half_open_sorted_and_averages_overlaps(file_of, placed):
    head, *lines = file_of(BedGraph, [(placed, ())]).decode().splitlines()
    assert head == 'track type=bedGraph name="moe shiftsmooth"'
    rows = [line.split("\t") for line in lines]
    assert [(row[0], int(row[1]), int(row[2]), float(row[3])) for row in rows] == EXPECTED


def test_bigwig_is_read_back(file_of, placed, tmp_path):
    lengths = {"chr2": 1000, "chr1": 50, "chr10": 60, "chr9": 5}
    chromosomes, found = read(file_of(BigWig, [(placed, ())], chromosomes=lengths), tmp_path / "a.bw")
    assert chromosomes == {"chr1": 50, "chr10": 60, "chr2": 1000}
    assert found == EXPECTED


def test_a_bigwig_without_a_genome_ends_with_the_last_base(file_of, placed, tmp_path):
    chromosomes, _ = read(file_of(BigWig, [(placed, ())]), tmp_path / "a.bw")
    assert chromosomes == {"chr1": 9, "chr10": 2, "chr2": 106}


@pytest.mark.parametrize("kind", [BedGraph, BigWig])
def test_tracks_need_coordinates_and_there_can_be_one_only(file_of, made, placed, kind):
    with pytest.raises(InputError, match="seq1 has no coordinates"):
        file_of(kind, [(made(["ACGT"], [[1, 2, 3, 4]]), ())])
    with pytest.raises(UsageError, match="holds one track, and here are 2"):
        file_of(kind, [(placed, ()), (placed, ())])
    with pytest.raises(InputError, match=r"no (sequence|base)"):
        file_of(kind)


def test_a_bigwig_of_nothing_known(file_of, made):
    with pytest.raises(InputError, match="no base of these sequences is known"):
        file_of(BigWig, [(made(["NN"], [[0, 0]], ["chr1:5-7"]), ())])
    with pytest.raises(InputError, match="no base of these sequences is known"):
        file_of(BigWig, [(made(["AC"], [[1, 1]], ["chr1:-2-0"]), ())])


def test_what_breaks_while_a_bigwig_is_written_is_told(placed, tmp_path, monkeypatch, capfd):
    """pybigtools prints what its input raises, and says that all went well."""

    def breaking(self):
        yield ("chr1", 7, 8, 1.0)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(BigWig, "_spans", breaking)
    with BigWig(tmp_path) as writer, pytest.raises(OSError, match="Input/output"):
        writer.add([(placed, ())])
        b"".join(writer.pieces())
    assert capfd.readouterr().err == ""


def test_ctrl_c_while_a_bigwig_is_written_is_an_interrupt(placed, tmp_path, monkeypatch):
    def interrupted(self):
        yield ("chr1", 7, 8, 1.0)
        signal.raise_signal(signal.SIGINT)
        yield ("chr1", 8, 9, 1.0)

    monkeypatch.setattr(BigWig, "_spans", interrupted)
    with BigWig(tmp_path) as writer, pytest.raises(KeyboardInterrupt):
        writer.add([(placed, ())])
        b"".join(writer.pieces())


def test_no_room_for_temporary_files_is_an_error(placed, tmp_path, monkeypatch):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with BigWig(tmp_path) as writer:
        writer.add([(placed, ())])
        b"".join(writer.pieces())
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
        try:
            with pytest.raises(StorageError, match="the bigWig file could not be made"):
                b"".join(writer.pieces())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert list(tmp_path.iterdir()) == []


@given(
    windows=st.lists(
        st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(-3, 30), st.text("ACGTN", min_size=1, max_size=9)),
        min_size=1,
        max_size=12,
    ),
    cuts=st.sets(st.integers(1, 11)),
    together=st.integers(1, 5),
)
def test_whatever_the_order_and_the_parts_it_is_the_mean_of_each_base(made, tmp_path_factory, windows, cuts, together):
    # None lies wholly before its chromosome.
    windows = [(name, max(start, -len(letters)), letters) for name, start, letters in windows]
    sums: dict = {}
    rows = []
    for number, (chromosome, start, letters) in enumerate(windows):
        row = [0.0 if letter == "N" else float(8 * number + place) for place, letter in enumerate(letters)]
        rows.append(row)
        for place, letter in enumerate(letters):
            if letter != "N" and start + place >= 0:
                sums.setdefault((chromosome, start + place), []).append(row[place])
    expected = [(name, at, at + 1, pytest.approx(np.mean(sums[name, at]), rel=1e-5)) for name, at in sorted(sums)]
    bounds = [0, *sorted(cut for cut in cuts if cut < len(windows)), len(windows)]
    with pytest.MonkeyPatch.context() as patched, BedGraph(tmp_path_factory.getbasetemp()) as writer:
        patched.setattr(genome, "_TOGETHER", together)
        for low, high in itertools.pairwise(bounds):
            some = windows[low:high]
            names = [f"{name}:{start}-{start + len(letters)}" for name, start, letters in some]
            writer.add([(made([letters for *_, letters in some], rows[low:high], names), ())])
        lines = b"".join(writer.pieces()).decode().splitlines()[1:]
    found = [line.split("\t") for line in lines]
    assert [(row[0], int(row[1]), int(row[2]), float(row[3])) for row in found] == expected
