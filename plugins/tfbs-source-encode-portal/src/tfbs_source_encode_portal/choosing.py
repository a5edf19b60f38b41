"""Which experiment of a factor, and which of its peak files: one must be left, or the user is told the choices."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_source_encode_portal.records import Experiment, PeakFile

__all__ = ["choices", "choose_experiment", "choose_peaks", "on_assembly"]

_SHOWN: Final = 20
"""Choices a message lists; CTCF was measured hundreds of times."""


def choices(found: Sequence[Experiment]) -> str:
    """A hint with a line for each experiment: the option that chooses it, and what tells it from the others."""
    times = Counter(each.cell for each in found)
    options = []
    for each in sorted(found, key=lambda each: (each.cell.lower(), each.accession)):
        option = f"--cell {shlex.quote(each.cell)}" if times[each.cell] == 1 else f"--file {each.accession}"
        options.append((option, each.remark))
    return _listed("choose one of:", options, "narrow them down with --cell")


def on_assembly(found: Sequence[Experiment], what: str, assembly: str) -> list[Experiment]:
    """Experiments with files on an assembly, or of which that is not known.

    Raises:
        NotFoundError: none is left; it names `what` the experiments are of.
    """
    left = [each for each in found if assembly in each.assembly or not each.assembly]
    if not left:
        others = ", ".join(sorted({name for each in found for name in each.assembly}))
        raise NotFoundError(
            f"the portal has no peaks of {what} on {assembly}",
            hint=f"give a genome of one of these assemblies: {others}",
        )
    return left


def choose_experiment(found: Sequence[Experiment], tf: str, cell: str | None, accession: str | None) -> Experiment:
    """The one experiment that the biosample `cell` (in any case) and the experiment's `accession` leave.

    Raises:
        NotFoundError: none is left; the hint lists what there is.
        UsageError: several are left; the hint lists how to choose.
    """
    left = [each for each in found if cell is None or each.cell.lower() == cell.strip().lower()]
    if not left:
        cells = ", ".join(sorted({each.cell for each in found}, key=str.lower))
        raise NotFoundError(f"{tf} was not measured in {cell!r}", hint=f"choose a biosample of: {cells}")
    if accession is not None:
        named = [each for each in left if each.accession == accession]
        if not named:
            where = "" if cell is None else f" in {cell}"
            raise NotFoundError(f"{accession} is no experiment of {tf}{where}", hint=choices(left))
        left = named
    if len(left) > 1:
        raise UsageError(f"{tf} was measured in {len(left)} experiments", hint=choices(left))
    return left[0]


def choose_peaks(files: Sequence[PeakFile], experiment: Experiment, assembly: str) -> PeakFile:
    """The IDR-thresholded peaks that the portal prefers.

    Where it prefers none, a conservative set gives way to the other.

    Raises:
        NotFoundError: there are none; the hint lists other peaks.
        UsageError: several are left; the hint lists them.
    """
    thresholded = [each for each in files if "idr thresholded" in each.output_type.lower()]
    if not thresholded:
        raise NotFoundError(
            f"{experiment.accession} has no IDR-thresholded peaks on {assembly}",
            hint=_files(files, "it has other peaks:") if files else "choose another experiment with --file",
        )
    preferred = [each for each in thresholded if each.preferred_default]
    optimal = [each for each in thresholded if "conservative" not in each.output_type.lower()]
    left = preferred or optimal or thresholded
    if len(left) > 1:
        raise UsageError(f"{experiment.accession} has several sets of peaks on {assembly}", hint=_files(left))
    return left[0]


def _files(files: Sequence[PeakFile], title: str = "choose one of:") -> str:
    options = [(f"--file {each.accession}", each.kind) for each in files]
    return _listed(title, sorted(options), "the experiment's page on the portal lists them")


def _listed(title: str, options: Sequence[tuple[str, str]], more: str) -> str:
    shown = options[:_SHOWN]
    width = max(len(option) for option, _ in shown)
    lines = [title, *(f"  {option:<{width}}  # {remark}" for option, remark in shown)]
    if len(options) > _SHOWN:
        lines.append(f"  … and {len(options) - _SHOWN} more; {more}")
    return "\n".join(lines)
