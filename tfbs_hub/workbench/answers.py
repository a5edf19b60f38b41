"""Who answers which request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from tfbs_hub.errors import NotFoundError
from tfbs_hub.hub import Hub
from tfbs_hub.progress import Report
from tfbs_hub.workbench import messages
from tfbs_hub.workbench.lens import Lens

if TYPE_CHECKING:
    from tfbs_hub.attribution.learned import LearnedMotif

__all__ = ["answer"]

_LOGOS: Final = 4
"""Motifs of an expert that are shown."""


def answer(hub: Hub, lens: Lens, ask: messages.Ask, report: Report) -> msgspec.Struct:  # noqa: C901, PLR0911 - one a request
    """The answer to a request; raises `TfbsHubError`."""
    match ask:
        case messages.ReadSequences():
            return lens.read(ask)
        case messages.Explain():
            return lens.explain(ask, report)
        case messages.Seqlets():
            return lens.seqlets(ask, report)
        case messages.Export():
            return lens.export(ask, report)
        case messages.Learn():
            return _learned(hub, ask, report)
        case messages.Assess():
            return _assessed(hub, ask, report)
        case messages.Change():
            return messages.Changed(hub.enable(ask.enable).card.name)
        case messages.OpenRun():
            from tfbs_hub.workbench.runs import view  # noqa: PLC0415 - h5py

            return view(Path(ask.path).expanduser())
        case messages.Report():
            from tfbs_hub.workbench.runs import write  # noqa: PLC0415 - matplotlib

            return write(Path(ask.run).expanduser(), Path(ask.path).expanduser())
        case messages.Survey():
            return _surveyed(hub)
    raise TypeError(f"nobody answers {type(ask).__name__}")


def _learned(hub: Hub, ask: messages.Learn, report: Report) -> messages.Learned:
    known = _known(hub.spec(ask.name).card.tf)
    found = hub.learned_motifs(ask.name)
    if found is None and ask.compute:
        found = hub.learn_motifs(ask.name, report=report)
    if found is None:
        return messages.Learned([], known, computed=False)
    note = f"seqlets in {found.with_seqlets:,} of {found.sequences:,} sequences ({found.data})"
    motifs = [_motif(each, found.sequences) for each in found.motifs[:_LOGOS] if each.counts]
    return messages.Learned(motifs, known, computed=True, note=note)


def _assessed(hub: Hub, ask: messages.Assess, report: Report) -> messages.Assessed:
    found = hub.assess(ask.name, report=report)
    return messages.Assessed(
        name=found.name,
        auroc=(found.auroc, *found.ci95),
        gate=found.gate,
        neighbours=[
            messages.Neighbour(each.name, each.similarity, each.auroc, each.motif, each.shared)
            for each in found.neighbours
        ],
        warnings=list(found.warnings),
    )


def _motif(found: LearnedMotif, sequences: int) -> messages.Motif:
    totals = [max(sum(column), 1) for column in zip(*found.counts, strict=True)]
    share = [[value / total for value, total in zip(row, totals, strict=True)] for row in found.counts]
    seen = f"like {found.matrix} {found.family}, in {found.sequences:,} of {sequences:,} sequences"
    return messages.Motif(found.name, seen, share)


def _known(tf: str) -> messages.Motif | None:
    from tfbs_hub.sources.motifs.database import jaspar_motif  # noqa: PLC0415 - numpy

    try:
        motif = jaspar_motif(tf)
    except NotFoundError:
        return None
    return messages.Motif(motif.name, f"{motif.source} {motif.id}", motif.probabilities.tolist())


def _surveyed(hub: Hub) -> messages.Surveyed:
    from tfbs_hub.plugins.survey import survey  # noqa: PLC0415 - loads every hook module

    packages = [
        messages.PackageView(
            distribution=package.distribution,
            version=package.version,
            experts=[spec.card.name for spec in package.experts],
            architectures=sorted(package.architectures),
            sources=sorted(package.sources),
            methods=sorted(package.attribution_methods),
            hooks=list(package.implements),
            failures=[
                messages.Failure(failure.phase, failure.message, failure.traceback) for failure in package.failures
            ],
        )
        for package in survey(hub.plugins)
    ]
    return messages.Surveyed(
        packages,
        architectures=sorted(hub.plugins.architectures()),
        sources=sorted(hub.plugins.sources()),
        methods=sorted(hub.plugins.attribution_methods()),
    )
