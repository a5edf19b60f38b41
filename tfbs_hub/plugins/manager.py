"""The plug-in manager: experts from manifests, and hooks called one plug-in at a time."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pluggy

from tfbs_hub import hookspecs
from tfbs_hub.cards import ExpertCard
from tfbs_hub.errors import PluginError
from tfbs_hub.hookspecs import PROJECT, ExpertSpec
from tfbs_hub.names import check_name
from tfbs_hub.plugins.discovery import HOOKS, MANIFEST, PluginEntry, find_entries
from tfbs_hub.plugins.failures import FailureLog, Phase, PluginFailure
from tfbs_hub.plugins.manifest import ExpertRow, check_api_version, expert_spec, package_folder, read_manifest
from tfbs_hub.plugins.references import check_reference, is_module_path

__all__ = ["Offer", "PluginManager"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_NOTICES: Final = frozenset({"tfbs_expert_added", "tfbs_gate_promoted"})
"""Hooks that are told something; the others are asked, and must answer."""


@dataclass(frozen=True)
class Offer:
    """One architecture, source or attribution method.

    Attributes:
        entry: the entry point that brings it; None for one of tfbs-hub's own.
        name: what users call it.
        reference: `module:attribute`.
    """

    entry: PluginEntry | None
    name: str
    reference: str


class PluginManager:
    """Finds plug-ins and calls them, so that one that fails harms none of the others.

    Nothing is searched before it is asked for, and no hook module is imported before a hook is called.
    What tfbs-hub registers itself (`register_local`) is not isolated: its errors reach the caller.

    Args:
        warn: is given one printable line (no control characters, no markup) for each new failure.

    With `TFBS_HUB_STRICT_PLUGINS=1` every method raises `PluginError` at the first failure instead of going on.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._log = FailureLog(warn)
        self._hooks = pluggy.PluginManager(PROJECT)
        self._hooks.add_hookspecs(hookspecs)
        # Local plug-ins are those that no entry stands for.
        self._entry_of: dict[str, PluginEntry] = {}
        self._entries: list[PluginEntry] | None = None
        self._specs: list[ExpertSpec] | None = None
        self._imported = False

    @property
    def failures(self) -> Sequence[PluginFailure]:
        """All failures so far, each once, oldest first."""
        return tuple(self._log.failures)

    def entries(self) -> Sequence[PluginEntry]:
        """The entry points of all allowed plug-ins, found without importing any; searched once."""
        if self._entries is None:
            self._entries = find_entries(self._log)
        return tuple(self._entries)

    def experts(self) -> list[ExpertSpec]:
        """Experts of installed packages, from their manifests alone; read once.

        Names are unique whatever their case; the later package (in the order of distribution names) loses.
        """
        if self._specs is None:
            specs: dict[str, ExpertSpec] = {}
            for entry in self.entries():
                if entry.group == MANIFEST:
                    self._read_manifest(entry, specs)
            self._specs = list(specs.values())
        return list(self._specs)

    def hooked_experts(self, *, local_only: bool = False) -> list[ExpertSpec]:
        """Experts that `tfbs_experts` hooks offer; `local_only` asks no package, and so imports none.

        Local ones come first and as they are. A package's are given its distribution as `origin` and are never
        `enabled` (only a registry says what the next gate will mix); their names are unique among packages.
        """
        local: list[ExpertSpec] = []
        packaged: dict[str, ExpertSpec] = {}
        for entry, answer in self._answers("tfbs_experts", local_only=local_only):
            offers: list[object] = []
            with self._isolating(entry, "call"):
                if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
                    raise PluginError(f"tfbs_experts must return a list, not {type(answer).__name__}")
                offers = list(answer)
            for offer in offers:
                with self._isolating(entry, "call"):
                    spec = _checked_spec(offer)
                    if entry is None:
                        local.append(spec)
                    else:
                        _add_expert(packaged, replace(spec, origin=entry.origin, enabled=False))
        return [*local, *packaged.values()]

    def architectures(self) -> dict[str, str]:
        """Architectures by name, each `module:Class`; local ones first and not to be overridden."""
        return self._references("tfbs_architectures")

    def sources(self) -> dict[str, str]:
        """Sources by name, each `module:function`; local ones first and not to be overridden."""
        return self._references("tfbs_sources")

    def attribution_methods(self) -> dict[str, str]:
        """Attribution methods by name, each `module:function`; local ones first and not to be overridden."""
        return self._references("tfbs_attribution_methods")

    def offers(self, hook: str) -> list[Offer]:
        """What each plug-in offers through a hook that returns references by name, and who brings it."""
        found: dict[str, Offer] = {}
        for entry, answer in self._answers(hook):
            rows: list[tuple[object, object]] = []
            with self._isolating(entry, "call"):
                if not isinstance(answer, Mapping):
                    raise PluginError(f"{hook} must return a mapping, not {type(answer).__name__}")
                rows = list(answer.items())
            for name, reference in rows:
                with self._isolating(entry, "call"):
                    offer = _checked_offer(entry, name, reference, hook)
                    if offer.name in found:
                        raise PluginError(f"{hook}: the name {name!r} is taken by {found[offer.name].reference}")
                    found[offer.name] = offer
        return list(found.values())

    def hooks_of(self, entry: PluginEntry) -> list[str]:
        """Names of the hooks that the module of an entry implements; none if it could not be loaded."""
        self._import_hooks()
        for name, plugin in self._hooks.list_name_plugin():
            if self._entry_of.get(name) == entry:
                return sorted(caller.name for caller in self._hooks.get_hookcallers(plugin) or [])
        return []

    def notify_expert_added(self, ref: str, card: ExpertCard) -> None:
        """Tell every plug-in that an expert was added as `ref` (name@digest)."""
        self._notify("tfbs_expert_added", ref=ref, card=card)

    def notify_gate_promoted(self, old: str | None, new: str) -> None:
        """Tell every plug-in that the gate with digest `new` became current after `old`."""
        self._notify("tfbs_gate_promoted", old=old, new=new)

    def register_local(self, plugin: object, name: str) -> None:
        """Register a hashable object of tfbs-hub's own (built-ins, the local registry) as `name`.

        Raises:
            PluginError: it implements no hook, or one that does not exist.
            ValueError, pluggy.PluginValidationError: as pluggy's `register`.
        """
        self._register(plugin, name)

    def _isolating(self, entry: PluginEntry | None, phase: Phase) -> AbstractContextManager[None, bool | None]:
        if entry is None:
            return nullcontext()
        return self._log.isolating(entry.distribution, entry.version, phase)

    def _read_manifest(self, entry: PluginEntry, specs: dict[str, ExpertSpec]) -> None:
        rows: list[tuple[Path, ExpertRow]] = []
        with self._isolating(entry, "manifest"):
            folder = package_folder(entry.value)
            rows = [(folder, row) for row in read_manifest(folder).expert]
        for folder, row in rows:
            with self._isolating(entry, "manifest"):
                _add_expert(specs, expert_spec(folder, row, entry.origin))

    def _import_hooks(self) -> None:
        """Import and register every hook module that has not been tried yet."""
        if self._imported:
            return
        tried = {(entry.distribution, entry.name) for entry in self._entry_of.values()}
        for entry in self.entries():
            if entry.group != HOOKS or (entry.distribution, entry.name) in tried:
                continue
            module: ModuleType | None = None
            may_import = False
            with self._isolating(entry, "manifest"):
                check_api_version(entry.value)
                may_import = True
            if not may_import:
                continue
            with self._isolating(entry, "import"):
                if not is_module_path(entry.value):
                    raise PluginError(f"the entry point must name a module, not {entry.value!r}")
                module = importlib.import_module(entry.value)
            if module is not None:
                with self._isolating(entry, "register"):
                    # No local name holds this separator.
                    name = f"{entry.distribution} = {entry.name}"
                    self._register(module, name)
                    self._entry_of[name] = entry
        self._imported = True

    def _register(self, plugin: object, name: str) -> None:
        self._hooks.register(plugin, name)
        callers = self._hooks.get_hookcallers(plugin) or []
        unknown = sorted(caller.name for caller in callers if not caller.has_spec())
        if callers and not unknown:
            return
        self._hooks.unregister(plugin, name)
        known = ", ".join(caller for caller in vars(self._hooks.hook) if caller in hookspecs.__dict__)
        raise PluginError(
            f"unknown hook {unknown[0]}" if unknown else "it implements no hook",
            hint=f"mark functions with @hookimpl; the hooks are {known}",
        )

    def _answers(self, hook: str, *, local_only: bool = False, **arguments: Any) -> Iterator[tuple[Any, Any]]:
        """What each plug-in that implements `hook` answers, with its entry (None for a local one)."""
        if not local_only:
            self._import_hooks()
        plugins = self._hooks.list_name_plugin()
        implementing = {id(impl.plugin) for impl in getattr(self._hooks.hook, hook).get_hookimpls()}
        for name, plugin in plugins:
            entry = self._entry_of.get(name)
            if id(plugin) not in implementing or (local_only and entry is not None):
                continue
            others = [other for _, other in plugins if other is not plugin]
            answers: list[Any] = []
            with self._isolating(entry, "call"):
                answers = self._hooks.subset_hook_caller(hook, others)(**arguments)
                if not answers and hook not in _NOTICES:
                    raise PluginError(f"{hook} returned None")
            for answer in answers:
                yield entry, answer

    def _references(self, hook: str) -> dict[str, str]:
        return {offer.name: offer.reference for offer in self.offers(hook)}

    def _notify(self, hook: str, **arguments: Any) -> None:
        for _ in self._answers(hook, **arguments):
            pass


def _checked_offer(entry: PluginEntry | None, name: object, reference: object, hook: str) -> Offer:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{hook}: {name!r} is not a name of letters, digits, '_', '.', '+' and '-'")
    return Offer(entry, name, check_reference(reference, f"{hook}: {name}"))


def _add_expert(specs: dict[str, ExpertSpec], spec: ExpertSpec) -> None:
    """Add `spec`, unless its name is taken: registries lie on file systems that may not tell cases apart."""
    taken = specs.get(spec.card.name.casefold())
    if taken is not None:
        raise PluginError(f"the expert {spec.card.name!r} is already brought by {taken.origin}")
    specs[spec.card.name.casefold()] = spec


def _checked_spec(spec: object) -> ExpertSpec:
    if not isinstance(spec, ExpertSpec) or not isinstance(spec.card, ExpertCard):
        raise PluginError(f"tfbs_experts must return ExpertSpec objects, not {type(spec).__name__}")
    if not isinstance(spec.weights, Path) or not isinstance(spec.gate_set, Path | None):
        raise PluginError(f"the files of expert {spec.card.name!r} must be given as paths")
    check_name(spec.card.name)
    return spec
