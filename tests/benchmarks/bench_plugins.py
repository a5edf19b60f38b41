"""What installed plug-ins cost those who do not use them: no packages beside fifty."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import side_by_side

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = 50
EXPERTS = 2


def bench_installed_plugins() -> list[dict]:
    """`--help` (no search for entry points) and `experts` (manifests and cards read, nothing imported)."""
    with tempfile.TemporaryDirectory() as folder:
        bare, full = Path(folder) / "bare", Path(folder) / "full"
        bare.mkdir()
        full.mkdir()
        for number in range(PACKAGES):
            _install(full, number)
        return [_row(name, arguments, bare, full) for name, arguments in ROWS.items()]


ROWS = {
    "tfbs-hub --help": ["--help"],
    "tfbs-hub experts": ["experts"],
    "tfbs-hub plugins": ["plugins"],
}


def _row(name: str, arguments: list[str], bare: Path, full: Path) -> dict:
    row = side_by_side(
        f"{name}, {PACKAGES} plug-in packages",
        lambda: _run(bare, arguments),
        lambda: _run(full, arguments),
        repeats=7,
    )
    row["note"] = f"none installed and {PACKAGES}; CPU {_cpu(bare, arguments):.2f} s and {_cpu(full, arguments):.2f} s"
    return row


def _cpu(site: Path, arguments: list[str]) -> float:
    """Seconds of processor time of one command, the least of three: what a busy machine does not lengthen much."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run(site, arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


def _run(site: Path, arguments: list[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TFBS_HUB_")}
    subprocess.run(
        [sys.executable, "-m", "tfbs_hub.cli", "--registry", str(ROOT / "registry"), *arguments],
        env={**environment, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _install(site: Path, number: int) -> None:
    """One distribution with a manifest of experts and a module of hooks; its experts are copies of a shipped one."""
    from tfbs_hub.registry import Registry

    spec = Registry.open(ROOT / "registry", read_only=True).expert("GATA3")
    name, module = f"dummy-{number:02}", f"dummy_{number:02}"
    package, info = site / module, site / f"{module}-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[tfbs_hub.manifest]\n{name} = {module}\n[tfbs_hub]\n{name} = {module}.hooks\n"
    )
    (package / "__init__.py").write_text("")
    (package / "hooks.py").write_text(
        "from tfbs_hub.hookspecs import hookimpl\n@hookimpl\n"
        f"def tfbs_architectures():\n    return {{'{name}': '{module}.network:Network'}}\n"
    )
    lines = ["api_version = 1"]
    for place in range(EXPERTS):
        expert = f"DUMMY_{number}_{place}"
        card = spec.card.to_json().replace(b'"name":"GATA3"', f'"name":"{expert}"'.encode())
        (package / f"{expert}.json").write_bytes(card)
        (package / f"{expert}.safetensors").write_bytes(spec.weights.read_bytes())
        lines += [
            "[[expert]]",
            f'name = "{expert}"',
            f'tf = "{spec.card.tf}"',
            f'architecture = "{spec.card.architecture}"',
            f'weights = "{expert}.safetensors"',
            f'sha256 = "{spec.card.weights_sha256}"',
            f'card = "{expert}.json"',
        ]
    (package / "tfbs_hub.toml").write_text("\n".join(lines) + "\n")
