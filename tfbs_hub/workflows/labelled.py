"""The files of an evaluation as rows that are bound and rows that are not; torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.names import data_name
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.registry.storage import hash_file
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.overlap import KmerIndex
from tfbs_hub.sequences.readers import load
from tfbs_hub.workflows.ambiguous import report_ambiguous

__all__ = ["NEGATIVES", "LabelledSet", "read_labelled"]

NEGATIVES: Final = ("given", "other-tfs")
"""What an evaluation can hold against the bound rows of a file."""
SHARED_KMER: Final = 32
_HINT: Final = "a FASTA file labels negatives by ids that end in _shuf; a .seq.gz file has a column Bound"


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """Rows of both classes.

    Attributes:
        name: the file's stem.
        file: name, sha256 and rows of the file as it lies on disk.
        negatives: "given" or "other-tfs".
        data: the sequences.
        labels: int8 (n,), 1 bound and 0 not.
    """

    name: str
    file: Mapping[str, Any]
    negatives: str
    data: SequenceDataset
    labels: NDArray[np.int8]


def read_labelled(
    files: Sequence[str | Path],
    *,
    negatives: str = "given",
    genome: str | Path | None = None,
    window: int | None = None,
    report: Report = silent,
) -> list[LabelledSet]:
    """Files as labelled data sets, in their order, each named by its file's stem.

    Args:
        negatives: "given", the rows that a file labels as not bound; or "other-tfs", the bound rows of all other
            files, less those that share a 32-mer on either strand with a bound row of the file. A file without
            labels holds bound rows only, and will do for the second.
        genome: FASTA of the genome that BED files refer to.
        window: length of the windows cut around the summits of a BED file, in base pairs.

    Raises:
        UsageError: no files, two of one stem, unknown negatives, or a single file against others.
        InputError: a file cannot be read, or one of the two classes is missing.
        NotFoundError: no such file.
    """
    if negatives not in NEGATIVES:
        raise UsageError(f"unknown negatives {negatives!r}", hint=f"use one of {', '.join(NEGATIVES)}")
    if not files:
        raise UsageError("there is no file to evaluate on", hint="name labelled files")
    if negatives == "other-tfs" and len(files) < 2:
        raise UsageError(
            "with one file there are no other TFs' peaks to hold against its own",
            hint="name at least two files, each with the peaks of one TF",
        )
    named: dict[str, tuple[Path, SequenceDataset]] = {}
    for file in files:
        stem = data_name(file)
        if stem in named:
            raise UsageError(f"two files are called {stem}", where=str(file), hint="rename one of them")
        report(Event("reading", len(named), len(files), stem))
        data = load(file, genome=genome, window=window)
        report_ambiguous(data, f"reading {stem}", report)
        named[stem] = (Path(file), data)
    report(Event("reading", len(files), len(files)))
    sets = {name: data for name, (_, data) in named.items()}
    chosen = _against_each_other(sets) if negatives == "other-tfs" else sets
    return [
        LabelledSet(name, _facts(path, data), negatives, chosen[name], _both_classes(path, chosen[name]))
        for name, (path, data) in named.items()
    ]


def _facts(path: Path, data: SequenceDataset) -> dict[str, Any]:
    return {"name": path.name, "sha256": hash_file(path)[0], "rows": len(data)}


def _both_classes(path: Path, data: SequenceDataset) -> NDArray[np.int8]:
    if data.labels is None:
        raise InputError("these sequences carry no labels", where=str(path), hint=_HINT)
    if len(np.unique(data.labels)) < 2:
        raise InputError(
            "an AUROC needs bound and unbound sequences; here is one kind only", where=str(path), hint=_HINT
        )
    return data.labels


def _against_each_other(sets: Mapping[str, SequenceDataset]) -> dict[str, SequenceDataset]:
    """The bound rows of each, labelled 1, then those of all others that share no 32-mer with them, labelled 0."""
    bound = {name: data.positives() for name, data in sets.items()}
    first = next(iter(bound))
    for name, data in bound.items():
        if not len(data):
            raise InputError("no row of this file is bound", where=name, hint=_HINT)
        if data.length != bound[first].length:
            raise InputError(
                f"peaks of {data.length} bp cannot be held against the {bound[first].length} bp of {first}",
                where=name,
                hint="cut all files to one length",
            )
    return {name: _against(name, data, bound) for name, data in bound.items()}


def _against(name: str, own: SequenceDataset, bound: Mapping[str, SequenceDataset]) -> SequenceDataset:
    index = KmerIndex(own.codes, SHARED_KMER)
    kept = [other.rows(~index.shares(other.codes)) for key, other in bound.items() if key != name]
    others = sum(map(len, kept))
    if not others:
        raise InputError(
            f"every bound row of the other files shares {SHARED_KMER} bases with a bound row of this one", where=name
        )
    return replace(
        own,
        codes=np.concatenate([own.codes, *(part.codes for part in kept)]),
        labels=np.repeat(np.array([1, 0], np.int8), [len(own), others]),
        ids=[*own.ids, *(each for part in kept for each in part.ids)],
        _digest=[],
    )
