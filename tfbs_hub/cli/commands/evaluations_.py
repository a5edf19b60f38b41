"""tfbs-hub evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tfbs_hub.cli.options import json_option, with_hub
from tfbs_hub.cli.output import print_json, print_table
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.hub import Hub

if TYPE_CHECKING:
    from tfbs_hub.sequences.foreign_hdf5 import ForeignReader

__all__ = ["command"]

_NAME: Final = 28
"""Letters of a data set's name that are shown."""
_COLUMNS = ("run", "when", "data sets", "models", "resamples", "negatives", "size")


@click.command("evaluations")
@json_option
@with_hub
def command(hub: Hub, as_json: bool) -> None:
    """List past evaluations, newest last; tfbs-hub evaluate --from RUN shows one again."""
    rows = sorted(_rows(hub.registry.evaluations()), key=lambda row: (row["when"], row["run"]))
    if as_json:
        print_json({"evaluations": rows})
        return
    if not rows:
        click.echo("no evaluation yet: tfbs-hub evaluate FILE…")
        return
    shown = [
        (
            row["run"],
            row["when"][:16].replace("T", " "),
            row["damaged"] or _first(row["datasets"]),
            ", ".join(row["models"]),
            f"{row['trials']:,}" if row["trials"] else "",
            row["negatives"],
            f"{row['bytes'] / 1024:,.0f} KiB",
        )
        for row in rows
    ]
    spare = ("negatives", "size", "resamples", "models", "when")
    print_table("", _COLUMNS, shown, right=("resamples", "size"), spare=spare)


def _first(names: list[str]) -> str:
    first = names[0] if len(names[0]) <= _NAME else f"{names[0][: _NAME - 1]}…"
    return first if len(names) == 1 else f"{first} and {len(names) - 1} more"


def _rows(paths: list[Path]) -> Iterator[dict[str, Any]]:
    from tfbs_hub.sequences.foreign_hdf5 import ForeignReader  # noqa: PLC0415 - numpy

    # One process reads them all.
    with ForeignReader() as reader:
        for path in paths:
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # removed meanwhile
            when = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds")
            yield {"run": path.stem, "when": when, "bytes": status.st_size, **_facts(path, reader)}


def _facts(path: Path, reader: ForeignReader) -> dict[str, Any]:
    from tfbs_hub.evaluation.store import read_run  # noqa: PLC0415 - h5py

    try:
        run = read_run(path, read=reader.read)
    except TfbsHubError as error:
        nothing: dict[str, Any] = {"datasets": [], "models": [], "trials": None, "seed": None, "negatives": ""}
        return {**nothing, "damaged": error.what if error.what.startswith("damaged") else f"damaged: {error.what}"}
    return {
        "datasets": [dataset.name for dataset in run.datasets],
        "models": list(run.models),
        "trials": run.trials,
        "seed": run.seed,
        "negatives": ", ".join(dict.fromkeys(dataset.negatives for dataset in run.datasets)),
        "damaged": None,
    }
