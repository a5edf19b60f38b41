"""The networks of a registry and of installed packages, rebuilt from verified bytes when they are asked for."""

from __future__ import annotations

from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.golden import check_golden
from tfbs_hub.gate.mean import MeanOfExperts
from tfbs_hub.gate.model import MixtureOfExperts
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.plugins import PluginManager
from tfbs_hub.registry import GateRecord, Registry
from tfbs_hub.workflows.candidates import MEAN, Candidate
from tfbs_hub.workflows.models import Loader, Model, check_expert, rebuild_gate

__all__ = ["Shelf"]


class Shelf:
    """Loads networks; each call gives a new one, in eval mode, on the CPU.

    Args:
        registry: has the bytes.
        plugins: knows the architectures.

    Attributes:
        loader: turns cards and bytes into networks.
    """

    def __init__(self, registry: Registry, plugins: PluginManager) -> None:
        self.loader = Loader(plugins)
        self._registry = registry

    def expert(self, spec: ExpertSpec) -> Expert:
        """An expert of the registry or of a package."""
        return self.loader.expert(spec.card, lambda: self._registry.read_weights(spec))

    def members(self, record: GateRecord) -> list[Expert]:
        """The very versions that a gate mixes, in its order."""
        return [self.expert(self._registry.version(member.digest, member.name)) for member in record.card.members]

    def mixture(self, record: GateRecord) -> MixtureOfExperts:
        """A gate with its experts."""
        return rebuild_gate(record.card, self._registry.read_gate_weights(record), self.members(record))

    def check_expert(self, spec: ExpertSpec) -> None:
        """Recompute the golden predictions of an expert; raises `IntegrityError`."""
        check_expert(spec.card, self.expert(spec))

    def check_gate(self, record: GateRecord) -> None:
        """Recompute the golden predictions of a gate; raises `IntegrityError`."""
        mixture = self.mixture(record)
        check_golden(mixture, mixture.window, record.card.golden, "golden predictions of the gate")

    def model(self, candidate: Candidate) -> Model:
        """A candidate, ready to score windows."""
        name, source = candidate.name, candidate.source
        if isinstance(source, ExpertSpec):
            expert = self.expert(source)
            return Model(name, expert, expert.window, expert.strand_symmetric)
        if name == MEAN:
            mean = MeanOfExperts(self.members(source))
            return Model(name, mean, mean.window, mean.strand_symmetric)
        mixture = self.mixture(source)
        experts = tuple(member.name for member in source.card.members)
        return Model(name, mixture, mixture.window, mixture.strand_symmetric, experts)
