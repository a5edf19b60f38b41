"""Telling a user that letters of theirs were not taken as they stand."""

from __future__ import annotations

from tfbs_hub.progress import Event, Report
from tfbs_hub.sequences.dataset import SequenceDataset

__all__ = ["report_ambiguous"]


def report_ambiguous(data: SequenceDataset, task: str, report: Report) -> None:
    """Report how many IUPAC letters of a data set were read as N, if any."""
    if data.ambiguous:
        report(Event(task, 0, 0, f"{data.ambiguous:,} IUPAC letters were read as N"))
