from __future__ import annotations

import io

import h5py
import numpy as np
import pybigtools
import pytest

from tfbs_hub.attribution import formats
from tfbs_hub.errors import InputError, UsageError

EVIL = "x\t\x1b[31m\n[bold]\u202e"


@pytest.fixture
def placed(made):
    """Two windows that share two bases, one that hangs over its chromosome's start, and one on another chromosome."""
    return made(
        ["ACGT", "GTTA", "NNCA", "AA"],
        [[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 9, 10], [11, 12]],
        ["chr2:100-104", "chr2:102-106", "chr10:-2-2", "chr1:7-9"],
    )


EXPECTED = [
    ("chr1", 7, 8, 11), ("chr1", 8, 9, 12),
    ("chr10", 0, 1, 9), ("chr10", 1, 2, 10),
    ("chr2", 100, 101, 1), ("chr2", 101, 102, 2), ("chr2", 102, 103, 4), ("chr2", 103, 104, 5),
    ("chr2", 104, 105, 7), ("chr2", 105, 106, 8),
]  # fmt: skip


def test_bedgraph_is_zero_based_half_open_sorted_and_averages_overlaps(placed):
    head, *lines = "".join(formats.bedgraph([(placed, ())])).splitlines()
    assert head == 'track type=bedGraph name="moe shiftsmooth"'
    rows = [line.split("\t") for line in lines]
    assert [(row[0], int(row[1]), int(row[2]), float(row[3])) for row in rows] == EXPECTED


def test_bigwig_is_read_back(placed, tmp_path):
    path = tmp_path / "a.bw"
    path.write_bytes(formats.bigwig([(placed, ())], {"chr2": 1000, "chr1": 50, "chr10": 60, "chr9": 5}))
    with pybigtools.open(str(path)) as file:
        assert file.chroms() == {"chr1": 50, "chr10": 60, "chr2": 1000}
        found = [(name, *record) for name in sorted(file.chroms()) for record in file.records(name)]
    assert found == EXPECTED


def test_a_bigwig_without_a_genome_ends_with_the_last_base(placed, tmp_path):
    path = tmp_path / "a.bw"
    path.write_bytes(formats.bigwig([(placed, ())]))
    with pybigtools.open(str(path)) as file:
        assert file.chroms() == {"chr1": 9, "chr10": 2, "chr2": 106}


@pytest.mark.parametrize("write", [lambda found: list(formats.bedgraph(found)), formats.bigwig])
def test_tracks_need_coordinates_and_there_can_be_one_only(made, placed, write):
    with pytest.raises(InputError, match="seq1 has no coordinates"):
        write([(made(["ACGT"], [[1, 2, 3, 4]]), ())])
    with pytest.raises(UsageError, match="holds one track, and here are 2"):
        write([(placed, ()), (placed, ())])
    with pytest.raises(InputError, match="no sequence"):
        write([])


def test_a_bigwig_of_nothing_known(made):
    with pytest.raises(InputError, match="no base of these sequences is known"):
        formats.bigwig([(made(["NN"], [[0, 0]], ["chr1:5-7"]), ())])


def test_tsv_has_a_line_for_each_base_and_hostile_names_break_nothing(made):
    whole = made(["AC", "N"], [[0.5, -1.25], [0]], [EVIL, "chr1:5-6"])
    head, *rows = (line.split("\t") for line in "".join(formats.tsv([(whole, ())])).splitlines())
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["base"] for row in table] == ["A", "C", "N"]
    assert (table[1]["position"], table[1]["contribution"], table[1]["C"], table[1]["A"]) == (
        "1",
        "-1.25",
        "-1.25",
        "0",
    )
    assert table[2]["chromosome"] == "chr1" and table[2]["coordinate"] == "5" and not table[0]["coordinate"]
    assert table[0]["id"].isprintable() and "[bold]" in table[0]["id"]


def test_npz_gives_the_arrays_back(made):
    whole, other = (made(["ACG", "T"], [[1, 2, 3], [4]], method=name) for name in ("shiftsmooth", "gradient"))
    with np.load(io.BytesIO(formats.npz([(whole, ())])), allow_pickle=False) as stored:
        assert stored["actual"].tolist() == [[1, 2, 3], [4, 0, 0]] and stored["hypothetical"].shape == (2, 4, 3)
        assert stored["ids"].tolist() == ["seq1", "seq2"]
    with np.load(io.BytesIO(formats.npz([(whole, ()), (other, ())])), allow_pickle=False) as stored:
        assert "moe/gradient/actual" in stored and "moe/shiftsmooth/logit" in stored and "actual" not in stored


def test_hdf5_describes_itself_and_holds_everything(placed, made, named):
    other = made(["ACGT", "GTTA", "NNCA", "AA"], [[0] * 4, [0] * 4, [0] * 4, [0] * 2], placed.ids, model="GATA3")
    data = formats.hdf5([(placed, [named(1, 0, 4), named(0, 1, 3, None)]), (other, ())], "in.fa")
    assert data == formats.hdf5([(placed, [named(1, 0, 4), named(0, 1, 3, None)]), (other, ())], "in.fa")
    with h5py.File(io.BytesIO(data)) as file:
        assert (file.attrs["format"], file.attrs["format_version"]) == ("tfbs-hub-attribution", 1)
        assert file["sequences/ids"].asstr()[:].tolist() == list(placed.ids)
        offsets = file["sequences/offsets"][:]
        assert file["explanations/0/actual"][offsets[1] : offsets[2]].tolist() == [5, 6, 7, 8]
        assert file["explanations/0/hypothetical"].shape == (14, 4)
        assert file["explanations/0/hypothetical"].fletcher32
        assert file["explanations/1"].attrs["model"] == "GATA3"
        assert file["sequences/chromosome"].asstr()[2] == "chr10" and file["sequences/start"][2] == -2
        table = file["explanations/0/seqlets"]
        assert table["sequence"][:].tolist() == [1, 0] and table["name"].asstr()[:].tolist() == ["Gata3", ""]
        assert np.isnan(table["match_p_value"][1])
        assert len(file["explanations/1/seqlets/start"]) == 0


def test_hdf5_takes_hostile_names(made):
    with h5py.File(io.BytesIO(formats.hdf5([(made(["A"], [[1]], [EVIL + "\0"]), ())]))) as file:
        assert file["sequences/ids"].asstr()[0] == EVIL + "\ufffd"
        assert "chromosome" not in file["sequences"]


def test_seqlets_as_a_table_and_as_bed(placed, named):
    found = [(placed, [named(1, 1, 3, attribution=13), named(3, 0, 2, None, attribution=6.5)])]
    head, *rows = (line.split("\t") for line in "".join(formats.seqlet_table(found, bed=False)).splitlines())
    first, second = (dict(zip(head, row, strict=True)) for row in rows)
    assert (first["chromosome"], first["chromosome_start"], first["chromosome_end"]) == ("chr2", "103", "105")
    assert (first["bases"], first["family"], first["strand"], second["name"]) == ("TT", "C4-GATA-related", "+", "")
    bed = [line.split("\t") for line in "".join(formats.seqlet_table(found, bed=True)).splitlines()]
    assert bed == [["chr2", "103", "105", "Gata3", "1000", "+"], ["chr1", "7", "9", "?", "500", "."]]


def test_bed_needs_coordinates(made, named):
    with pytest.raises(InputError, match="has no coordinates, which BED needs"):
        list(formats.seqlet_table([(made(["ACGT"], [[1] * 4]), [named(0, 0, 4)])], bed=True))
    assert list(formats.seqlet_table([(made(["ACGT"], [[1] * 4]), ())], bed=True)) == []
