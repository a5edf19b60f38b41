"""The source `files`: sequences from the user's own files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.progress import tracked
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.readers import load
from tfbs_hub.sources.options import SourceOptions

__all__ = ["fetch", "fetch_test"]


def fetch(tf: str, options: SourceOptions) -> SequenceDataset:
    """Read `options.data` and put the rows of all files after one another, in the order given.

    Args:
        tf: the transcription factor; any name, because the files say nothing about it.
        options: `data`, `genome` and `window` count.

    Raises:
        UsageError: no file was given.
        InputError: a file cannot be read, or the files differ in length of sequence or in being labelled.
    """
    if not options.data:
        raise UsageError(f"no sequences were given for {tf}", hint="name a file with --data FILE")
    paths = tracked(options.data, f"reading the sequences of {tf}", options.report, len(options.data))
    parts = [load(path, genome=options.genome, window=options.window) for path in paths]
    return _joined(options.data, parts)


def fetch_test(tf: str, options: SourceOptions) -> SequenceDataset | None:
    """Read the separate test file; None where `options.test` names none."""
    if options.test is None:
        return None
    return load(options.test, genome=options.genome, window=options.window)


def _joined(paths: tuple[Path, ...], parts: list[SequenceDataset]) -> SequenceDataset:
    first = parts[0]
    for path, part in zip(paths[1:], parts[1:], strict=True):
        if part.length != first.length:
            raise InputError(
                f"its sequences have {part.length} bp, those of {paths[0]} have {first.length}",
                where=str(path),
                hint="give files with sequences of one length, or train one expert for each length",
            )
        if (part.labels is None) != (first.labels is None):
            bare, labelled = (path, paths[0]) if part.labels is None else (paths[0], path)
            raise InputError(
                f"it says nothing about which rows are bound, but {labelled} does",
                where=str(bare),
                hint="label all files or none: without labels every row counts as bound",
            )
    if len(parts) == 1:
        return first
    known = [part.labels for part in parts if part.labels is not None]
    return replace(
        first,
        codes=np.concatenate([part.codes for part in parts]),
        labels=np.concatenate(known) if known else None,
        ids=[name for part in parts for name in part.ids],
        files=tuple(file for part in parts for file in part.files),
        ambiguous=sum(part.ambiguous for part in parts),
        note="; ".join(dict.fromkeys(part.note for part in parts if part.note)),
        _digest=[],
    )
