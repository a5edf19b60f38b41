"""Taking an expert into the registry: new from training, or from elsewhere and then never unchecked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfbs_hub.cards import ExpertCard
from tfbs_hub.errors import IntegrityError
from tfbs_hub.gate.gate_sets import parse_stored
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.limits import MAX_GATE_SET_BYTES
from tfbs_hub.names import check_name, short
from tfbs_hub.plugins import PluginManager
from tfbs_hub.registry import Registry
from tfbs_hub.registry.bundle import read_bundle
from tfbs_hub.registry.storage import read_capped
from tfbs_hub.workflows.models import Loader, check_expert, rebuild_expert

__all__ = ["Admission"]


class Admission:
    """The door of a registry; whoever comes in is announced to the plug-ins.

    Args:
        registry: is checked to be writable by the caller.
        plugins: hear of every new expert.
        loader: knows the architectures.
    """

    def __init__(self, registry: Registry, plugins: PluginManager, loader: Loader) -> None:
        self._registry = registry
        self._plugins = plugins
        self._loader = loader

    def place(self, card: ExpertCard, files: Mapping[str, bytes], *, replace: bool = False) -> ExpertSpec:
        """Add an expert that was made here; `replace` lets it take the place of the one of its name."""
        spec = self._registry.add_expert(card, files, enabled=True, replace=replace)
        self._plugins.notify_expert_added(f"{spec.card.name}@{short(spec.card.weights_sha256)}", spec.card)
        return spec

    def copy_in(self, offered: ExpertSpec) -> ExpertSpec:
        """Copy a package's expert; it outlives the package."""
        files = {"weights.safetensors": self._registry.read_weights(offered)}
        if offered.gate_set is not None:
            files["gate-set.h5"] = _read_gate_set(offered.gate_set)
        return self._checked(offered.card, files)

    def unpack(self, path: Path, name: str | None = None) -> ExpertSpec:
        """Add the expert of a bundle, under the name on its card or another one."""
        bundle = read_bundle(path)
        card = bundle.card if name is None else replace(bundle.card, name=check_name(name))
        return self._checked(card, bundle.files)

    def _checked(self, card: ExpertCard, files: Mapping[str, bytes]) -> ExpertSpec:
        """Rebuild the network, recompute its golden predictions and read its gate set before anything is written."""
        expert = rebuild_expert(card, files["weights.safetensors"], self._loader.architecture)
        check_expert(card, expert)
        if card.gate_set.kind == "stored" and "gate-set.h5" in files:
            parse_stored(card.name, files["gate-set.h5"], card.gate_set)
        return self.place(card, files)


def _read_gate_set(path: Path) -> bytes:
    try:
        return read_capped(path, MAX_GATE_SET_BYTES)
    except FileNotFoundError as error:
        raise IntegrityError("this file is missing", where=str(path), hint="install the package again") from error
