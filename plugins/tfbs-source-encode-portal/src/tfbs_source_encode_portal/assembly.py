"""Which assembly a genome is: windows cut from another one than the peaks refer to would be wrong without a sign."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.genome import Genome

__all__ = ["DEFAULT", "VARIABLE", "assembly_for"]

VARIABLE: Final = "TFBS_ENCODE_PORTAL_ASSEMBLY"
DEFAULT: Final = "GRCh38"
_FIRST_CHROMOSOME: Final = MappingProxyType(
    {248_956_422: "GRCh38", 249_250_621: "hg19", 195_154_279: "mm39", 195_471_971: "mm10", 197_195_432: "mm9"}
)
"""Length of chromosome 1 in base pairs, and the portal's name of the assembly (UCSC, chrom.sizes)."""


def assembly_for(genome: Path) -> str:
    """The assembly whose peaks fit a genome: TFBS_ENCODE_PORTAL_ASSEMBLY, what chromosome 1 tells, or GRCh38.

    Raises:
        NotFoundError, InputError, StorageError: the genome cannot be read.
        InputError: chromosome 1 belongs to another assembly than the environment asks for.
    """
    with Genome(genome) as chromosomes:
        lengths = chromosomes.lengths
        length = lengths.get("chr1", lengths.get("1", 0))
    known = _FIRST_CHROMOSOME.get(length)
    asked = os.environ.get(VARIABLE, "").strip()
    if asked and known and asked != known:
        raise InputError(
            f"by the length of its chromosome 1 this genome is {known}, but {VARIABLE} asks for peaks on {asked}",
            where=str(genome),
            hint=f"name the FASTA file of {asked} with --genome, or unset {VARIABLE}",
        )
    return asked or known or DEFAULT
