"""What every source is told; each reads what concerns it and ignores the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfbs_hub.progress import Report, silent

__all__ = ["SourceOptions"]


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """The choices that a user can make about training sequences.

    Attributes:
        data: the user's own files (`files` only).
        genome: FASTA of the genome that BED and narrowPeak files refer to.
        window: length of the sequences in base pairs; None lets the source choose.
        cell: cell line, where a factor was measured in several (`encode`).
        file: name of the experiment's file, where the cell line does not settle it (`encode`).
        test: a file of rows to test on; it takes the place of the source's own test rows.
        seed: the seed from which every random choice follows.
        positives: sequences to simulate (`jaspar`); None lets the source choose.
        report: hears of progress.
        offline: True forbids every use of the network.
    """

    data: tuple[Path, ...] = ()
    genome: Path | None = None
    window: int | None = None
    cell: str | None = None
    file: str | None = None
    test: Path | None = None
    seed: int = 0
    positives: int | None = None
    report: Report = silent
    offline: bool = False
