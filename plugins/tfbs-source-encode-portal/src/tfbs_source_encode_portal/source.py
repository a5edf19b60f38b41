"""The source `encode-portal`: peaks of a released TF ChIP-seq experiment, cut from the user's genome."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from tfbs_hub.errors import NotFoundError, OfflineError, UsageError
from tfbs_hub.progress import Event
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.readers import load
from tfbs_hub.sources import files
from tfbs_hub.sources.download import shown
from tfbs_hub.sources.encode_index import near
from tfbs_hub.sources.options import SourceOptions
from tfbs_source_encode_portal.assembly import assembly_for
from tfbs_source_encode_portal.choosing import choices, choose_experiment, choose_peaks, on_assembly
from tfbs_source_encode_portal.portal import VARIABLE, Portal
from tfbs_source_encode_portal.records import Experiment, PeakFile

__all__ = ["fetch", "fetch_from", "fetch_test"]

NAME: Final = "encode-portal"
WINDOW: Final = 101
"""Length of the sequences in base pairs, where nobody asks for another."""
_OWN: Final = "give peaks of your own with --peaks FILE --genome FASTA"
_WAYS: Final = f"connect to the network, or name a server with {VARIABLE} that has the same files, or {_OWN}"
_LICENCE: Final = "ENCODE data use policy: free to use, cite the consortium and the laboratory"
_CITATION: Final = (
    "ENCODE Project Consortium 2012, Nature 489:57; portal: Luo et al. 2020, Nucleic Acids Research 48:D882; "
    "experiment {experiment}, {lab}"
)


def fetch(tf: str, options: SourceOptions) -> SequenceDataset:
    """Windows around the summits of an experiment's IDR-thresholded peaks, all of them bound.

    Args:
        tf: the transcription factor as the portal spells it (`target.label`).
        options: `genome` is needed. `cell` (biosample) and `file` (accession of an experiment, ENCSR…, or of a file
            of peaks, ENCFF…) choose among several experiments; `window` is 101 bp by default. The assembly is the one
            that the genome's first chromosome tells, or TFBS_ENCODE_PORTAL_ASSEMBLY, or GRCh38.

    Raises:
        UsageError: no genome; several experiments fit, and the hint lists them.
        NotFoundError: no experiment, no such file of peaks, no such genome.
        OfflineError: the portal cannot be reached, or may not be.
        IntegrityError: the portal's answer or file is not what it should be.
        InputError: the genome is of another assembly, or names its chromosomes differently.
    """
    return fetch_from(Portal(report=options.report), tf, options)


def fetch_test(tf: str, options: SourceOptions) -> SequenceDataset | None:
    """Read the separate test file; None where `options.test` names none, because all of an experiment is trained on."""
    return files.fetch_test(tf, replace(options, window=options.window or WINDOW))


def fetch_from(portal: Portal, tf: str, options: SourceOptions) -> SequenceDataset:
    """As `fetch`, from a given portal."""
    if options.genome is None:
        raise UsageError(
            "the portal has peaks, and there is no genome to cut them from", hint="name its FASTA file with --genome"
        )
    if options.offline:
        raise OfflineError("the ENCODE portal may not be asked offline", hint=_OWN)
    # Before anything is downloaded: a genome that cannot be used shall cost no time.
    assembly = assembly_for(options.genome)
    with _naming_ways_on():
        options.report(Event(f"asking {shown(portal.url)} for {tf} on {assembly}"))
        experiment, peaks = _chosen(portal, tf, assembly, options)
        path = portal.bring(peaks)
    options.report(Event(f"cutting {experiment.accession} from {options.genome.name}"))
    rows = load(path, genome=options.genome, window=options.window or WINDOW)
    lab = experiment.lab.title or "laboratory unknown"
    what = f"{peaks.accession} ({peaks.kind}, {assembly})"
    return replace(
        rows,
        source=NAME,
        note=f"ENCODE experiment {experiment.accession}, {experiment.remark}; peaks {what}; {rows.note}",
        cell=experiment.cell,
        licence=_LICENCE,
        citation=_CITATION.format(experiment=experiment.accession, lab=lab),
    )


def _chosen(portal: Portal, tf: str, assembly: str, options: SourceOptions) -> tuple[Experiment, PeakFile]:
    found = portal.experiments(tf)
    if not found:
        hint = " ".join(filter(None, [near(tf, portal.targets()), _OWN]))
        raise NotFoundError(f"the portal has no released TF ChIP-seq experiment of {tf!r}", hint=hint)
    if options.file is None:
        experiment = choose_experiment(on_assembly(found, tf, assembly), tf, options.cell, None)
        return experiment, choose_peaks(portal.peaks_of(experiment.accession, assembly), experiment, assembly)
    # Names of files are accepted too: accession, then endings.
    wanted = options.file.strip().partition(".")[0].upper()
    if any(each.accession == wanted for each in found):
        experiment = choose_experiment(found, tf, options.cell, wanted)
        on_assembly([experiment], wanted, assembly)
        return experiment, choose_peaks(portal.peaks_of(wanted, assembly), experiment, assembly)
    named = portal.peaks_called(wanted, assembly)
    if not named:
        raise NotFoundError(
            f"{wanted} is neither an experiment of {tf} nor a file of its peaks on {assembly}", hint=choices(found)
        )
    return choose_experiment(found, tf, options.cell, named[0].experiment), named[0]


@contextmanager
def _naming_ways_on() -> Iterator[None]:
    """Let an error about the network say what else can be done."""
    try:
        yield
    except OfflineError as error:
        raise OfflineError(error.what, where=error.where, hint=_WAYS) from error
