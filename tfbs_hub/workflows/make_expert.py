"""How a request for an expert becomes one: what to fetch, what to call it, what to train it against."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tfbs_hub.errors import InputError, NotFoundError, UsageError
from tfbs_hub.experts.contract import Expert
from tfbs_hub.names import check_name
from tfbs_hub.plugins import resolve
from tfbs_hub.prediction import choose_device
from tfbs_hub.progress import Report
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.readers import load
from tfbs_hub.sources.motifs import Motif, jaspar_motif, read_motifs
from tfbs_hub.sources.options import SourceOptions
from tfbs_hub.workflows.add_expert import OF_OTHERS, Built, Material, build, from_motif
from tfbs_hub.workflows.ambiguous import report_ambiguous
from tfbs_hub.workflows.models import Loader
from tfbs_hub.workflows.request import Request
from tfbs_hub.workflows.simulate import simulated

__all__ = ["make"]

_DEFAULT_WINDOW: Final = 101


def make(
    request: Request,
    *,
    taken: set[str],
    loader: Loader,
    sources: Mapping[str, str],
    architectures: Mapping[str, str],
    cache: Path,
    report: Report,
) -> Built:
    """Fetch, train and describe the expert that a request asks for; nothing is written but caches.

    Args:
        taken: names in use, in lower case.
        loader: turns `module:Class` into a registered class.
        sources, architectures: references by name.

    Raises:
        UsageError: options that contradict each other, a name in use, an unknown source or architecture.
        NotFoundError: no such factor.
    """
    wanted = request.architecture or ("pwm" if request.motif else "residual")
    if wanted not in architectures:
        raise UsageError(f"unknown architecture {wanted!r}", hint=f"use one of {', '.join(sorted(architectures))}")
    architecture = loader.architecture(architectures[wanted])
    _check(request, architecture, taken)
    if not architecture.trainable:
        return _from_motif(request, architectures[wanted], taken, report)
    source = request.source or ("files" if request.data or request.peaks else "encode")
    if source not in sources:
        raise UsageError(f"unknown source {source!r}", hint=f"use one of {', '.join(sorted(sources))}")
    _check_source(request, source)
    device = choose_device(request.device)
    data, test = _fetch(request, sources[source], report)
    report_ambiguous(data, f"reading the sequences of {request.tf}", report)
    _check_window(request, data)
    material = Material(
        tf=request.tf,
        name=_free_name(request, data, taken),
        data=data,
        test=test,
        exclude=_loaded(request, request.exclude),
        negatives=request.negatives or _natural_negatives(data),
        others=_loaded(request, request.others),
        genome=request.genome,
        peaks=() if request.peaks is None else (request.peaks,),
        referenced=source == "encode",
        gate_data=request.gate_data,
        seed=request.seed,
    )
    return build(
        material,
        architecture,
        architectures[wanted],
        config=request.config,
        recipe=request.recipe,
        trials=request.trials,
        device=device,
        cache=cache,
        report=report,
    )


def _check(request: Request, architecture: type[Expert], taken: set[str]) -> None:
    if request.motif is not None and architecture.trainable:
        raise UsageError("--motif goes with --architecture pwm only", hint="leave one of them out")
    if not architecture.trainable:
        _refuse(_training_options(request), "a matrix is not trained")
    if request.data and request.peaks:
        raise UsageError("--data and --peaks exclude each other", hint="give one of them")
    if request.peaks and request.genome is None:
        raise UsageError("peaks need a genome to cut sequences from", hint="name its FASTA file with --genome")
    if request.source not in {None, "files"} and (request.data or request.peaks):
        raise UsageError(f"--source {request.source} and sequences of your own exclude each other")
    if request.others and request.negatives not in OF_OTHERS:
        raise UsageError(
            f"--others goes with --negatives {' or '.join(OF_OTHERS)} only", hint="add that, or leave --others out"
        )
    if request.name is not None:
        check_name(request.name)
        _free([request.name], taken)  # before anything is downloaded


def _check_source(request: Request, source: str) -> None:
    """A source of somebody else's may have a use for any option; of the hub's own it is known."""
    if source == "files":
        _refuse({"--file": request.file}, "your own data are not chosen among experiments")
    if source == "jaspar":
        _refuse({"--file": request.file, "--cell": request.cell}, "a matrix stands for no experiment")


def _check_window(request: Request, data: SequenceDataset) -> None:
    if request.window is not None and data.length != request.window:
        raise UsageError(
            f"these sequences have {data.length} bp, and --window {request.window} does not cut them",
            hint="leave --window out; it is for peaks and for simulated sequences",
        )


def _training_options(request: Request) -> dict[str, object]:
    return {
        "--source": request.source not in {None, "jaspar"},
        "--data": request.data,
        "--peaks": request.peaks,
        "--genome": request.genome,
        "--cell": request.cell,
        "--file": request.file,
        "--negatives": request.negatives,
        "--others": request.others,
        "--exclude": request.exclude,
        "--trials": request.trials,
    }


def _refuse(options: Mapping[str, object], because: str) -> None:
    """An option that would be ignored is a misunderstanding."""
    given = [name for name, value in options.items() if value]
    if given:
        raise UsageError(f"{because}, so {', '.join(given)} means nothing here", hint="leave it out")


def _loaded(request: Request, paths: Sequence[Path]) -> list[SequenceDataset]:
    return [load(path, genome=request.genome, window=request.window) for path in paths]


def _fetch(request: Request, reference: str, report: Report) -> tuple[SequenceDataset, SequenceDataset | None]:
    options = SourceOptions(
        data=request.data or (() if request.peaks is None else (request.peaks,)),
        genome=request.genome,
        window=request.window or (_DEFAULT_WINDOW if request.peaks else None),
        cell=request.cell,
        file=request.file,
        test=request.test,
        seed=request.seed,
        report=report,
    )
    data = resolve(reference)(request.tf, options)
    if not isinstance(data, SequenceDataset):
        raise InputError(f"the source returned {type(data).__name__}, not a data set", where=reference)
    if request.cell and not data.cell:
        data = replace(data, cell=request.cell)
    module = importlib.import_module(reference.partition(":")[0])
    fetch_test = getattr(module, "fetch_test", None)
    return data, None if fetch_test is None else fetch_test(request.tf, options)


def _natural_negatives(data: SequenceDataset) -> str:
    """Negatives that came with the sequences are used; where there are none, shuffles."""
    return "given" if data.labels is not None and bool((data.labels == 0).any()) else "dinucleotide"


def _free_name(request: Request, data: SequenceDataset, taken: set[str]) -> str:
    if request.replace:
        return check_name(request.name or request.tf)
    if request.name is not None:
        choices = [request.name]
    else:
        choices = [request.tf, f"{request.tf}_{data.cell}"] if data.cell else [request.tf]
    return check_name(_free(choices, taken))


def _free(choices: Sequence[str], taken: set[str]) -> str:
    """The first of some names that no expert has."""
    for name in choices:
        if name.lower() not in taken:
            return name
    raise UsageError(
        f"the registry already has an expert called {choices[-1]}",
        hint="choose another with --name, or let it take that one's place with --replace",
    )


def _from_motif(request: Request, reference: str, taken: set[str], report: Report) -> Built:
    motif = jaspar_motif(request.tf) if request.motif is None else _only(request.motif, request.tf)
    window = max(request.window or _DEFAULT_WINDOW, motif.width)
    data = simulated(motif, window, request.seed, report)
    test = None if request.test is None else load(request.test)
    material = Material(
        tf=request.tf,
        name=_free_name(request, data, taken),
        data=data,
        test=test,
        negatives="none",
        gate_data=request.gate_data,
        seed=request.seed,
    )
    return from_motif(material, motif, reference, window)


def _only(path: Path, tf: str) -> Motif:
    """The motif of a file that holds one, or the one that is called like the factor."""
    motifs = read_motifs(path)
    named = [motif for motif in motifs if tf.lower() in {motif.name.lower(), motif.id.lower()}] or motifs
    if len(named) > 1:
        listed = ", ".join(motif.name or motif.id for motif in motifs[:8])
        raise NotFoundError(
            f"the file holds {len(motifs)} motifs, and not exactly one is called {tf}",
            where=str(path),
            hint=f"keep the one you mean in a file of its own (found: {listed})",
        )
    return named[0]
