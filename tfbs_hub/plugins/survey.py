"""What is installed, package by package: what each brings, and what was wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfbs_hub import settings
from tfbs_hub.errors import NotFoundError
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.plugins.discovery import HOOKS, MANIFEST, PluginEntry, normal_name
from tfbs_hub.plugins.failures import PluginFailure
from tfbs_hub.plugins.manager import PluginManager

__all__ = ["Package", "find_package", "survey"]


@dataclass(frozen=True, kw_only=True)
class Package:
    """One installed distribution that says it is a plug-in.

    Attributes:
        distribution, version: as its metadata writes them; the version may be empty.
        manifests: top-level packages that hold a manifest.
        hooks: modules of hook implementations.
        implements: names of the hooks that these implement.
        experts: what its manifest and its `tfbs_experts` hook offer, but for names that another package has.
        architectures, sources, attribution_methods: references by name, likewise.
        failures: what it did wrong so far.
    """

    distribution: str
    version: str
    manifests: Sequence[str] = ()
    hooks: Sequence[str] = ()
    implements: Sequence[str] = ()
    experts: Sequence[ExpertSpec] = ()
    architectures: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    attribution_methods: Mapping[str, str] = field(default_factory=dict)
    failures: Sequence[PluginFailure] = ()


def survey(plugins: PluginManager) -> list[Package]:
    """Every allowed package, by name. Asks each for all that it offers, so hook modules are imported.

    Raises:
        PluginError: only with `TFBS_HUB_STRICT_PLUGINS=1`.
    """
    specs = [*plugins.experts(), *plugins.hooked_experts()]
    offers = {hook: plugins.offers(hook) for hook in ("tfbs_architectures", "tfbs_sources", "tfbs_attribution_methods")}
    entries: dict[tuple[str, str], list[PluginEntry]] = {}
    for entry in plugins.entries():
        entries.setdefault((entry.distribution, entry.version), []).append(entry)
    for failure in plugins.failures:
        # One whose entry points cannot be read has none.
        entries.setdefault((failure.distribution, failure.version), [])

    def brought(hook: str, own: Sequence[PluginEntry]) -> dict[str, str]:
        return {offer.name: offer.reference for offer in offers[hook] if offer.entry in own}

    packages = []
    for (distribution, version), own in entries.items():
        origins = {entry.origin for entry in own}
        packages.append(
            Package(
                distribution=distribution,
                version=version,
                manifests=[entry.value for entry in own if entry.group == MANIFEST],
                hooks=[entry.value for entry in own if entry.group == HOOKS],
                implements=sorted({hook for entry in own for hook in plugins.hooks_of(entry)}),
                experts=[spec for spec in specs if spec.origin in origins],
                architectures=brought("tfbs_architectures", own),
                sources=brought("tfbs_sources", own),
                attribution_methods=brought("tfbs_attribution_methods", own),
                failures=[
                    failure
                    for failure in plugins.failures
                    if (failure.distribution, failure.version) == (distribution, version)
                ],
            )
        )
    return sorted(packages, key=lambda package: normal_name(package.distribution))


def find_package(packages: Sequence[Package], name: str) -> Package:
    """The package called `name`, spelt as pip accepts it.

    Raises:
        NotFoundError: it is not installed, is no plug-in, or may not be loaded.
    """
    known = {normal_name(package.distribution): package for package in packages}
    if normal_name(name) in known:
        return known[normal_name(name)]
    near = difflib.get_close_matches(normal_name(name), known, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`tfbs-hub plugins` lists what is installed"
    if settings.allowed_plugins() is not None:
        hint += "; TFBS_HUB_PLUGINS limits what may be loaded"
    raise NotFoundError(f"no installed plug-in is called {name!r}", hint=hint)
