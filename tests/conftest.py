"""What every test stands on: folders of its own, no network, one thread, small DNA on demand."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tfbs_hub.sequences.foreign_hdf5 import ForeignReader

# Before torch is imported: sums are the same in every run, and parallel test workers do not fight for cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("tfbs-hub", deadline=None, max_examples=60, database=None)
settings.load_profile("tfbs-hub")

REPOSITORY_ROOT = Path(__file__).resolve().parents[1]

Codes = NDArray[np.uint8]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that do not exist yet, one after another."""
    base = tmp_path_factory.mktemp("homes")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_folders(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing touches the user's folders, settings, plug-ins or network unless a test asks for it."""
    home = next(homes)
    for variable in ("REGISTRY", "ENCODE_MIRROR", "OFFLINE", "STRICT_PLUGINS"):
        monkeypatch.delenv(f"TFBS_HUB_{variable}", raising=False)
    monkeypatch.setenv("TFBS_HUB_CACHE", str(home / "hub-cache"))
    monkeypatch.setenv("TFBS_HUB_PLUGINS", "")
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def encode_folder() -> Path:
    """The ENCODE files, where this machine has them."""
    named = os.environ.get("TFBS_HUB_TEST_ENCODE")
    folder = Path(named) if named else REPOSITORY_ROOT.parent / "shared" / "data" / "encode"
    if not (folder / "SHA256SUMS").is_file():
        pytest.skip("no ENCODE files: set TFBS_HUB_TEST_ENCODE to a folder that holds them")
    return folder


@pytest.fixture(scope="session")
def random_codes() -> Callable[..., Codes]:
    """Random sequences as codes (rows, length), a share of their bases unknown."""

    def make(rows: int, length: int, *, seed: int = 0, unknown: float = 0.0) -> Codes:
        draw = np.random.default_rng(seed)
        codes = draw.integers(0, 4, (rows, length)).astype(np.uint8)
        codes[draw.random(codes.shape) < unknown] = 4
        return codes

    return make


@pytest.fixture(scope="session")
def planted_codes(random_codes: Callable[..., Codes]) -> Callable[..., Codes]:
    """Random sequences (rows, length) with one site each, anywhere, on the forward strand."""

    def make(rows: int, length: int, *, seed: int = 0, site: str = "TGACTCAT") -> Codes:
        codes = random_codes(rows, length, seed=seed)
        letters = np.array(["ACGT".index(letter) for letter in site], np.uint8)
        starts = np.random.default_rng(seed + 1).integers(0, length - len(site) + 1, rows)
        codes[np.arange(rows)[:, None], starts[:, None] + np.arange(len(site))] = letters
        return codes

    return make


@pytest.fixture(scope="session")
def reader() -> Iterator[ForeignReader]:
    """One process that reads any number of foreign HDF5 files."""
    from tfbs_hub.sequences.foreign_hdf5 import ForeignReader

    with ForeignReader() as running:
        yield running


@dataclass(frozen=True)
class Trained:
    """A registry with two small experts and their gate; tests that change it copy it first.

    Attributes:
        registry: its folder.
        peaks: FASTA files of 61 bp, by expert, that the experts were trained on.
        labelled: FASTA file with further sites of each expert and their shuffles, by expert.
    """

    registry: Path
    peaks: Mapping[str, Path]
    labelled: Mapping[str, Path]


@pytest.fixture(scope="session")
def write_peaks() -> Callable[..., Path]:
    """Write a FASTA file of background with a site near the middle; labelled: each is followed by its shuffle."""
    from tfbs_hub.seeding import generator
    from tfbs_hub.sequences.alphabet import decode, encode
    from tfbs_hub.sequences.shuffle import dinucleotide_shuffle
    from tfbs_hub.sources.jaspar import background

    def write(
        path: Path, site: str, count: int = 300, *, length: int = 61, seed: int = 0, labelled: bool = False
    ) -> Path:
        rng = generator(seed, "peaks", site)
        rows = background(count, length, rng)
        for row, start in zip(rows, rng.integers(length // 3, length // 2, count), strict=True):
            row[start : start + len(site)] = encode(site)
        lines = [f">peak_{place}\n{decode(row)}\n" for place, row in enumerate(rows)]
        if labelled:
            for place, row in enumerate(dinucleotide_shuffle(rows, rng)):
                lines[place] += f">peak_{place}_shuf\n{decode(row)}\n"
        path.write_text("".join(lines))
        return path

    return write


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, write_peaks: Callable[..., Path]) -> Trained:
    """Two experts, EBOX and ETS, and a gate over them: trained once, in a few seconds."""
    from tfbs_hub import Hub

    folder = tmp_path_factory.mktemp("trained")
    sites = {"EBOX": "CACGTGAC", "ETS": "CCGGAAGT"}
    peaks = {tf: write_peaks(folder / f"{tf}.fa", site) for tf, site in sites.items()}
    labelled = {
        tf: write_peaks(folder / f"{tf}_test.fa", site, 40, seed=1, labelled=True) for tf, site in sites.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFBS_HUB_CACHE", str(folder / "cache"))
        patch.setenv("TFBS_HUB_PLUGINS", "")
        hub = Hub.open(folder / "registry", create=True)
        for tf, path in peaks.items():
            hub.add_expert(
                tf,
                data=[path],
                architecture="deepbind",
                config={"detectors": 8, "width": 12},
                recipe={"epochs": 10, "learning_rate": 0.02, "batch": 64},
                device="cpu",
            )
        hub.retrain_gate(device="cpu")
    return Trained(hub.registry.path, peaks, labelled)


@pytest.fixture
def registry(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained registry that TFBS_HUB_REGISTRY names."""
    folder = tmp_path / "registry"
    shutil.copytree(trained.registry, folder)
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(folder))
    return folder


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as one JSON document of schema version 1."""
        value = json.loads(self.out)
        assert value["schema_version"] == 1
        return value

    @property
    def table(self) -> list[dict[str, str]]:
        """Stdout as tab-separated rows under a header."""
        head, *rows = (line.split("\t") for line in self.out.splitlines())
        return [dict(zip(head, row, strict=True)) for row in rows]

    @property
    def warnings(self) -> list[str]:
        """The lines of stderr that warn of a plug-in."""
        return [line for line in self.err.splitlines() if line.startswith("warning: plug-in ")]


@pytest.fixture(scope="session")
def outcome() -> type[Outcome]:
    """What a command left, for those that run it in a way of their own: exit code, stdout and stderr in."""
    return Outcome


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command as the console script does, in this process, with `stdin` as its input."""
    from tfbs_hub.cli.app import run

    def call(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tfbs-hub", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            run()
        printed = capsys.readouterr()
        return Outcome(int(leaving.value.code or 0), printed.out, printed.err)

    return call
