"""The one object that the command line, notebooks and the terminal UI talk to.

It is thin: every method wires parts that can be used without it. Importing it imports no torch; a method
imports what it needs when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tfbs_hub import settings
from tfbs_hub.cards import ExpertCard
from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.plugins import PluginManager
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.registry import Registry, open_registry
from tfbs_hub.workflows.candidates import MEAN, MIXTURE, Candidate
from tfbs_hub.workflows.outcomes import Added, Retrained, unchanged

if TYPE_CHECKING:
    from tfbs_hub.attribution.learned import LearnedMotifs
    from tfbs_hub.attribution.tracks import Explanation
    from tfbs_hub.evaluation.results import EvaluationRun
    from tfbs_hub.experts.contract import Expert
    from tfbs_hub.gate.model import MixtureOfExperts
    from tfbs_hub.registry import Finding, GateRecord, GcPlan
    from tfbs_hub.sequences.dataset import SequenceDataset
    from tfbs_hub.workflows.admission import Admission
    from tfbs_hub.workflows.explain import Explainer
    from tfbs_hub.workflows.models import Model
    from tfbs_hub.workflows.newcomer import Assessment
    from tfbs_hub.workflows.predict import Prediction
    from tfbs_hub.workflows.shelf import Shelf

__all__ = ["MEAN", "MIXTURE", "Added", "Hub", "Retrained"]


class Hub:
    """Experts, their gate, and what can be done with them.

    Args:
        registry: where they are kept.
        plugins: what installed packages bring.
        cache: folder for derived files.
    """

    def __init__(self, registry: Registry, plugins: PluginManager, cache: Path) -> None:
        self.registry = registry
        self.plugins = plugins
        self.cache = cache
        self._kept_shelf: Shelf | None = None

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        create: bool = False,
        read_only: bool = False,
        warn: Callable[[str], None] | None = None,
    ) -> Self:
        """Open a registry: `path`, or the one that `TFBS_HUB_REGISTRY`, the folder or the user has.

        Args:
            create: make an empty registry where a named one is missing.
            read_only: refuse every change, whatever the file system permits.
            warn: is given one line for each plug-in that fails; by default it goes to stderr.
        """
        registry = open_registry(path, create=create)
        registry.read_only = registry.read_only or read_only
        plugins = PluginManager(warn or _to_stderr)
        _register_builtins(plugins, registry)
        return cls(registry, plugins, settings.cache_folder())

    # -- looking ------------------------------------------------------------------------------------

    def listing(self) -> list[ExpertSpec]:
        """Every expert of the registry, then those that installed packages offer and the registry lacks."""
        own = self.plugins.hooked_experts(local_only=True)
        taken = {spec.card.name.lower() for spec in own}
        return own + [spec for spec in self.plugins.experts() if spec.card.name.lower() not in taken]

    def experts(self) -> list[ExpertCard]:
        """The cards of all experts in the registry, by name."""
        return [spec.card for spec in self.registry.experts()]

    def spec(self, name: str) -> ExpertSpec:
        """An expert of the registry or of a package; raises `NotFoundError` with near names."""
        for spec in self.listing():
            if spec.card.name == name:
                return spec
        return self.registry.expert(name)

    def gate_record(self) -> GateRecord:
        """The current gate; raises `NotFoundError` if there is none."""
        record = self.registry.gate()
        if record is None:
            raise NotFoundError("this registry has no gate yet", hint="train one: tfbs-hub retrain-gate")
        return record

    # -- models -------------------------------------------------------------------------------------

    def _shelf(self) -> Shelf:
        from tfbs_hub.workflows.shelf import Shelf  # noqa: PLC0415

        if self._kept_shelf is None:
            self._kept_shelf = Shelf(self.registry, self.plugins)
        return self._kept_shelf

    def _door(self) -> Admission:
        from tfbs_hub.workflows.admission import Admission  # noqa: PLC0415

        return Admission(self.registry, self.plugins, self._shelf().loader)

    def _candidate(self, name: str) -> Candidate:
        if name in {MIXTURE, MEAN}:
            return Candidate(name, self.gate_record())
        spec = self.spec(name)
        return Candidate(spec.card.name, spec)

    def expert(self, name: str) -> Expert:
        """An expert's network, in eval mode, on the CPU: `forward` of one-hot (batch, 4, window) is its logit."""
        return self._shelf().expert(self.spec(name))

    def gate(self) -> MixtureOfExperts:
        """The current mixture, in eval mode, on the CPU."""
        return self._shelf().mixture(self.gate_record())

    def model(self, name: str = MIXTURE) -> Model:
        """The mixture ("moe"), the plain mean of its experts ("mean") or an expert, ready to score windows."""
        return self._shelf().model(self._candidate(name))

    # -- asking -------------------------------------------------------------------------------------

    def predict(
        self,
        sequences: str | Path | Sequence[str] | SequenceDataset,
        model: str = MIXTURE,
        *,
        tile: int | None = None,
        genome: Path | None = None,
        device: str = "cpu",
    ) -> Prediction:
        """Predictions for sequences, both strands averaged, one row each (see `Prediction`).

        Args:
            sequences: a list of strings, the path of a file, or a data set.
            model: "moe", "mean" or an expert's name.
            tile: slide the window by so many base pairs over longer sequences.
            genome: FASTA of the genome that a BED file refers to.
            device: "auto", "cpu" or "cuda".
        """
        from tfbs_hub.prediction import choose_device  # noqa: PLC0415
        from tfbs_hub.workflows.predict import batches_of, joined, predict  # noqa: PLC0415

        asked = self.model(model)
        batches = batches_of(sequences, genome=genome, window=asked.window)
        return joined(asked, list(predict(asked, batches, step=tile, device=choose_device(device))))

    def predict_stream(
        self,
        path: str | Path,
        model: Model,
        *,
        tile: int | None = None,
        genome: Path | None = None,
        device: str = "cpu",
    ) -> Iterator[Prediction]:
        """As `predict`, batch by batch, in memory that does not grow with the file."""
        from tfbs_hub.prediction import choose_device  # noqa: PLC0415
        from tfbs_hub.workflows.predict import batches_of, predict  # noqa: PLC0415

        batches = batches_of(Path(path), genome=genome, window=model.window)
        yield from predict(model, batches, step=tile, device=choose_device(device))

    def explain(
        self,
        sequences: str | Path | Sequence[str] | SequenceDataset,
        method: str = "shiftsmooth",
        model: str = MIXTURE,
        *,
        shifts: int | None = None,
        both_strands: bool = False,
        corrected: bool = False,
        tile: int | None = None,
        genome: Path | None = None,
        device: str = "cpu",
        report: Report = silent,
    ) -> Explanation:
        """Which bases of sequences made a model say what it said (see `Explanation`).

        Args:
            sequences: a list of strings, the path of a file, or a data set.
            method: an attribution method: "shiftsmooth", "gradient", "saliency", "integrated-gradients",
                "smoothgrad", "mutagenesis", "shiftsmooth-padded", or a plug-in's.
            model: "moe", "mean" or an expert's name.
            shifts: of ShiftSmooth, to either side (10 by default); an error with methods that do not shift.
            both_strands: average with the attribution of the other strand.
            corrected: remove the mean over the four bases.
            tile: slide the window by so many base pairs over longer sequences; peaks are then taken as they stand.
            genome: FASTA of the genome that a BED file refers to.
            device: "auto", "cpu" or "cuda".
        """
        from tfbs_hub.attribution.tracks import joined  # noqa: PLC0415
        from tfbs_hub.workflows.predict import batches_of  # noqa: PLC0415

        asked = self.explainer(
            method, model, shifts=shifts, both_strands=both_strands, corrected=corrected, tile=tile, device=device
        )
        batches = batches_of(sequences, genome=genome, window=asked.model.window if tile is None else None)
        return joined(list(asked.stream(batches, report)))

    def explainer(
        self,
        method: str = "shiftsmooth",
        model: str = MIXTURE,
        *,
        shifts: int | None = None,
        both_strands: bool = False,
        corrected: bool = False,
        tile: int | None = None,
        device: str = "cpu",
    ) -> Explainer:
        """A model and a method, ready to explain batches and to call seqlets; arguments as of `explain`."""
        from tfbs_hub.prediction import choose_device  # noqa: PLC0415
        from tfbs_hub.workflows.explain import Explainer, model_digest, settled  # noqa: PLC0415

        candidate = self._candidate(model)
        return Explainer(
            model=self._shelf().model(candidate),
            digest=model_digest(candidate),
            method=settled(method, self.plugins.attribution_methods(), shifts=shifts),
            both_strands=both_strands,
            corrected=corrected,
            step=tile,
            device=choose_device(device),
            cache=self.cache,
            packages=tuple(sorted({entry.origin for entry in self.plugins.entries()})),
        )

    def learned_motifs(self, name: str) -> LearnedMotifs | None:
        """What an expert has learned, if that was computed before; None else. Reads a file and loads no network."""
        from tfbs_hub.attribution.learned import read_learned  # noqa: PLC0415

        return read_learned(self.cache, self.spec(name).card.weights_sha256)

    def learn_motifs(self, name: str, *, device: str = "cpu", report: Report = silent) -> LearnedMotifs:
        """Explain bound sequences of an expert, count and align the motifs in them, and keep the result."""
        from tfbs_hub.workflows.learn_motifs import learn_motifs  # noqa: PLC0415

        return learn_motifs(self.explainer(model=name, device=device), self.spec(name), self.cache, report)

    def evaluate(
        self,
        files: str | Path | Sequence[str | Path],
        models: str | Sequence[str] | None = None,
        *,
        bootstrap: int = 30,
        seed: int = 0,
        negatives: str = "given",
        tukey: bool = False,
        genome: str | Path | None = None,
        device: str = "cpu",
        report: Report = silent,
    ) -> EvaluationRun:
        """Measure models on labelled files and test their differences; see `tfbs_hub.evaluation.results`.

        The run is kept in the registry if that may be written, and the same question gives the same run; one that
        was stopped goes on from its last finished data set.

        Args:
            files: data sets, named by their stems.
            models: "moe", "mean" (the plain mean of the mixture's experts) and names of experts; by default all of
                these that the current gate mixes.
            bootstrap: resamples of the rows, the same for all models.
            seed: of the resamples.
            negatives: "given" by the files, or "other-tfs": the bound rows of the other files.
            tukey: compare all pairs of models, however many they are.
            genome: FASTA of the genome that BED files refer to.
            device: "auto", "cpu" or "cuda".

        Raises:
            UsageError, InputError, NotFoundError: what was asked for cannot be.
            PluginError: a model fails, or gives a score that is not finite.
        """
        from tfbs_hub.workflows.labelled import read_labelled  # noqa: PLC0415

        names = [models] if isinstance(models, str) else self._default_models() if models is None else models
        candidates = {each.name: each for each in map(self._candidate, names)}
        if not candidates:
            raise UsageError("there is no model to evaluate", hint="name some: moe, or experts")
        window = max(candidate.window for candidate in candidates.values())
        paths = [files] if isinstance(files, str | Path) else files
        sets = read_labelled(paths, negatives=negatives, genome=genome, window=window, report=report)

        from tfbs_hub.workflows.evaluate import Question, evaluate  # noqa: PLC0415 - torch, for a question that can be

        question = Question(
            candidates=tuple(candidates.values()),
            sets=sets,
            genome=None if genome is None else Path(genome),
            trials=bootstrap,
            seed=seed,
            tukey=tukey,
            device=device,
        )
        return evaluate(
            question, lambda each: self._shelf().model(each), registry=self.registry, cache=self.cache, report=report
        )

    def _default_models(self) -> list[str]:
        record = self.registry.gate()
        if record is not None:
            members = [member.name for member in record.card.members]
            return [MIXTURE, *([MEAN] if len(members) > 1 else []), *members]
        return [card.name for card in self.experts()]

    # -- changing -----------------------------------------------------------------------------------

    def add_expert(self, tf: str, *, report: Report = silent, **options: Any) -> Added:
        """Train an expert (or wrap a matrix as one) and add it to the registry.

        Args:
            tf: the transcription factor.
            options: the attributes of `tfbs_hub.workflows.request.Request`, which describes them.

        Returns:
            What was added, and proof that nothing else changed.

        Raises:
            UsageError, InputError, NotFoundError: what was asked for cannot be.
            ReadOnlyError: the registry may not be written (said before anything is fetched or trained).
            TrainingError: the loss or a validation score is not finite.
        """
        from tfbs_hub.workflows.make_expert import make  # noqa: PLC0415
        from tfbs_hub.workflows.request import Request  # noqa: PLC0415

        self.registry.check_writable()
        request = Request(tf=tf, **options)
        before = self.registry.snapshot_digests()
        built = make(
            request,
            taken={card.name.lower() for card in self.experts()},
            loader=self._shelf().loader,
            sources=self.plugins.sources(),
            architectures=self.plugins.architectures(),
            cache=self.cache,
            report=report,
        )
        spec = self._door().place(built.card, built.files, replace=request.replace)
        return Added(spec, unchanged(self.registry, before))

    def assess(self, name: str, *, report: Report = silent) -> Assessment:
        """What an expert of the registry brings beside the enabled ones and the current gate.

        Raises:
            NotFoundError: there is no such expert, or its gate set cannot be had.
        """
        from tfbs_hub.workflows.newcomer import assess  # noqa: PLC0415

        self._check_own(name)
        newcomer = self.registry.expert(name)
        others = [spec for spec in self.registry.experts() if spec.enabled and spec.card.name != newcomer.card.name]
        return assess(newcomer, others, self._shelf(), self.registry.gate(), report=report)

    def retrain_gate(
        self,
        *,
        experts: Sequence[str] | None = None,
        gate: str = "balanced",
        data: Sequence[str | Path] = (),
        simulated_gate_sets: bool = False,
        trials: int = 0,
        device: str = "auto",
        seed: int = 0,
        report: Report = silent,
    ) -> Retrained:
        """Train a gate over the enabled experts, and make it current; no expert's byte changes.

        Args:
            experts: names to mix; by default all enabled ones.
            gate: name of the recipe: "balanced", or "paper" for the optimiser of Tripathi et al. 2024.
            data: further files to learn from.
            simulated_gate_sets: simulate from JASPAR what cannot be had, and say so on the card.
            trials: size of a hyperparameter search.
        """
        from tfbs_hub.workflows.retrain_gate import retrain  # noqa: PLC0415

        self.registry.check_writable()
        made = retrain(
            self.registry,
            self._shelf(),
            self._chosen(experts),
            gate=gate,
            data=[Path(path) for path in data],
            simulated_gate_sets=simulated_gate_sets,
            trials=trials,
            device=device,
            seed=seed,
            cache=self.cache,
            report=report,
        )
        if made.card.weights_sha256 != made.previous:
            self.plugins.notify_gate_promoted(made.previous, made.card.weights_sha256)
        return made

    def _chosen(self, names: Sequence[str] | None) -> list[ExpertSpec]:
        if names is None:
            chosen = [spec for spec in self.registry.experts() if spec.enabled]
        else:
            for name in names:
                self._check_own(name)
            chosen = [self.registry.expert(name) for name in dict.fromkeys(names)]
        if not chosen:
            raise UsageError(
                "there is no enabled expert to mix", hint="add one: tfbs-hub add-expert TF, or enable one that is there"
            )
        return sorted(chosen, key=lambda spec: spec.card.name)

    def enable(self, name: str) -> ExpertSpec:
        """Let the next gate mix an expert; a package's is copied into the registry first."""
        self.registry.check_writable()
        offered = self._offered(name)
        return self.registry.set_enabled(name, enabled=True) if offered is None else self._door().copy_in(offered)

    def disable(self, name: str) -> ExpertSpec:
        """Keep the next gate from mixing an expert; the current gate stays as it is."""
        self._check_own(name)
        return self.registry.set_enabled(name, enabled=False)

    def remove(self, name: str) -> None:
        """Take an expert out of the registry; its bytes stay until `gc`."""
        self._check_own(name)
        self.registry.remove(name)

    def _offered(self, name: str) -> ExpertSpec | None:
        """The expert of that name in an installed package, unless the registry has one."""
        wanted = name.casefold()
        if any(card.name.casefold() == wanted for card in self.experts()):
            return None
        return next((spec for spec in self.plugins.experts() if spec.card.name.casefold() == wanted), None)

    def _check_own(self, name: str) -> None:
        """Raise `NotFoundError` if the expert is only in a package."""
        offered = self._offered(name)
        if offered is not None:
            raise NotFoundError(
                f"{offered.card.name} is in the package {offered.origin}, not in the registry",
                hint=f"copy it in first: tfbs-hub enable {offered.card.name}",
            )

    def export_expert(self, name: str, target: str | Path) -> Path:
        """Write an expert as one file."""
        from tfbs_hub.registry.bundle import export_expert  # noqa: PLC0415

        self._check_own(name)
        return export_expert(self.registry, name, Path(target))

    def import_expert(self, path: str | Path, *, name: str | None = None) -> ExpertSpec:
        """Add the expert of a bundle, checked from its digests to its golden predictions; `name` renames it."""
        self.registry.check_writable()
        return self._door().unpack(Path(path), name)

    def rollback(self, number: int | None = None) -> int:
        """Go back to the state of a generation (by default the one before); returns the new generation."""
        return self.registry.rollback(number).number

    def gc(self, *, keep: int = 10, apply: bool = False) -> GcPlan:
        """What can be thrown away; with `apply` it is."""
        return self.registry.gc(keep=keep, apply=apply)

    def verify(self, *, files_only: bool = False, report: Report = silent) -> list[Finding]:
        """Check every file of every generation, and what each expert and the gate compute today.

        Args:
            files_only: leave out rebuilding the networks and their golden predictions.
        """
        if files_only:
            return self.registry.verify()
        shelf = self._shelf()

        def check(spec: ExpertSpec) -> None:
            report(Event(f"recomputing golden predictions of {spec.card.name}"))
            shelf.check_expert(spec)

        return self.registry.verify(check, shelf.check_gate)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"warning: {line}\n")


def _register_builtins(plugins: PluginManager, registry: Registry) -> None:
    from tfbs_hub.builtin import Builtins, LocalExperts  # noqa: PLC0415

    plugins.register_local(Builtins(), "tfbs-hub")
    plugins.register_local(LocalExperts(registry), "local registry")
