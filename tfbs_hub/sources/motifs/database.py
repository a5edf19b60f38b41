"""Matrices from the JASPAR database that pyjaspar carries: no network is needed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches

from tfbs_hub.errors import NotFoundError
from tfbs_hub.sources.motifs.motif import Motif

__all__ = ["jaspar_family", "jaspar_motif"]

_HUMAN = "9606"
_MATRIX_ID = re.compile(r"MA\d{4}(\.\d+)?", re.IGNORECASE)
# pyjaspar's own search by name is case-sensitive, puts the name into the SQL text and warns on a miss.
_VERTEBRATE = """
    SELECT BASE_ID, VERSION, NAME, ID IN (SELECT ID FROM MATRIX_SPECIES WHERE TAX_ID = ?)
    FROM MATRIX
    WHERE COLLECTION = 'CORE'
      AND ID IN (SELECT ID FROM MATRIX_ANNOTATION WHERE TAG = 'tax_group' AND VAL = 'vertebrates')"""
_BY_ID = "SELECT BASE_ID, VERSION, NAME, 0 FROM MATRIX WHERE COLLECTION = 'CORE' AND BASE_ID = ?"
_FAMILY = """
    SELECT a.VAL FROM MATRIX m JOIN MATRIX_ANNOTATION a ON a.ID = m.ID
    WHERE m.BASE_ID = ? AND m.VERSION = ? AND a.TAG = 'family' ORDER BY a.VAL"""
_SPECIES = """
    SELECT t.SPECIES
    FROM MATRIX m JOIN MATRIX_SPECIES s ON s.ID = m.ID JOIN TAX t ON t.TAX_ID = s.TAX_ID
    WHERE m.BASE_ID = ? AND m.VERSION = ?
    ORDER BY s.TAX_ID != ?, s.TAX_ID"""


@dataclass(frozen=True)
class _Profile:
    base: str
    version: int
    name: str
    human: bool

    @property
    def id(self) -> str:
        return f"{self.base}.{self.version}"


def jaspar_motif(tf: str) -> Motif:
    """JASPAR's matrix for a transcription factor, from the newest release that pyjaspar carries.

    Among the CORE profiles of vertebrates that bear the name (in upper or lower case), human ones come first, then
    those of other vertebrates, then dimers that the factor is a part of (`MAX::MYC`); among several the one with the
    lowest accession, in its highest version. A matrix id (`MA0037` or `MA0037.3`) picks that matrix, whatever its
    species.

    Raises:
        NotFoundError: JASPAR has no such matrix; the hint holds names that are spelled alike.
    """
    import pyjaspar  # noqa: PLC0415 - loads Biopython, which nothing else needs

    database = pyjaspar.jaspardb()
    with closing(database.conn) as connection:
        chosen = _chosen(tf, connection, database.release)
        record = database.fetch_motif_by_id(chosen.id)
        species = [row[0] for row in connection.execute(_SPECIES, (chosen.base, chosen.version, _HUMAN))]
    return Motif.from_counts(
        chosen.id,
        chosen.name,
        [record.counts[base] for base in "ACGT"],
        species=species[0] if species else "",
        source=database.release,
    )


def jaspar_family(tf: str) -> str:
    """The factor's structural family as JASPAR names it ("ETS-related"); empty where JASPAR has no such factor."""
    import pyjaspar  # noqa: PLC0415 - loads Biopython, which nothing else needs

    database = pyjaspar.jaspardb()
    with closing(database.conn) as connection:
        try:
            chosen = _chosen(tf, connection, database.release)
        except NotFoundError:
            return ""
        row = connection.execute(_FAMILY, (chosen.base, chosen.version)).fetchone()
    return str(row[0]) if row else ""


def _chosen(tf: str, connection: sqlite3.Connection, release: str) -> _Profile:
    if _MATRIX_ID.fullmatch(tf):
        base, _, version = tf.upper().partition(".")
        profiles = _profiles(connection.execute(_BY_ID, (base,)))
        fitting = [profile for profile in profiles if not version or profile.version == int(version)]
    else:
        profiles = _profiles(connection.execute(_VERTEBRATE, (_HUMAN,)))
        fitting = [profile for profile in profiles if tf.upper() in _parts(profile.name)]
    if not fitting:
        raise NotFoundError(
            f"{release} has no matrix for {tf!r}", hint=_advice(tf, {profile.name.upper() for profile in profiles})
        )
    return min(fitting, key=lambda profile: ("::" in profile.name, not profile.human, profile.base, -profile.version))


def _parts(name: str) -> set[str]:
    return {name.upper(), *name.upper().split("::")}


def _profiles(rows: Iterable[tuple[str, int, str, int]]) -> list[_Profile]:
    return [_Profile(base, int(version), name, bool(human)) for base, version, name, human in rows]


def _advice(tf: str, names: set[str]) -> str:
    near = get_close_matches(tf.upper(), sorted(names), n=4, cutoff=0.6)
    meant = f"did you mean {', '.join(near)}? Otherwise " if near else ""
    return f"{meant}give a matrix id (MA0037), which may be of any species, or a matrix of your own as a file"
