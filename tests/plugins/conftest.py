"""Fake installed distributions: a package folder and its dist-info, found by the real importlib.metadata."""

from __future__ import annotations

import hashlib
import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tfbs_hub.cards import ExpertCard, GateSetSpec, Golden, Provenance
from tfbs_hub.plugins import PluginManager

ARCHITECTURE = "tfbs_hub.experts.deepbind:DeepBind"


def build_card(name: str, digest: str, gate_set: str = "none", tf: str = "STAT3") -> ExpertCard:
    return ExpertCard(
        name=name,
        tf=tf,
        architecture=ARCHITECTURE,
        config={"filters": 4},
        weights_sha256=digest,
        window=101,
        embedding_dim=32,
        provenance=Provenance(source="jaspar", simulated=True),
        golden=Golden(sequences=("ACGT",), logits=(0.5,)),
        gate_set=GateSetSpec(kind=gate_set),
    )


class Site:
    """A folder on sys.path that distributions can be written into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def distribution(
        self,
        name: str,
        entry_points: Mapping[str, str] | None = None,
        *,
        files: Mapping[str, str | bytes] | None = None,
        version: str = "0.1",
    ) -> Path:
        """Write a distribution: entry points as {group: "name = value"} and files by path below the site."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"[{group}]\n{line}\n" for group, line in (entry_points or {}).items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        for path, content in (files or {}).items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
        record = [f"{path},," for path in (files or {})]
        (info / "RECORD").write_text("\n".join([*record, f"{info.name}/METADATA,,", f"{info.name}/RECORD,,", ""]))
        importlib.invalidate_caches()
        return self.folder

    def hooks(self, name: str, source: str, package: str | None = None) -> None:
        """Write a distribution with a hook module of this source."""
        package = package or name.replace("-", "_")
        body = "from tfbs_hub.hookspecs import hookimpl\n" + textwrap.dedent(source)
        self.distribution(
            name,
            {"tfbs_hub": f"{name} = {package}.hooks"},
            files={f"{package}/__init__.py": "", f"{package}/hooks.py": body},
        )

    def experts(self, name: str, /, *experts: str, init: str = "", manifest: str | None = None, **changes: str) -> Path:
        """Write a distribution whose manifest names these experts; `changes` replaces keys of every row."""
        package = name.replace("-", "_")
        files: dict[str, str | bytes] = {f"{package}/__init__.py": init}
        rows = []
        for expert in experts:
            weights = f"weights of {expert}".encode()
            card = build_card(expert, hashlib.sha256(weights).hexdigest())
            row = {
                "name": expert,
                "tf": card.tf,
                "architecture": card.architecture,
                "weights": f"{expert}/weights.safetensors",
                "sha256": card.weights_sha256,
                "card": f"{expert}/card.json",
                **changes,
            }
            files[f"{package}/{expert}/weights.safetensors"] = weights
            files[f"{package}/{expert}/card.json"] = card.to_json()
            rows.append("[[expert]]\n" + "".join(f"{key} = '{value}'\n" for key, value in row.items()))
        text = "api_version = 1\n" + "\n".join(rows) if manifest is None else manifest
        files[f"{package}/tfbs_hub.toml"] = text.encode()
        self.distribution(name, {"tfbs_hub.manifest": f"{name} = {package}"}, files=files)
        return self.folder / package


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site folder in front of sys.path; whatever is imported from it is forgotten afterwards."""
    for variable in ("TFBS_HUB_PLUGINS", "TFBS_HUB_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def warnings() -> list[str]:
    """The warning lines that the manager of this test gave."""
    return []


@pytest.fixture
def manager(site: Site, warnings: list[str]) -> PluginManager:
    """A manager that has not looked yet."""
    return PluginManager(warnings.append)


@pytest.fixture
def card() -> ExpertCard:
    """Some expert's card."""
    return build_card("STAT3", "a" * 64)


@pytest.fixture
def make_card() -> Callable[..., ExpertCard]:
    """`build_card` for test modules."""
    return build_card
