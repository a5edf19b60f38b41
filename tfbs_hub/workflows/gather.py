"""Getting hold of the gate sets of experts: read, rebuild, or simulate them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_hub.gate.gate_sets import GateSet, build, from_dataset, no_gate_set, read_stored, rebuild
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.names import data_name
from tfbs_hub.progress import Report, silent, tracked
from tfbs_hub.sequences.readers import load
from tfbs_hub.sources.encode import locate_file
from tfbs_hub.sources.motifs import jaspar_motif
from tfbs_hub.sources.options import SourceOptions
from tfbs_hub.workflows.ambiguous import report_ambiguous
from tfbs_hub.workflows.simulate import simulated as simulate

__all__ = ["gather"]


def gather(
    specs: Sequence[ExpertSpec],
    data: Sequence[Path],
    *,
    simulated: bool = False,
    offline: bool = False,
    seed: int = 0,
    report: Report = silent,
) -> list[GateSet]:
    """The gate sets of experts, then those of the user's files.

    Args:
        specs: experts, each with a stored, referenced or missing gate set.
        data: further files, named by their stems; they stand in for sets that experts came without.
        simulated: simulate from JASPAR what is not on this machine; the network is not asked then.
        offline: never ask the network.

    Raises:
        NotFoundError: sets that cannot be had, all of them listed.
        UsageError: two sets would have one name.
    """
    found: list[GateSet] = []
    missing: list[tuple[ExpertSpec, NotFoundError]] = []
    for spec in tracked(specs, "collecting gate sets", report, len(specs)):
        if data and spec.card.gate_set.kind == "none":
            continue
        try:
            found.append(_one(spec, offline=simulated or offline, report=report))
        except NotFoundError as error:
            if simulated:
                found.append(_simulated(spec, seed, report))
            else:
                missing.append((spec, error))
    if missing:
        raise _all_missing(missing)
    names = {gate_set.name for gate_set in found}
    for path in data:
        name = data_name(path)
        if name in names:
            raise UsageError(f"two gate sets would be called {name}", where=str(path), hint="rename the file")
        names.add(name)
        data_set = load(path)
        report_ambiguous(data_set, f"reading {path.name}", report)
        found.append(from_dataset(name, data_set, seed))
    return found


def _one(spec: ExpertSpec, *, offline: bool, report: Report) -> GateSet:
    card = spec.card
    if card.gate_set.kind == "referenced":
        return rebuild(card, partial(locate_file, options=SourceOptions(offline=offline, report=report)), load)
    if card.gate_set.kind == "stored" and spec.gate_set is not None:
        return read_stored(card.name, spec.gate_set, card.gate_set, sha256=spec.gate_set_sha256)
    raise no_gate_set(card)


def _simulated(spec: ExpertSpec, seed: int, report: Report) -> GateSet:
    data = simulate(jaspar_motif(spec.card.tf), spec.card.window, seed, report)
    return build(spec.card.name, data.codes, seed, kind="simulated", simulated=True)


def _all_missing(missing: Sequence[tuple[ExpertSpec, NotFoundError]]) -> NotFoundError:
    lines = []
    for spec, error in missing:
        file = spec.card.gate_set.file
        lines.append(f"  {spec.card.name}: {f'{file.name} ({error.what})' if file else error.what}")
    first = missing[0][1]
    return type(first)("these gate sets cannot be had:\n" + "\n".join(lines), hint=first.hint)
