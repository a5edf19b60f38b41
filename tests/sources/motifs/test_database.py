from __future__ import annotations

import sys

import numpy as np
import pytest

from tfbs_hub.errors import NotFoundError
from tfbs_hub.sources.motifs import jaspar_motif


@pytest.mark.parametrize(
    ("tf", "matrix", "species"),
    [
        ("MYC", "MA0147", "Homo sapiens"),
        ("GATA3", "MA0037", "Homo sapiens"),
        ("STAT3", "MA0144", "Homo sapiens"),
        ("FOXM1", "MA2469", "Homo sapiens"),
        ("CTCF", "MA0139", "Homo sapiens"),
        ("SP1", "MA0079", "Homo sapiens"),
        ("ARID3A", "MA0151", "Mus musculus"),
    ],
)
def test_matrices_of_known_factors(tf, matrix, species):
    motif = jaspar_motif(tf)
    assert motif.id.partition(".")[0] == matrix
    assert motif.name.upper() == tf
    assert motif.species == species
    assert motif.source.startswith("JASPAR20")
    assert motif.information().max() > 1
    assert motif.sites > 0


def test_human_comes_before_a_higher_version_of_the_mouse():
    assert int(jaspar_motif("MA0037").id.partition(".")[2]) > int(jaspar_motif("GATA3").id.partition(".")[2])


def test_upper_and_lower_case_are_the_same():
    assert jaspar_motif("gata3").id == jaspar_motif("GATA3").id


def test_a_dimer_only_where_there_is_nothing_else():
    assert jaspar_motif("MAX").name == "MAX"
    assert jaspar_motif("MAX::MYC").id.startswith("MA0059")
    assert "::" in jaspar_motif("RXRA::VDR").name


def test_a_matrix_id_picks_that_matrix():
    motif = jaspar_motif("ma0531.1")
    assert (motif.id, motif.name, motif.species) == ("MA0531.1", "CTCF", "Drosophila melanogaster")


def test_a_well_known_site():
    best = "".join("ACGT"[base] for base in jaspar_motif("GATA3").probabilities.argmax(axis=0))
    assert "GATA" in best or "TATC" in best


@pytest.mark.parametrize("tf", ["POLR2A", "MA9999", "MA0037.99", "", "GATA'; drop table MATRIX; --"])
def test_unknown_factors(tf):
    with pytest.raises(NotFoundError, match="has no matrix") as caught:
        jaspar_motif(tf)
    assert "matrix id" in caught.value.hint


def test_a_misspelt_factor_gets_near_names():
    with pytest.raises(NotFoundError) as caught:
        jaspar_motif("GATTA3")
    assert "GATA3" in caught.value.hint


def test_the_database_is_loaded_only_when_asked():
    import subprocess

    code = "import sys, tfbs_hub.sources.motifs; print('pyjaspar' in sys.modules, 'Bio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_matrix_is_that_of_the_database():
    from pyjaspar import jaspardb

    database = jaspardb()
    try:
        record = database.fetch_motif_by_id("MA0144.3")
    finally:
        database.conn.close()
    counts = np.array([record.counts[base] for base in "ACGT"])
    np.testing.assert_allclose(jaspar_motif("MA0144.3").probabilities, counts / counts.sum(axis=0))
