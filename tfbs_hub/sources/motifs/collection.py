"""All of JASPAR's matrices for vertebrates at once, to compare something with."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from functools import lru_cache

import numpy as np

from tfbs_hub.sources.motifs.motif import Motif

__all__ = ["jaspar_collection"]

# The newest version of each CORE profile of the vertebrates, and the families its chains belong to.
_PROFILES = """
    SELECT m.ID, m.BASE_ID, max(m.VERSION), m.NAME
    FROM MATRIX m JOIN MATRIX_ANNOTATION a ON a.ID = m.ID AND a.TAG = 'tax_group' AND a.VAL = 'vertebrates'
    WHERE m.COLLECTION = 'CORE' GROUP BY m.BASE_ID ORDER BY m.BASE_ID"""
_FAMILIES = "SELECT DISTINCT ID, VAL FROM MATRIX_ANNOTATION WHERE TAG = 'family' ORDER BY ID, VAL"
_COUNTS = "SELECT ID, row, CAST(col AS INTEGER), val FROM MATRIX_DATA"


@lru_cache(maxsize=1)
def jaspar_collection() -> tuple[tuple[Motif, str], ...]:
    """Every vertebrate CORE matrix of the newest release that pyjaspar carries, each with its family, by accession.

    The family is JASPAR's ("C4-GATA-related"; of a dimer all of them, joined by "::"), empty where nobody said.
    The matrices are read once a process (a quarter of a second).
    """
    import pyjaspar  # noqa: PLC0415 - loads Biopython, which nothing else needs

    database = pyjaspar.jaspardb()
    with closing(database.conn) as connection:
        profiles = connection.execute(_PROFILES).fetchall()
        wanted = {row[0] for row in profiles}
        families: dict[int, list[str]] = defaultdict(list)
        for number, family in connection.execute(_FAMILIES):
            families[number].append(family)
        counts: dict[int, list[tuple[str, int, float]]] = defaultdict(list)
        for number, row, column, value in connection.execute(_COUNTS):
            if number in wanted:
                counts[number].append((row, column, value))
    found = []
    for number, base, version, name in profiles:
        columns = max(column for _, column, _ in counts[number])
        matrix = np.zeros((4, columns))
        for row, column, value in counts[number]:
            matrix["ACGT".index(row), column - 1] = value
        motif = Motif.from_counts(f"{base}.{version}", name, matrix, source=database.release)
        found.append((motif, "::".join(families[number])))
    return tuple(found)
