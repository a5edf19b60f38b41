from __future__ import annotations

import errno
import hashlib
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tfbs_hub.cards import ExpertCard, GateCard, GateMember, GateSetSpec, Golden, Provenance, Training
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.registry import Registry, collect, history, lock

CALLS = ("open", "write", "fsync", "close", "mkdir", "rename", "link", "unlink", "rmdir", "utime", "read", "listdir")
# A full disk and a kill matter only at calls that change something.
_SELECTIVE = {None, errno.ENOSPC}
MUTATIONS = {"write", "mkdir", "rename", "link", "unlink", "rmdir", "utime"}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def make_card() -> Callable[..., ExpertCard]:
    def make(name: str = "STAT3", weights: bytes = b"weights", **changes: Any) -> ExpertCard:
        card = ExpertCard(
            name=name,
            tf=name.split("_", maxsplit=1)[0],
            architecture="tfbs_hub.experts.deepbind:DeepBind",
            config={},
            weights_sha256=digest(weights),
            window=101,
            embedding_dim=32,
            provenance=Provenance(source="files", simulated=False),
            golden=Golden(sequences=("ACGT",), logits=(0.5,)),
            gate_set=GateSetSpec(kind="none"),
        )
        return replace(card, **changes)

    return make


@pytest.fixture
def make_gate() -> Callable[..., GateCard]:
    def make(specs: list[ExpertSpec], weights: bytes = b"gate", **changes: Any) -> GateCard:
        members = tuple(
            GateMember(name=s.card.name, digest=s.card.weights_sha256, embedding_dim=32, window=101) for s in specs
        )
        card = GateCard(
            recipe_name="paper",
            config={"hidden": 32},
            members=members,
            weights_sha256=digest(weights),
            window=101,
            temperature=1.0,
            simulated=False,
            training=Training(seed=0),
            golden=Golden(sequences=("ACGT",), logits=(0.5,)),
        )
        return replace(card, **changes)

    return make


@pytest.fixture
def real_fsync() -> None:
    """For a test that shall sync in earnest."""


@pytest.fixture(autouse=True)
def spared_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of syncs take minutes on a busy disk and, as no power is cut, show nothing: check the handle only."""
    if "real_fsync" not in request.fixturenames:
        monkeypatch.setattr(os, "fsync", lambda handle: os.fstat(handle) and None)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that act as a second writer within one process, where the lock could only be waited for in vain."""
    for module in (history, collect):
        monkeypatch.setattr(module, "advisory_lock", partial(lock.advisory_lock, timeout=0))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.create(tmp_path / "registry")


@pytest.fixture
def add(make_card: Callable[..., ExpertCard]) -> Callable[..., ExpertSpec]:
    def adder(
        registry: Registry, name: str = "STAT3", weights: bytes | None = None, replace: bool = False, **changes: Any
    ) -> ExpertSpec:
        data = name.encode() if weights is None else weights
        card = make_card(name, data, **changes)
        return registry.add_expert(card, {"weights.safetensors": data}, replace=replace)

    return adder


@pytest.fixture
def promote(make_gate: Callable[..., GateCard]) -> Callable[..., Any]:
    def promoter(registry: Registry, weights: bytes = b"gate", names: list[str] | None = None, **changes: Any) -> Any:
        specs = [spec for spec in registry.experts() if names is None or spec.card.name in names]
        return registry.add_gate(make_gate(specs, weights, **changes), weights)

    return promoter


class Faults:
    """Makes the n-th file-system call fail, or kills the process there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self._real = {name: getattr(os, name) for name in CALLS}
        self._at = 0
        self._errno: int | None = None
        self._armed = False
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrapped(name))

    def arm(self, at: int, code: int | None) -> None:
        """Fail the `at`-th call from now with errno `code`; None kills the process there."""
        self.seen, self._at, self._errno, self._armed = [], at, code, True

    def disarm(self) -> bool:
        """Stop; True if the fault was met."""
        self._armed = False
        return len(self.seen) >= self._at

    def _wrapped(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*args: Any, **kwargs: Any) -> Any:
            if not self._armed:
                return real(*args, **kwargs)
            if self._errno in _SELECTIVE and not _changes_the_disk(name, args):
                return real(*args, **kwargs)
            self.seen.append(name)
            if len(self.seen) != self._at:
                return real(*args, **kwargs)
            if self._errno is None:
                os.kill(os.getpid(), signal.SIGKILL)
            if name == "close":
                real(*args, **kwargs)
            raise OSError(self._errno, os.strerror(self._errno or errno.EIO))

        return call


def _changes_the_disk(name: str, args: tuple[Any, ...]) -> bool:
    return name in MUTATIONS or (name == "open" and bool(args[1] & os.O_CREAT))


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch, spared_disk: None) -> Faults:
    return Faults(monkeypatch)


def _fork(work: Callable[[], Any]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


@pytest.fixture
def fork() -> Callable[[Callable[[], Any]], int]:
    """Run something in a child process; returns its pid, to be waited for with `os.waitpid`."""
    return _fork


def _errors(registry: Registry) -> list[str]:
    return [f"{finding.path}: {finding.what}" for finding in registry.verify() if finding.severity == "error"]


@pytest.fixture
def errors() -> Callable[[Registry], list[str]]:
    """What `verify` calls damage."""
    return _errors
