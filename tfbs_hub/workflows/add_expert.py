"""From a transcription factor's name to a finished expert, ready for the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from tfbs_hub.about import __version__
from tfbs_hub.cards import ExpertCard, GateSetSpec, Metric, Provenance, Training
from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.evaluation.delong import auroc_interval
from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.golden import make_golden
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.weights import pack_expert
from tfbs_hub.gate import gate_sets
from tfbs_hub.metrics import auprc
from tfbs_hub.names import check_name
from tfbs_hub.prediction import logits
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.negatives import genomic, given, other_tfs
from tfbs_hub.sequences.overlap import KmerIndex
from tfbs_hub.sources.motifs import Motif, jaspar_family
from tfbs_hub.training.checkpoint import fingerprint
from tfbs_hub.training.expert import HELD_OUT, Task, Trained, train
from tfbs_hub.training.negatives import FreshShuffles, Mixed, Negatives, Pool
from tfbs_hub.training.search import search_expert

__all__ = ["NEGATIVES", "OF_OTHERS", "SHARED_KMER", "Built", "Material", "build", "from_motif"]

NEGATIVES: Final = ("dinucleotide", "genomic", "other-tfs", "mixed", "given")
"""Kinds of negatives an expert can be trained against."""
OF_OTHERS: Final = ("other-tfs", "mixed")
"""Those that need other TFs' peaks; `mixed` is half of these and half shuffles."""
SHARED_KMER: Final = 32
"""A training sequence that shares this many bases with a test sequence, on either strand, is left out."""


@dataclass(frozen=True, eq=False)
class Material:
    """What an expert is made from.

    Attributes:
        tf: the transcription factor.
        name: the expert's name.
        data: training sequences; positives, and negatives if they were given.
        test: labelled sequences to score the finished expert on; never trained on.
        exclude: further sequences that must not be trained on, such as other test files.
        negatives: one of `NEGATIVES`.
        others: peaks of other TFs, for `other-tfs` and `mixed`.
        genome: FASTA, and peaks: BED, for `genomic`.
        referenced: True if a gate set shall point to the public file instead of holding its sequences.
        gate_data: False leaves the gate set out.
        seed: from which every random choice follows.
        extra: for the card's `extra`.
    """

    tf: str
    name: str
    data: SequenceDataset
    test: SequenceDataset | None = None
    exclude: Sequence[SequenceDataset] = ()
    negatives: str = "dinucleotide"
    others: Sequence[SequenceDataset] = ()
    genome: Path | None = None
    peaks: Sequence[Path] = ()
    referenced: bool = False
    gate_data: bool = True
    seed: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Built:
    """A finished expert.

    Attributes:
        card: complete.
        files: bytes by file name, as the registry takes them.
        gate_set: what a gate can learn from; None with `gate_data` off.
        expert: the network, in eval mode, on the CPU.
    """

    card: ExpertCard
    files: Mapping[str, bytes]
    gate_set: gate_sets.GateSet | None
    expert: Expert


def build(
    material: Material,
    architecture: type[Expert],
    reference: str,
    *,
    config: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    trials: int = 0,
    device: torch.device | None = None,
    cache: Path,
    report: Report = silent,
) -> Built:
    """Train an expert and write its card.

    Args:
        reference: `module:Class` of `architecture`.
        config: changes to the architecture's configuration.
        recipe: changes to its recipe.
        trials: size of a hyperparameter search; 0 takes configuration and recipe as they are.
        cache: folder for checkpoints and searches.

    Raises:
        InputError: too few sequences, or none left after dropping those shared with a test set.
        UsageError: negatives that these sequences cannot give.
    """
    check_name(material.name)
    _check_test(material.test)
    bound, kept, dropped = _fit_to_train(material)
    negatives = _negatives(material, bound, report)
    task = Task(
        tf=material.tf,
        positives=bound.codes,
        negatives=negatives,
        seed=material.seed,
        digest=fingerprint(data=bound.digest, negatives=material.negatives, pool=negatives.digest),
    )
    settings = replace(architecture.recipe(), **(recipe or {}))
    configuration = dict(config or {})
    if trials:
        found, settings = search_expert(
            trials,
            architecture,
            settings,
            lambda proposed, changed, watch: _best(
                train(
                    task,
                    architecture,
                    config={**configuration, **proposed},
                    recipe=changed,
                    device=device,
                    checkpoints=cache / "training",
                    watch=watch,
                )
            ),
            folder=cache / "search",
            digest=fingerprint(task=task.digest, config=configuration),
            seed=material.seed,
            report=report,
            task=f"searching for {material.tf}",
        )
        configuration |= found
    trained = train(
        task,
        architecture,
        config=configuration,
        recipe=settings,
        device=device,
        checkpoints=cache / "training",
        report=report,
    )
    training = replace(trained.training, trials=trials)
    metrics = [*_metrics(trained.labels, trained.scores, "validation"), *_tested(material, trained.expert)]
    gate_set = _gate_set(material, bound, trained.held_out)
    spec = _gate_set_spec(material, gate_set, kept[trained.held_out])
    provenance = _provenance(material, len(bound), dropped)
    return _finish(material, trained.expert, reference, provenance, training, metrics, gate_set, spec)


def from_motif(material: Material, motif: Motif, reference: str, window: int) -> Built:
    """An expert from a matrix, without training; its gate set is simulated from the same matrix."""
    check_name(material.name)
    _check_test(material.test)
    expert = PWM.from_motif(motif, window=window)
    gate_set = _gate_set(material, material.data, np.arange(len(material.data)))
    provenance = Provenance(
        source="motif",
        simulated=True,
        files=material.data.files,
        note=f"matrix {motif.id} ({motif.name}), {motif.source}".rstrip(", "),
    )
    spec = _gate_set_spec(material, gate_set, np.arange(0))
    metrics = _tested(material, expert)
    return _finish(material, expert, reference, provenance, None, metrics, gate_set, spec)


def _check_test(test: SequenceDataset | None) -> None:
    if test is not None and (test.labels is None or np.bincount(test.labels, minlength=2).min() < 2):
        raise InputError(
            "a test needs at least two sequences labelled as bound, and two as not bound",
            where=test.files[0].name if test.files else None,
            hint="a FASTA file labels negatives by ids that end in _shuf; a .seq.gz file has a column Bound",
        )


def _best(trained: Trained) -> float:
    return max(point.auroc for point in trained.training.curve)


def _fit_to_train(material: Material) -> tuple[SequenceDataset, NDArray[np.int64], int]:
    """Positives that share no 32-mer with any test sequence, their places among all positives, and how many do."""
    bound = material.data.positives()
    held_back = [item for item in (material.test, *material.exclude) if item is not None]
    if not held_back:
        return bound, np.arange(len(bound)), 0
    shared = np.zeros(len(bound), dtype=np.bool_)
    for item in held_back:
        shared |= KmerIndex(item.codes, SHARED_KMER).shares(bound.codes)
    kept = np.flatnonzero(~shared)
    if not len(kept):
        raise InputError("every training sequence also stands in a test set", where=material.tf)
    return bound.rows(kept), kept, int(shared.sum())


def _negatives(material: Material, bound: SequenceDataset, report: Report) -> Negatives:
    if material.negatives == "dinucleotide":
        return FreshShuffles()
    rng = generator(material.seed, "negatives", material.negatives)
    if material.negatives == "given":
        pool = given(material.data)
    elif material.negatives in OF_OTHERS:
        if not material.others:
            raise UsageError("no sequences of other TFs are at hand", hint="name their files with --others FILE")
        pool = other_tfs(bound, material.others, rng)
    elif material.negatives == "genomic":
        if material.genome is None or not material.peaks:
            raise UsageError("genomic negatives need peaks and a genome", hint="give --peaks BED and --genome FASTA")
        report(Event("cutting genomic negatives"))
        pool = genomic(bound, material.peaks, material.genome, rng)
    else:
        raise UsageError(f"unknown negatives {material.negatives!r}", hint=f"use one of {', '.join(NEGATIVES)}")
    if len(pool) < 2:
        raise InputError(f"only {len(pool)} {material.negatives} negatives are left", where=material.tf)
    fixed = Pool(pool.codes, HELD_OUT)
    return Mixed(fixed) if material.negatives == "mixed" else fixed


def _metrics(labels: NDArray[np.int8], scores: NDArray[np.float32], data: str) -> list[Metric]:
    value, low, high = auroc_interval(labels, scores)
    return [
        Metric(name="auroc", value=value, data=data, rows=len(labels), ci95=(low, high)),
        Metric(name="auprc", value=auprc(labels, scores), data=data, rows=len(labels)),
    ]


def _tested(material: Material, expert: Expert) -> list[Metric]:
    test = material.test
    if test is None or test.labels is None:
        return []
    scores = logits(expert, test.codes, window=expert.window, symmetric=expert.strand_symmetric)
    name = test.files[0].name if test.files else "test"
    return _metrics(test.labels, scores, name)


def _gate_set(material: Material, bound: SequenceDataset, held_out: NDArray[np.int64]) -> gate_sets.GateSet | None:
    if not material.gate_data or not len(held_out):
        return None
    return gate_sets.build(
        material.name,
        bound.codes[held_out[: gate_sets.MAX_POSITIVES]],
        gate_sets.gate_set_seed(material.seed),
        kind="referenced" if material.referenced else "stored",
        simulated=bound.simulated,
    )


def _gate_set_spec(material: Material, gate_set: gate_sets.GateSet | None, places: NDArray[np.int64]) -> GateSetSpec:
    if gate_set is None:
        return GateSetSpec(kind="none")
    if not material.referenced:
        return GateSetSpec(kind="stored", digest=gate_set.digest, simulated=gate_set.simulated)
    return GateSetSpec(
        kind="referenced",
        digest=gate_set.digest,
        simulated=gate_set.simulated,
        file=material.data.files[0],
        positives=tuple(int(place) for place in places[: gate_sets.MAX_POSITIVES]),
        seed=gate_sets.gate_set_seed(material.seed),
    )


def _provenance(material: Material, positives: int, dropped: int) -> Provenance:
    data = material.data
    return Provenance(
        source=data.source,
        simulated=data.simulated,
        files=data.files,
        positives=positives,
        dropped=dropped,
        negatives=material.negatives,
        note=data.note,
    )


def _finish(
    material: Material,
    expert: Expert,
    reference: str,
    provenance: Provenance,
    training: Training | None,
    metrics: Sequence[Metric],
    gate_set: gate_sets.GateSet | None,
    spec: GateSetSpec,
) -> Built:
    weights = pack_expert(expert, reference)
    files = {"weights.safetensors": weights}
    if gate_set is not None and spec.kind == "stored":
        files["gate-set.h5"] = gate_sets.stored_bytes(gate_set)
    card = ExpertCard(
        name=material.name,
        tf=material.tf,
        architecture=reference,
        config=expert.config,
        weights_sha256=sha256(weights).hexdigest(),
        window=expert.window,
        embedding_dim=expert.embedding_dim,
        family=jaspar_family(material.tf),
        cell=material.data.cell,
        provenance=provenance,
        training=training,
        metrics=tuple(metrics),
        golden=make_golden(expert, expert.window),
        gate_set=spec,
        licence=material.data.licence,
        citation=material.data.citation,
        versions={"tfbs_hub": __version__, "torch": str(torch.__version__).split("+")[0]},
        extra=dict(material.extra),
    )
    return Built(card, files, gate_set, expert)
