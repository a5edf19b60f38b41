"""Measuring models on labelled files: the same question gives the same run, and a killed run goes on where it was.

A run is named by a digest of its question: the command, each file's and each data set's digest, the models' cards (and
with them the digests of their weights) and the versions of what computes. Nothing in it depends on when, where or by
whom it was asked.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

import h5py
import numpy as np
import scipy
import torch

from tfbs_hub.about import __version__
from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import TfbsHubError, UsageError
from tfbs_hub.evaluation.compare import compare
from tfbs_hub.evaluation.results import DatasetResult, EvaluationRun
from tfbs_hub.evaluation.store import read_run, to_bytes
from tfbs_hub.names import short
from tfbs_hub.prediction import choose_device
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.registry import Registry
from tfbs_hub.workflows.candidates import Candidate
from tfbs_hub.workflows.labelled import LabelledSet
from tfbs_hub.workflows.models import Model, held
from tfbs_hub.workflows.partials import Partials
from tfbs_hub.workflows.scoring import Scored, check_lengths, score

__all__ = ["MIN_TRIALS", "Question", "evaluate"]

MIN_TRIALS: Final = 2
"""A standard deviation needs two resamples."""
_TASK: Final = "evaluating"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What an evaluation is to find out.

    Attributes:
        candidates: the models, each name once.
        sets: the data sets.
        genome: FASTA that BED files were cut from, if any.
        trials: resamples of the bootstrap.
        seed: of the resamples.
        tukey: compare all pairs of models, however many they are.
        device: "auto", "cpu" or "cuda".
    """

    candidates: Sequence[Candidate]
    sets: Sequence[LabelledSet]
    genome: Path | None = None
    trials: int = 30
    seed: int = 0
    tukey: bool = False
    device: str = "cpu"

    def check(self) -> None:
        """Raise `UsageError` or `InputError` if there can be no answer; before any network is loaded."""
        if self.trials < MIN_TRIALS:
            raise UsageError(f"a bootstrap needs at least {MIN_TRIALS} resamples, not {self.trials}")
        for labelled in self.sets:
            for candidate in self.candidates:
                check_lengths(candidate, labelled.name, labelled.data)

    @cached_property
    def place(self) -> torch.device:
        """Where the networks compute."""
        return choose_device(self.device)

    @cached_property
    def command(self) -> tuple[str, ...]:
        """The arguments that ask the same question again beside the same files; without the program's name."""
        names = [labelled.file["name"] for labelled in self.sets]
        words = ["evaluate", *(f"./{name}" if name.startswith("-") else name for name in names)]
        words += ["--models", ",".join(candidate.name for candidate in self.candidates)]
        words += ["--bootstrap", str(self.trials), "--seed", str(self.seed)]
        words += ["--negatives", self.sets[0].negatives]
        words += ["--tukey"] if self.tukey else []
        words += ["--genome", self.genome.name] if self.genome else []
        return (*words, "--device", self.place.type)

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of what computes the answer."""
        return {
            "tfbs_hub": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "torch": str(torch.__version__),
            "h5py": h5py.__version__,
        }

    @cached_property
    def digest(self) -> str:
        """sha256 of all that the answer depends on."""
        return sha256(
            canonical_json(
                {
                    "command": self.command,
                    "versions": self.versions,
                    "models": [[candidate.name, candidate.card] for candidate in self.candidates],
                    "datasets": [
                        [each.name, each.file, each.negatives, len(each.data), each.data.digest] for each in self.sets
                    ],
                }
            )
        ).hexdigest()


def evaluate(
    question: Question,
    load: Callable[[Candidate], Model],
    *,
    registry: Registry,
    cache: Path,
    report: Report = silent,
) -> EvaluationRun:
    """Answer a question, or give the answer that the registry has already.

    A finished run is kept in the registry, unless that is read-only. While it is under way, each finished data set is
    kept in the cache, and a run that was stopped goes on from there, with the same result to the last bit.

    Args:
        load: makes a candidate's network.
        registry: has finished runs.
        cache: folder for derived files.

    Raises:
        UsageError, InputError: what was asked for cannot be.
        PluginError: a model fails, or gives a score that is not finite.
        StorageError: the file system refuses.
    """
    question.check()
    run_id = short(question.digest)
    known = _answered(registry, run_id, report)
    if known is not None:
        return known
    partials = Partials(cache / "evaluations", question.digest)
    run = EvaluationRun(
        run=run_id,
        seed=question.seed,
        trials=question.trials,
        command=question.command,
        models={candidate.name: candidate.card for candidate in question.candidates},
        versions=question.versions,
        datasets=_results(question, load, partials, report),
    )
    if not registry.read_only:
        registry.place_evaluation(run_id, to_bytes(run))
    partials.clear()
    return run


def _answered(registry: Registry, run_id: str, report: Report) -> EvaluationRun | None:
    """The run as the registry has it, since nothing in it could differ; None if it is not there or is damaged."""
    for path in registry.evaluations():
        if path.stem == run_id:
            try:
                run = read_run(path)
            except TfbsHubError as error:
                raise type(error)(
                    error.what, where=error.where, hint=f"remove {path} and evaluate again: runs are never overwritten"
                ) from error
            registry.settle_evaluations()
            report(Event(f"run {run_id}", 0, 0, "the same question was answered before; this is that run"))
            return run
    return None


def _results(
    question: Question, load: Callable[[Candidate], Model], partials: Partials, report: Report
) -> tuple[DatasetResult, ...]:
    found = {place: partials.load(place) for place in range(len(question.sets))}
    results = {place: result for place, result in found.items() if result is not None}
    if results:
        report(Event("resuming", 0, 0, f"{len(results)} of {len(found)} data sets were finished before"))
    with ExitStack() as stack:
        models: list[Model] = []
        for place, labelled in enumerate(question.sets):
            if place not in results:
                if not models:
                    models = [load(candidate) for candidate in question.candidates]
                    stack.enter_context(held(models, question.place))
                results[place] = _measured(question, models, labelled, len(results), report)
                partials.save(place, results[place])
    total = len(question.sets) * len(question.candidates)
    report(Event(_TASK, total, total))
    return tuple(results[place] for place in range(len(question.sets)))


def _measured(
    question: Question, models: Sequence[Model], labelled: LabelledSet, before: int, report: Report
) -> DatasetResult:
    """One data set; `before` says how many are finished."""
    count = len(models)
    scored: dict[str, Scored] = {}
    for candidate, model in zip(question.candidates, models, strict=True):
        done = before * count + len(scored)
        report(Event(_TASK, done, len(question.sets) * count, f"{labelled.name}: {candidate.name}"))
        scored[candidate.name] = score(candidate, model, labelled.name, labelled.data, question.place)
    return compare(
        labelled.name,
        labelled.file,
        labelled.negatives,
        labelled.labels,
        {name: each.logit for name, each in scored.items()},
        alpha={name: each.alpha for name, each in scored.items() if each.alpha},
        sequence_digest=labelled.data.digest,
        trials=question.trials,
        seed=question.seed,
        all_pairs=question.tukey,
    )
