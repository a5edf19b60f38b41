"""What tfbs-hub brings itself, offered through the same hooks as a third party's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfbs_hub.attribution.methods import BUILTIN as METHODS
from tfbs_hub.experts import BUILTIN as ARCHITECTURES
from tfbs_hub.hookspecs import ExpertSpec, hookimpl
from tfbs_hub.registry import Registry
from tfbs_hub.sources import BUILTIN as SOURCES

__all__ = ["Builtins", "LocalExperts"]


class Builtins:
    """The built-in architectures, sources and attribution methods."""

    @hookimpl
    def tfbs_architectures(self) -> Mapping[str, str]:
        """Architectures by name."""
        return ARCHITECTURES

    @hookimpl
    def tfbs_sources(self) -> Mapping[str, str]:
        """Sources by name."""
        return SOURCES

    @hookimpl
    def tfbs_attribution_methods(self) -> Mapping[str, str]:
        """Attribution methods by name."""
        return METHODS


class LocalExperts:
    """The experts of the local registry.

    Args:
        registry: read anew on each call.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @hookimpl
    def tfbs_experts(self) -> Sequence[ExpertSpec]:
        """The registry's experts, by name."""
        return self._registry.experts()
