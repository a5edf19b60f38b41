"""Evaluations in HDF5: what a run found, so that every table, figure and report can be drawn again from it alone.

    /                                attributes: format = "tfbs-hub-evaluation", format_version = 1; run (text),
                                     seed, trials (int64), command (JSON list), versions (JSON object), and the
                                     names of the data sets and of the models in the order that was asked for,
                                     datasets and models (JSON lists)
    /models/<model>                  uint8 (bytes,): the model's card in JSON
    /datasets/<name>                 attributes: name, negatives (text), file (JSON: name, sha256, rows)
        labels                       int8 (n,), 1 for bound
        sequence_digest              uint8 (64,): sha256 of the sequences, in hexadecimal
        resample_seeds               uint64 (trials,)
        measures                     a row a model: model, and auroc, auroc_low, auroc_high, likewise auprc, brier and
                                     ece, and ece_floor
        alpha                        a row a mixture and expert: model, expert, alpha
        anova                        one row: F, p, eta2, omega2, df_between, df_within; absent for a single model
        tukey                        a row a pair: a, b, difference, low, high, p; absent where it was not computed
        delong                       a row a pair: a, b, difference, low, high, z, p, p_holm
        paired_difference            a row a pair: a, b, difference, low, high, p, p_holm
        models/<model>/scores            float64 (n,), logits
        models/<model>/bootstrap_auroc   float64 (trials,)
        models/<model>/roc_fpr, roc_tpr  float64 (points,)

Tables are arrays with named columns, their rows in the order of the models; text is UTF-8. In paths, names are
written as in a URL where HDF5 could not hold them (%2F for a slash); the attribute `name` has the true one.

All arrays carry fletcher32 checksums and are written in version 1.10 of the HDF5 format, which checksums all else. The
same run gives the same bytes. A file is foreign to whoever reads it: see `sequences.foreign_hdf5`.

A single data set of a run that is under way is kept alike, with format = "tfbs-hub-evaluation-dataset".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError, NotFoundError, UsageError
from tfbs_hub.evaluation.results import DatasetResult, EvaluationRun
from tfbs_hub.evaluation.stored import ARRAYS, run_of, single_of
from tfbs_hub.evaluation.tables import (
    ALPHA,
    ANOVA,
    DELONG,
    MEASURES,
    PAIRED,
    TUKEY,
    alpha_rows,
    anova_rows,
    encoded,
    key_of,
    measure_rows,
    pair_rows,
    table,
)
from tfbs_hub.limits import MAX_EVALUATION_BYTES, MAX_EVALUATION_DEPTH, MAX_EVALUATION_OBJECTS
from tfbs_hub.registry.storage import read_capped
from tfbs_hub.sequences.foreign_hdf5 import read_foreign
from tfbs_hub.sequences.hdf5_tree import Limits, Read, Tree
from tfbs_hub.sequences.safe_hdf5 import build, read_tree, write_array

__all__ = [
    "DATASET_FORMAT",
    "FORMAT",
    "FORMAT_VERSION",
    "dataset_to_bytes",
    "read_dataset",
    "read_run",
    "to_bytes",
]

FORMAT: Final = "tfbs-hub-evaluation"
DATASET_FORMAT: Final = "tfbs-hub-evaluation-dataset"
FORMAT_VERSION: Final = 1

# Version 1.10 of the HDF5 format, whichever library writes it: older ones have no checksums on their structure.
_LIBVER: Final = ("v110", "v110")
# The file's own limit is that of the registry; unpacked, scores take half as much again.
_LIMITS: Final = Limits(2 * MAX_EVALUATION_BYTES, MAX_EVALUATION_OBJECTS, MAX_EVALUATION_DEPTH, records=True)


def to_bytes(run: EvaluationRun) -> bytes:
    """The bytes of a run's file.

    Raises:
        InputError: two data sets or models share a name, a name is empty or holds a zero byte, the seed is beyond
            64 bits, or the card of a model, a file or the command is more than plain values.
        UsageError: the file would be larger than a registry takes.
    """

    def fill(file: h5py.File) -> None:
        file.attrs["run"] = np.bytes_(encoded(run.run))
        file.attrs["seed"] = _int64(run.seed, "seed")
        file.attrs["trials"] = _int64(run.trials, "number of resamples")
        file.attrs["command"] = np.bytes_(_json(run.command, "the command"))
        file.attrs["versions"] = np.bytes_(_json(run.versions, "the versions"))
        file.attrs["models"] = np.bytes_(_json(list(run.models), "the models"))
        for name, card in run.models.items():
            write_array(file, f"models/{key_of(name)}", np.frombuffer(_json(card, f"the card of {name}"), np.uint8))
        _write_datasets(file, run.datasets)

    return _built(FORMAT, fill)


def dataset_to_bytes(result: DatasetResult) -> bytes:
    """The bytes of a file with one data set; errors as of `to_bytes`."""
    return _built(DATASET_FORMAT, lambda file: _write_datasets(file, [result]))


def read_run(path: Path, *, read: Read = read_foreign) -> EvaluationRun:
    """Read what `to_bytes` made, to the last bit.

    Args:
        path: the file.
        read: reads its bytes; for many files, that of one `ForeignReader` is quicker.

    Raises:
        NotFoundError: no such file.
        InputError: not a file of this format, or of a later version of it.
        IntegrityError: damaged, too large, or made to do harm.
        StorageError: it cannot be read.
    """
    return run_of(_tree(path, FORMAT, read), str(path))


def read_dataset(path: Path) -> DatasetResult:
    """Read what `dataset_to_bytes` made, to the last bit; errors as of `read_run`.

    It is read in this process: whoever calls has checked that the file is as we wrote it.
    """
    return single_of(_tree(path, DATASET_FORMAT, read_tree), str(path))


def _tree(path: Path, kind: str, read: Read) -> Tree:
    try:
        data = read_capped(path, MAX_EVALUATION_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError(
            "no such file", where=str(path), hint="`tfbs-hub evaluations` lists what there is"
        ) from error
    return read(data, kind, FORMAT_VERSION, _LIMITS, where=str(path))


def _built(kind: str, fill: Callable[[h5py.File], None]) -> bytes:
    data = build(kind, FORMAT_VERSION, fill, libver=_LIBVER)
    if len(data) > MAX_EVALUATION_BYTES:
        raise UsageError(
            f"this evaluation takes {len(data):,} bytes, and no more than {MAX_EVALUATION_BYTES:,} can be read back",
            hint="evaluate fewer files, or fewer models, at a time",
        )
    return data


def _write_datasets(file: h5py.File, results: Sequence[DatasetResult]) -> None:
    names = [result.name for result in results]
    _check_unique("data sets", names)
    file.attrs["datasets"] = np.bytes_(_json(names, "the data sets"))
    for result in results:
        _check_unique(f"models on {result.name}", [model.name for model in result.models])
        group = file.create_group(f"datasets/{key_of(result.name)}")
        group.attrs["name"] = np.bytes_(encoded(result.name))
        group.attrs["negatives"] = np.bytes_(encoded(result.negatives))
        group.attrs["file"] = np.bytes_(_json(result.file, f"the file of {result.name}"))
        write_array(group, "labels", result.labels.astype("<i1"))
        write_array(group, "sequence_digest", np.frombuffer(result.sequence_digest.encode(), np.uint8))
        write_array(group, "resample_seeds", result.resample_seeds.astype("<u8"))
        for name, rows in _tables(result).items():
            write_array(group, name, rows)
        for model in result.models:
            inner = group.create_group(f"models/{key_of(model.name)}")
            inner.attrs["name"] = np.bytes_(encoded(model.name))
            for name in ARRAYS:
                write_array(inner, name, getattr(model, name).astype("<f8"))


def _tables(result: DatasetResult) -> dict[str, NDArray[Any]]:
    tables = {
        "measures": table(MEASURES, measure_rows(result.models)),
        "alpha": table(ALPHA, alpha_rows(result.models)),
        "delong": table(DELONG, pair_rows(DELONG, result.delong)),
        "paired_difference": table(PAIRED, pair_rows(PAIRED, result.paired)),
    }
    if result.anova is not None:
        tables["anova"] = table(ANOVA, anova_rows(result.anova))
    if result.tukey is not None:
        tables["tukey"] = table(TUKEY, pair_rows(TUKEY, result.tukey))
    return tables


def _check_unique(what: str, names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"two {what} are called {twice[0]}")


def _int64(value: int, what: str) -> np.int64:
    if not -(1 << 63) <= value < 1 << 63:
        raise InputError(f"the {what} {value} is beyond 64 bits")
    return np.int64(value)


def _json(value: Any, what: str) -> bytes:
    try:
        return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} cannot be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    """Mappings that are no dictionaries."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a plain value")
