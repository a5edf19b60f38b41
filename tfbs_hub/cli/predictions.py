"""Predictions as text, written as they come, so that memory does not grow with their number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from tfbs_hub.cli.text import plain

if TYPE_CHECKING:
    from tfbs_hub.workflows.predict import Prediction

__all__ = ["JsonWriter", "TableWriter"]


class TableWriter:
    """Predictions as tab-separated rows under one header."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._begun = False

    def write(self, part: Prediction) -> None:
        """Write some rows."""
        if not self._begun:
            head = ["id", *(["start"] if part.start is not None else []), "logit", "probability"]
            head += [f"alpha_{name}" for name in part.experts] + [f"contribution_{name}" for name in part.experts]
            self._file.write("\t".join(head) + "\n")
            self._begun = True
        for row, name in enumerate(part.ids):
            start = [] if part.start is None else [str(part.start[row])]
            values = [part.logit[row], part.probability[row]]
            if part.alpha is not None and part.contribution is not None:
                values += [*part.alpha[row], *part.contribution[row]]
            self._file.write("\t".join([_cell(name), *start, *(f"{value:.6g}" for value in values)]) + "\n")

    def close(self) -> None:
        """Nothing follows the rows."""


class JsonWriter:
    """The report of `predict --json`, written as it grows."""

    def __init__(self, file: IO[str], model: str, bias: float | None) -> None:
        self._file = file
        self._first = True
        head = json.dumps({"schema_version": 1, "model": model, "bias": bias})
        self._file.write(head.removesuffix("}") + ', "sequences": [')

    def write(self, part: Prediction) -> None:
        """Write some rows."""
        for row in _records(part):
            self._file.write(("\n  " if self._first else ",\n  ") + json.dumps(row))
            self._first = False

    def close(self) -> None:
        """Write what ends the report."""
        self._file.write("\n]}\n")


def _cell(name: str) -> str:
    """A name that can break neither the table nor the terminal it is shown on."""
    return name if name.isprintable() else plain(name).replace("\n", "\ufffd")


def _records(part: Prediction) -> Iterator[dict[str, Any]]:
    for row, name in enumerate(part.ids):
        record: dict[str, Any] = {"id": name}
        if part.start is not None:
            record["start"] = int(part.start[row])
        record["logit"] = float(part.logit[row])
        record["probability"] = float(part.probability[row])
        if part.alpha is not None and part.contribution is not None:
            record["alpha"] = dict(zip(part.experts, map(float, part.alpha[row]), strict=True))
            record["contribution"] = dict(zip(part.experts, map(float, part.contribution[row]), strict=True))
        yield record
