"""The conformance kit for authors of plug-ins: base classes whose tests a package inherits. Needs pytest.

    from tfbs_hub.testing import ExpertConformance, PackageConformance

    class TestNetwork(ExpertConformance):
        @pytest.fixture
        def expert(self):
            return MyNetwork.from_config({})

    class TestPackage(PackageConformance):
        distribution = "my-package"

The package must be installed (`pip install -e .`), because that is how tfbs-hub finds it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, NoReturn

import pytest

from tfbs_hub.builtin import Builtins
from tfbs_hub.errors import NotFoundError, OfflineError, UsageError
from tfbs_hub.experts.conformance import PROMISES, check_bad_config
from tfbs_hub.experts.contract import Expert
from tfbs_hub.names import DIGEST
from tfbs_hub.plugins import Package, PluginManager, find_package, survey
from tfbs_hub.sequences.alphabet import UNKNOWN
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sources.options import SourceOptions
from tfbs_hub.workflows.check_package import check_package

__all__ = ["ExpertConformance", "PackageConformance", "SourceConformance"]

Fetch = Callable[[str, SourceOptions], SequenceDataset]

_HEAVY: Final = ("torch", "h5py", "scipy", "sklearn", "optuna", "matplotlib", "pandas")
"""Modules that a hook module may not import: every command that asks for hooks would wait for them."""

_PROBE: Final = """
import importlib, json, sys
module, heavy = sys.argv[1], sys.argv[2:]
importlib.import_module(module)
print(json.dumps([name for name in heavy if name in sys.modules]))
"""

_LISTING: Final = """
import json, sys
from tfbs_hub.plugins import PluginManager
plugins = PluginManager(lambda line: None)
plugins.experts()
print(json.dumps([name for name in sys.argv[1:] if name in sys.modules]))
"""


class ExpertConformance:
    """Tests of an architecture. A subclass has a fixture `expert`: a network of it, fresh or trained.

    Attributes:
        bad_configs: configurations that `from_config` must refuse with `UsageError`.
    """

    bad_configs: ClassVar[Sequence[Mapping[str, Any]]] = ()

    @pytest.fixture(autouse=True)
    def no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An expert works offline."""
        _close_network(monkeypatch)

    @pytest.mark.parametrize("promise", PROMISES)
    def test_promise(self, expert: Expert, promise: str) -> None:
        """Each promise of `tfbs_hub.experts.conformance`."""
        PROMISES[promise](expert.eval())

    def test_bad_configs_are_refused(self, expert: Expert) -> None:
        """Configurations that cannot be raise `UsageError`, and nothing else."""
        for config in self.bad_configs:
            check_bad_config(type(expert), config)

    def test_an_empty_config_builds_the_default_network(self, expert: Expert) -> None:
        """`add-expert --architecture` builds it so."""
        built = type(expert).from_config({})
        if type(built) is not type(expert):
            pytest.fail(f"from_config({{}}) returned {type(built).__name__}")


class SourceConformance:
    """Tests of a source. A subclass has fixtures `fetch` (the function) and `options`.

    With these options `fetch(tf, options)` must find sequences; let tests be quick and use no network but 127.0.0.1.

    Attributes:
        tf: a factor that the source knows.
        unknown_tf: one that it does not know; empty if it takes any name.
    """

    tf: ClassVar[str] = "STAT3"
    unknown_tf: ClassVar[str] = "NO-SUCH-FACTOR"

    @pytest.fixture
    def options(self) -> SourceOptions:
        """No choices made."""
        return SourceOptions()

    def test_it_gives_sequences(self, fetch: Fetch, options: SourceOptions) -> None:
        """A data set of codes 0 to 4, at least one bound, that says where it comes from."""
        data = _fetched(fetch, self.tf, options)
        if not len(data) or not data.length or data.codes.max() > UNKNOWN:
            pytest.fail("a data set needs rows, and codes from 0 to 4")
        if data.labels is not None and not set(data.labels.tolist()) <= {0, 1}:
            pytest.fail("labels are 1 (bound) and 0 (not bound)")
        if not len(data.positives()):
            pytest.fail("none of the rows is bound")
        if not data.source or data.source == "files":
            pytest.fail("SequenceDataset.source must name this source: it goes on the expert's card")

    def test_its_files_are_named_by_digest(self, fetch: Fetch, options: SourceOptions) -> None:
        """`files` holds names, never paths, with sha256 digests; none are needed where all is simulated."""
        data = _fetched(fetch, self.tf, options)
        if not data.files and not data.simulated:
            pytest.fail("SequenceDataset.files must name the files that the rows came from")
        for file in data.files:
            if "/" in file.name or not DIGEST.fullmatch(file.sha256):
                pytest.fail(f"{file} needs a name without folders and a sha256 in hexadecimal")

    def test_the_same_question_has_the_same_answer(self, fetch: Fetch, options: SourceOptions) -> None:
        """Equal options, equal rows."""
        if _fetched(fetch, self.tf, options).digest != _fetched(fetch, self.tf, options).digest:
            pytest.fail("two calls gave different rows: draw from tfbs_hub.seeding.generator(options.seed, ...)")

    def test_the_other_seed_is_no_error(self, fetch: Fetch, options: SourceOptions) -> None:
        """Any seed will do."""
        _fetched(fetch, self.tf, replace(options, seed=options.seed + 1))

    def test_offline_means_offline(self, fetch: Fetch, options: SourceOptions, monkeypatch: pytest.MonkeyPatch) -> None:
        """With `options.offline` no connection is tried: it answers from this machine, or raises `OfflineError`."""
        _close_network(monkeypatch)
        try:
            _fetched(fetch, self.tf, replace(options, offline=True))
        except OfflineError as error:
            if not error.hint:
                pytest.fail("an OfflineError needs a hint that names the ways on")

    def test_an_unknown_factor_is_not_found(self, fetch: Fetch, options: SourceOptions) -> None:
        """`NotFoundError` (or `UsageError`), with a hint."""
        if not self.unknown_tf:
            pytest.skip("this source takes any name")
        with pytest.raises((NotFoundError, UsageError)) as caught:
            fetch(self.unknown_tf, options)
        if not caught.value.hint:
            pytest.fail("the error needs a hint: what to do next")


class PackageConformance:
    """Tests of an installed package.

    Attributes:
        distribution: its name, as in `[project] name`.
    """

    distribution: ClassVar[str]

    @pytest.fixture
    def plugins(self, monkeypatch: pytest.MonkeyPatch) -> PluginManager:
        """A manager that may load this package alone."""
        monkeypatch.setenv("TFBS_HUB_PLUGINS", self.distribution)
        monkeypatch.delenv("TFBS_HUB_STRICT_PLUGINS", raising=False)
        manager = PluginManager(lambda line: None)
        manager.register_local(Builtins(), "tfbs-hub")
        return manager

    @pytest.fixture
    def package(self, plugins: PluginManager) -> Package:
        """What tfbs-hub finds."""
        return find_package(survey(plugins), self.distribution)

    def test_every_check_passes(self, plugins: PluginManager, monkeypatch: pytest.MonkeyPatch) -> None:
        """`tfbs-hub plugins check` finds no fault, without a network."""
        _close_network(monkeypatch)
        faults = check_package(plugins, self.distribution).faults
        if faults:
            pytest.fail("\n".join(f"{check.subject}: {check.what}: {check.fault}" for check in faults))

    def test_the_api_version_is_said(self, package: Package) -> None:
        """A `tfbs_hub.toml` stands in the package, also where it brings hooks alone."""
        from tfbs_hub.plugins.manifest import said_api_version  # noqa: PLC0415 - for this test alone

        for module in (*package.manifests, *package.hooks):
            if said_api_version(module) is None:
                pytest.fail(f"{module.partition('.')[0]} has no tfbs_hub.toml with an api_version")

    def test_listing_its_experts_runs_none_of_its_code(self, package: Package) -> None:
        """`tfbs-hub experts` reads manifests; it imports no package."""
        imported = _told_by(_LISTING, *(module.partition(".")[0] for module in (*package.manifests, *package.hooks)))
        if imported:
            pytest.fail(f"{', '.join(imported)} was imported")

    def test_its_hooks_import_nothing_heavy(self, package: Package) -> None:
        """A hook module names what it offers; only what is used is imported."""
        for module in package.hooks:
            heavy = _told_by(_PROBE, module, *_HEAVY)
            if heavy:
                pytest.fail(f"importing {module} imports {', '.join(heavy)}")


def _fetched(fetch: Fetch, tf: str, options: SourceOptions) -> SequenceDataset:
    data: object = fetch(tf, options)
    if not isinstance(data, SequenceDataset):
        pytest.fail(f"fetch returned {type(data).__name__}, not a SequenceDataset")
    return data


def _told_by(script: str, *arguments: str) -> list[str]:
    """The list that a script prints as JSON, run in a process that finds the same packages as this one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603 - our own scripts, and module names of the package under test
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stderr)
    told: list[str] = json.loads(done.stdout.splitlines()[-1])
    return told


def _close_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket can be connected until the test ends."""

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
