from __future__ import annotations

import pytest

from tfbs_hub.attribution.files.tables import Bed, SeqletTable, Tsv
from tfbs_hub.errors import InputError

EVIL = "x\t\x1b[31m\n[bold]\u202e"


def rows_of(data):
    head, *rows = (line.split("\t") for line in data.decode().splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_tsv_has_a_line_for_each_base_and_hostile_names_break_nothing(file_of, made):
    whole = made(["AC", "N"], [[0.5, -1.25], [0]], [EVIL, "chr1:5-6"])
    table = rows_of(file_of(Tsv, [(whole, ())]))
    assert [row["base"] for row in table] == ["A", "C", "N"]
    assert [table[1][name] for name in ("position", "contribution", "C", "A")] == ["1", "-1.25", "-1.25", "0"]
    assert table[2]["chromosome"] == "chr1" and table[2]["coordinate"] == "5" and not table[0]["coordinate"]
    assert table[0]["id"].isprintable() and "[bold]" in table[0]["id"]


def test_seqlets_as_a_table_and_as_bed(file_of, placed, named):
    found = [(placed, [named(1, 1, 3, attribution=13), named(3, 0, 2, None, attribution=6.5)])]
    first, second = rows_of(file_of(SeqletTable, found))
    assert (first["chromosome"], first["chromosome_start"], first["chromosome_end"]) == ("chr2", "103", "105")
    assert (first["bases"], first["family"], first["strand"], second["name"]) == ("TT", "C4-GATA-related", "+", "")
    bed = [line.split("\t") for line in file_of(Bed, found).decode().splitlines()]
    assert bed == [["chr2", "103", "105", "Gata3", "1000", "+"], ["chr1", "7", "9", "?", "500", "."]]


def test_the_largest_attribution_is_that_of_all_parts(file_of, placed, named):
    parts = [[(placed, [named(row, 0, 2, attribution=value)])] for row, value in ((0, 0.1), (1, 0.4), (3, 1 / 3))]
    lines = file_of(Bed, *parts).decode().splitlines()
    assert [line.split("\t")[4] for line in lines] == ["250", "1000", "833"]


def test_bed_needs_coordinates(file_of, made, named):
    bare = made(["ACGT"], [[1] * 4])
    with pytest.raises(InputError, match="has no coordinates, which BED needs"):
        file_of(Bed, [(bare, [named(0, 0, 4)])])
    assert file_of(Bed, [(bare, ())]) == b""


def test_parts_follow_each_other(file_of, made, named):
    one, two = (made([letters], [[1.0, 2.0]], [letters]) for letters in ("AC", "GT"))
    for kind in (Tsv, SeqletTable):
        rows = rows_of(file_of(kind, [(one, [named(0, 0, 2)])], [(two, [named(0, 0, 2)])]))
        assert list(dict.fromkeys(row["id"] for row in rows)) == ["AC", "GT"]
