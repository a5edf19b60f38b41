"""The one object that the command line, notebooks and the terminal UI talk to.

It is thin: every method wires parts that can be used without it. Importing it imports no torch; a method
imports what it needs when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tfbs_hub import settings
from tfbs_hub.cards import ExpertCard, GateCard
from tfbs_hub.errors import IntegrityError, NotFoundError, UsageError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.plugins import PluginManager
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.registry import Registry, open_registry

if TYPE_CHECKING:
    from tfbs_hub.experts.contract import Expert
    from tfbs_hub.gate.model import MixtureOfExperts
    from tfbs_hub.registry import Finding, GateRecord, GcPlan
    from tfbs_hub.sequences.dataset import SequenceDataset
    from tfbs_hub.workflows.admission import Admission
    from tfbs_hub.workflows.evaluate import Evaluation
    from tfbs_hub.workflows.models import Loader, Model
    from tfbs_hub.workflows.predict import Prediction

__all__ = ["MIXTURE", "Added", "Hub", "Retrained"]

MIXTURE = "moe"
"""Name of the mixture among models."""


@dataclass(frozen=True)
class Added:
    """An expert that was added.

    Attributes:
        spec: as the registry holds it now.
        untouched: path and sha256 of every older weights file: hashed before and after, and found equal.
    """

    spec: ExpertSpec
    untouched: Mapping[str, str]


@dataclass(frozen=True)
class Retrained:
    """A gate that became current.

    Attributes:
        card: the new gate's card.
        previous: digest of the gate before; None if this is the first.
        before: AUROC of the gate before on each gate set; None where it cannot be said.
        computed, reused: embeddings (pairs of expert and gate set) that were computed, and that were at hand.
        embedding_seconds: wall-clock time spent on getting them.
        untouched: path and sha256 of every expert's weights file: hashed before and after, and found equal.
    """

    card: GateCard
    previous: str | None
    before: Mapping[str, float | None]
    computed: int
    reused: int
    embedding_seconds: float
    untouched: Mapping[str, str]


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
        self._loader: Loader | None = None

    @classmethod
    def open(
        cls, path: str | Path | None = None, *, create: bool = False, warn: Callable[[str], None] | None = None
    ) -> Self:
        """Open a registry: `path`, or the one that `TFBS_HUB_REGISTRY`, the folder or the user has.

        Args:
            create: make an empty registry where a named one is missing.
            warn: is given one line for each plug-in that fails; by default it goes to stderr.
        """
        registry = open_registry(path, create=create)
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

    def _models(self) -> Loader:
        from tfbs_hub.workflows.models import Loader  # noqa: PLC0415

        if self._loader is None:
            self._loader = Loader(self.plugins)
        return self._loader

    def _door(self) -> Admission:
        from tfbs_hub.workflows.admission import Admission  # noqa: PLC0415

        return Admission(self.registry, self.plugins, self._models())

    def expert(self, name: str) -> Expert:
        """An expert's network, in eval mode, on the CPU: `forward` of one-hot (batch, 4, window) is its logit."""
        spec = self.spec(name)
        return self._models().expert(spec.card, lambda: self.registry.read_weights(spec))

    def gate(self) -> MixtureOfExperts:
        """The current mixture, in eval mode, on the CPU."""
        return self._mixture(self.gate_record())

    def _mixture(self, record: GateRecord) -> MixtureOfExperts:
        from tfbs_hub.workflows.models import rebuild_gate  # noqa: PLC0415

        members = [self._load(self.registry.version(member.digest, member.name)) for member in record.card.members]
        return rebuild_gate(record.card, self.registry.read_gate_weights(record), members)

    def _load(self, spec: ExpertSpec) -> Expert:
        return self._models().expert(spec.card, lambda: self.registry.read_weights(spec))

    def model(self, name: str = MIXTURE) -> Model:
        """The mixture ("moe") or an expert, ready to score windows."""
        from tfbs_hub.workflows.models import Model  # noqa: PLC0415

        if name == MIXTURE:
            record = self.gate_record()
            network = self.gate()
            names = tuple(member.name for member in record.card.members)
            return Model(MIXTURE, network, network.window, network.strand_symmetric, names)
        expert = self.expert(name)
        return Model(name, expert, expert.window, expert.strand_symmetric)

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
            model: "moe" or an expert's name.
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

    def evaluate(
        self,
        files: Sequence[str | Path],
        *,
        models: Sequence[str] | None = None,
        device: str = "cpu",
        report: Report = silent,
    ) -> Evaluation:
        """AUROC, AUPRC, Brier score and ECE of each model on each labelled file.

        Args:
            files: data sets, named by their stems.
            models: "moe" and names of experts; by default the mixture and its experts.
        """
        from tfbs_hub.prediction import choose_device  # noqa: PLC0415
        from tfbs_hub.workflows.evaluate import evaluate, read_datasets  # noqa: PLC0415

        names = self._default_models() if models is None else list(models)
        if not names:
            raise UsageError("there is no model to evaluate", hint="name some: moe, or experts")
        asked = [self.model(name) for name in dict.fromkeys(names)]
        return evaluate(asked, read_datasets(files), device=choose_device(device), report=report)

    def _default_models(self) -> list[str]:
        record = self.registry.gate()
        if record is not None:
            return [MIXTURE, *(member.name for member in record.card.members)]
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
            loader=self._models(),
            sources=self.plugins.sources(),
            architectures=self.plugins.architectures(),
            cache=self.cache,
            report=report,
        )
        spec = self._door().place(built.card, built.files, replace=request.replace)
        return Added(spec, self._unchanged(before))

    def _unchanged(self, before: Mapping[str, str]) -> dict[str, str]:
        """The weights files of `before` that are still there, hashed anew; raises if one differs."""
        after = {path: digest for path, digest in self.registry.snapshot_digests().items() if path in before}
        for path, digest in after.items():
            if digest != before[path]:
                raise IntegrityError(
                    "this file changed while the command ran", where=path, hint="run `tfbs-hub verify`"
                )
        return after

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
        from tfbs_hub.prediction import choose_device  # noqa: PLC0415
        from tfbs_hub.workflows.gather import gather  # noqa: PLC0415
        from tfbs_hub.workflows.retrain_gate import Member, Previous, build_gate  # noqa: PLC0415

        self.registry.check_writable()
        place = choose_device(device)
        before = self.registry.snapshot_digests()
        specs = self._chosen(experts)
        members = [Member(spec.card, self._load(spec)) for spec in specs]
        gate_sets = gather(
            specs, [Path(path) for path in data], simulated=simulated_gate_sets, seed=seed, report=report
        )
        record = self.registry.gate()
        previous = None
        if record is not None:
            previous = Previous(self.gate().gate, [member.digest for member in record.card.members])
        built = build_gate(
            members,
            gate_sets,
            recipe_name=gate,
            previous=previous,
            trials=trials,
            seed=seed,
            device=place,
            cache=self.cache,
            report=report,
        )
        old = None if record is None else record.digest
        promoted = self.registry.add_gate(built.card, built.weights, expected=old)
        if promoted.digest != old:
            self.plugins.notify_gate_promoted(old, promoted.digest)
        return Retrained(
            card=promoted.card,
            previous=old,
            before=built.before,
            computed=built.embedded.computed,
            reused=built.embedded.reused,
            embedding_seconds=built.embedded.seconds,
            untouched={path: digest for path, digest in self._unchanged(before).items() if path.startswith("experts/")},
        )

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

    def import_expert(self, path: str | Path) -> ExpertSpec:
        """Add the expert of a bundle, checked from its digests to its golden predictions."""
        self.registry.check_writable()
        return self._door().unpack(Path(path))

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
        from tfbs_hub.experts.golden import check_golden  # noqa: PLC0415
        from tfbs_hub.workflows.models import check_expert  # noqa: PLC0415

        def check(spec: ExpertSpec) -> None:
            report(Event(f"recomputing golden predictions of {spec.card.name}"))
            check_expert(spec.card, self._load(spec))

        def check_gate(record: GateRecord) -> None:
            mixture = self._mixture(record)
            check_golden(mixture, mixture.window, record.card.golden, "golden predictions of the gate")

        return self.registry.verify(check, check_gate)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"warning: {line}\n")


def _register_builtins(plugins: PluginManager, registry: Registry) -> None:
    from tfbs_hub.builtin import Builtins, LocalExperts  # noqa: PLC0415

    plugins.register_local(Builtins(), "tfbs-hub")
    plugins.register_local(LocalExperts(registry), "local registry")
