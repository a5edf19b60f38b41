"""Which installed distributions say that they are plug-ins: the only place that asks for entry points."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tfbs_hub import settings
from tfbs_hub.plugins.failures import FailureLog

__all__ = ["HOOKS", "MANIFEST", "PluginEntry", "find_entries", "normal_name"]

MANIFEST: Final = "tfbs_hub.manifest"
"""Group whose values are top-level packages that hold a manifest."""
HOOKS: Final = "tfbs_hub"
"""Group whose values are modules of hook implementations."""


@dataclass(frozen=True, order=True)
class PluginEntry:
    """One entry point of one distribution; nothing of it has been imported.

    Attributes:
        distribution: name of the distribution, as it writes itself.
        name: name of the entry point.
        group: "tfbs_hub.manifest" or "tfbs_hub".
        value: the package, or the module of hooks.
        version: version of the distribution; empty where its metadata does not say.
    """

    distribution: str
    name: str
    group: str
    value: str
    version: str

    @property
    def origin(self) -> str:
        """Distribution and version as one text ("tfbs-experts-encode 0.1.0")."""
        return f"{self.distribution} {self.version}".rstrip()


def find_entries(log: FailureLog) -> list[PluginEntry]:
    """The allowed entry points of both groups, in an order that does not depend on the file system.

    `TFBS_HUB_PLUGINS` limits them by the name of the distribution (spelt as pip accepts it) or of the entry
    point; where it is empty, nothing at all is searched.
    """
    allowed = settings.allowed_plugins()
    if allowed is not None and not allowed:
        return []
    wanted = None if allowed is None else {normal_name(name) for name in allowed}
    entries = []
    for point in _entry_points(log):
        if point.group not in {MANIFEST, HOOKS}:
            continue
        distribution, version = _identity(point)
        if wanted is None or wanted & {normal_name(distribution), normal_name(point.name)}:
            entries.append(PluginEntry(distribution, point.name, point.group, point.value, version))
    return sorted(set(entries), key=lambda entry: (normal_name(entry.distribution), entry))


def _entry_points(log: FailureLog) -> list[importlib.metadata.EntryPoint]:
    try:
        found = importlib.metadata.entry_points()
        return [*found.select(group=MANIFEST), *found.select(group=HOOKS)]
    except Exception:  # noqa: BLE001 - not lost: asking one by one names the distribution that is broken
        return _one_by_one(importlib.metadata.distributions(), log)


def _one_by_one(
    distributions: Iterable[importlib.metadata.Distribution], log: FailureLog
) -> list[importlib.metadata.EntryPoint]:
    """The entry points of every distribution that can be read: one unreadable file must not hide the others."""
    points: list[importlib.metadata.EntryPoint] = []
    seen: set[str] = set()
    for distribution in distributions:
        name, version = _name_and_version(distribution)
        # The first on the path hides those behind it, as it does for import.
        if name and normal_name(name) in seen:
            continue
        seen.add(normal_name(name))
        with log.isolating(name, version, "manifest"):
            points.extend(distribution.entry_points)
    return points


def _identity(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    name, version = ("", "") if point.dist is None else _name_and_version(point.dist)
    return name or point.name, version


def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Name and version, each empty where the metadata is missing or does not say."""
    try:
        return distribution.name or "", distribution.version or ""
    except Exception:  # noqa: BLE001 - without metadata the entry point's own name will do
        return "", ""


def normal_name(name: str) -> str:
    """The name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
