"""Everything that can be checked of one installed plug-in package before its experts are let in."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np

from tfbs_hub.attribution.compute import attribute
from tfbs_hub.attribution.methods import find_method
from tfbs_hub.errors import IntegrityError, PluginError
from tfbs_hub.experts.conformance import PROMISES
from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.weights import read_tensors
from tfbs_hub.gate.gate_sets import read_stored
from tfbs_hub.hookspecs import API_VERSION, ExpertSpec
from tfbs_hub.limits import MAX_WEIGHTS_BYTES
from tfbs_hub.names import short
from tfbs_hub.plugins import Package, PluginManager, find_package, resolve, survey
from tfbs_hub.plugins.failures import describe, one_line
from tfbs_hub.plugins.manifest import said_api_version
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.registry.storage import read_capped
from tfbs_hub.workflows.models import Loader, check_expert, rebuild_expert

__all__ = ["Check", "PackageCheck", "check_package"]

T = TypeVar("T")

_WINDOW: Final = 31
"""Length of the sequences that an attribution method is tried on."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        subject: "package", "expert STAT3", "architecture danq", "source mine", "method mine".
        what: what was looked at, in a word or two.
        fault: what is wrong, on one line; empty where all is well.
        found: what was found where all is well, such as a version.
    """

    subject: str
    what: str
    fault: str = ""
    found: str = ""


@dataclass(frozen=True, kw_only=True)
class PackageCheck:
    """All checks of a package, in the order they were made."""

    package: Package
    checks: list[Check] = field(default_factory=list)

    @property
    def faults(self) -> list[Check]:
        """The checks that found something wrong."""
        return [check for check in self.checks if check.fault]


def check_package(plugins: PluginManager, name: str, *, report: Report = silent) -> PackageCheck:
    """Check an installed package: API version, manifest, names, weights, golden predictions, and what its hooks offer.

    Its code runs: hook modules are imported, architectures are built and asked, attribution methods are tried on a
    small network. Sources are not called, since they may use a network.

    Args:
        plugins: finds it; with the built-in plug-ins registered, so that names can clash with theirs.
        name: its distribution's name, spelt as pip accepts it.
        report: hears what is being checked.

    Raises:
        NotFoundError: no plug-in of this name is installed, or it may not be loaded.
        PluginError: with `TFBS_HUB_STRICT_PLUGINS=1`, at the first failure of any package.
    """
    package = find_package(survey(plugins), name)
    checks = _Checks(PackageCheck(package=package), report)
    for failure in package.failures:
        checks.note(Check(subject="package", what=failure.phase, fault=one_line(failure.message)))
    _check_version(package, checks)
    loader = Loader(plugins)
    for spec in package.experts:
        _check_expert(spec, loader, checks)
    for offered, reference in package.architectures.items():
        _check_architecture(offered, reference, loader, checks)
    for offered, reference in package.sources.items():
        _check_source(offered, reference, checks)
    for offered in package.attribution_methods:
        _check_method(offered, package.attribution_methods, checks)
    return checks.result


class _Checks:
    """Runs one check after another; what one raises is a fault, and no end."""

    def __init__(self, result: PackageCheck, report: Report) -> None:
        self.result = result
        self._report = report
        self._told: set[str] = set()

    def note(self, check: Check) -> None:
        self.result.checks.append(check)

    def run(self, subject: str, what: str, function: Callable[[], T]) -> T | None:
        """What `function` returns; None if it raised."""
        if subject not in self._told:
            self._told.add(subject)
            self._report(Event(f"checking {subject}"))
        try:
            answer = function()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in may raise anything; it is reported
            self.note(Check(subject=subject, what=what, fault=one_line(describe(error))))
            return None
        self.note(Check(subject=subject, what=what, found=answer if isinstance(answer, str) else ""))
        return answer


def _check_version(package: Package, checks: _Checks) -> None:
    wrong = {check.what for check in checks.result.faults}
    if "manifest" not in wrong:
        said = [*package.manifests, *package.hooks]
        checks.run("package", "API version", lambda: ", ".join(sorted({_version(module) for module in said})))
    for module in package.hooks:
        if package.implements:
            checks.note(Check(subject="package", what=f"hooks {module}", found=", ".join(package.implements)))


def _version(module: str) -> str:
    said = said_api_version(module)
    return str(said) if said is not None else f"{API_VERSION} (not said: {module.partition('.')[0]} has no manifest)"


def _check_expert(spec: ExpertSpec, loader: Loader, checks: _Checks) -> None:
    subject, card = f"expert {spec.card.name}", spec.card
    data = checks.run(subject, "digest", lambda: _bytes_as_promised(spec))
    if data is None:
        return
    where = f"weights of {card.name}"
    if checks.run(subject, "tensors", lambda: f"{len(read_tensors(data, where)[1])} tensors, all finite") is None:
        return
    expert = checks.run(subject, "network", lambda: rebuild_expert(card, data, loader.architecture))
    if expert is not None:
        checks.run(subject, "golden predictions", lambda: check_expert(card, expert))
    if card.gate_set.kind == "stored":
        checks.run(subject, "gate set", lambda: _stored_gate_set(spec))


def _bytes_as_promised(spec: ExpertSpec) -> bytes:
    data = read_capped(spec.weights, MAX_WEIGHTS_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    if digest != spec.card.weights_sha256:
        raise IntegrityError(
            f"the weights file has digest {short(digest)}, the card says {short(spec.card.weights_sha256)}",
            hint="the file was changed or damaged after packing: install the package again, or pack it again",
        )
    return data


def _stored_gate_set(spec: ExpertSpec) -> str:
    if spec.gate_set is None:
        raise IntegrityError(
            "the card says that it is stored, but the package does not bring it",
            hint="name gate-set.h5 in the manifest, or train with --no-gate-data",
        )
    return f"{len(read_stored(spec.card.name, spec.gate_set, spec.card.gate_set))} sequences"


def _check_architecture(name: str, reference: str, loader: Loader, checks: _Checks) -> None:
    subject = f"architecture {name}"
    architecture = checks.run(subject, "class", lambda: loader.architecture(reference))
    if architecture is None:
        return
    expert = checks.run(subject, "default network", lambda: _default_network(architecture))
    if expert is not None:
        for promise, check in PROMISES.items():
            checks.run(subject, promise, lambda check=check: check(expert))  # type: ignore[misc]


def _default_network(architecture: type[Expert]) -> Expert:
    expert = architecture.from_config({})
    if not isinstance(expert, architecture):
        raise PluginError(f"from_config returned {type(expert).__name__}, not {architecture.__name__}")
    return expert.eval()


def _check_source(name: str, reference: str, checks: _Checks) -> None:
    subject = f"source {name}"
    if checks.run(subject, "function", lambda: _takes(resolve(reference), "tf", "options")) is None:
        return
    module = importlib.import_module(reference.partition(":")[0])
    fetch_test = getattr(module, "fetch_test", None)
    if fetch_test is not None:
        checks.run(subject, "fetch_test", lambda: _takes(fetch_test, "tf", "options"))


def _takes(function: Any, *arguments: str) -> str:
    """`name(arguments)` of a function that can be called so; raises `PluginError`."""
    if not callable(function):
        raise PluginError(f"{type(function).__name__} cannot be called")
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise PluginError(f"it must take ({', '.join(arguments)}): {error}") from error
    return f"{getattr(function, '__name__', type(function).__name__)}({', '.join(arguments)})"


def _check_method(name: str, known: Mapping[str, str], checks: _Checks) -> None:
    subject = f"method {name}"
    method = checks.run(subject, "function", lambda: find_method(name, known))
    if method is not None:
        network = DeepBind.from_config({"window": _WINDOW, "detectors": 4, "width": 8}).eval()
        codes = np.random.default_rng(0).integers(0, 4, (3, _WINDOW), dtype=np.uint8)
        checks.run(subject, "result", lambda: str(attribute(network, codes, method).hypothetical.shape))
