"""What is damaged, what reads it, and what may come of it: a refusal, or something that means what it must."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import corpus as good
import numpy as np

# Reading BED loads it: here, so that the watch does not take it for foreign code.
import pyfaidx  # noqa: F401
import torch
from mutate import damaged_bytes, damaged_json, evil_pickle

from tfbs_hub.cards import canonical_json, parse_expert_card, parse_gate_card
from tfbs_hub.errors import NotFoundError
from tfbs_hub.evaluation.store import read_run
from tfbs_hub.experts import BUILTIN
from tfbs_hub.experts.weights import load_expert
from tfbs_hub.limits import HDF5_SECONDS
from tfbs_hub.plugins import resolve
from tfbs_hub.plugins.manifest import expert_spec, read_manifest
from tfbs_hub.registry.bundle import read_bundle
from tfbs_hub.registry.generation import parse_generation
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.foreign_hdf5 import ForeignReader
from tfbs_hub.sequences.hdf5 import from_bytes, to_bytes
from tfbs_hub.sequences.readers import load, read_batches
from tfbs_hub.sources.motifs.parsers import read_motifs
from tfbs_hub.workflows.models import check_expert, rebuild_expert, rebuild_gate

__all__ = ["TARGETS", "Target"]


class Target(ABC):
    """One kind of file.

    Attributes:
        share: mutations for each one that was asked for.
        spawns: True if reading it starts a process of our own.
        patience: seconds after which reading it is a hang.
    """

    share = 0.0
    spawns = False
    patience = 10.0

    def __init__(self, corpus: good.Corpus) -> None:
        self.corpus = corpus
        self.scratch = corpus.folder / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.pieces = (evil_pickle(corpus.folder / "canary"), b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x1f\x8b\x08")

    @abstractmethod
    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        """The bytes of a damaged file, and what else `read` needs to know of it."""

    @abstractmethod
    def read(self, data: bytes, more: Any) -> None:
        """Read it: raises what reading raises, and `AssertionError` if it was taken for something that it is not."""

    def file(self, name: str, data: bytes) -> Path:
        """The bytes as a file."""
        path = self.scratch / name
        path.write_bytes(data)
        return path


def architecture(reference: str) -> Any:
    """As the hub does it where no plug-in is installed."""
    if reference not in BUILTIN.values():
        raise NotFoundError(f"{reference} is not registered")
    return resolve(reference)


def damaged_weights(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    """Damage to the bytes, to the header as JSON, to the length that is claimed, or to the numbers."""
    size = int.from_bytes(data[:8], "little")
    header, body = data[8 : 8 + size], data[8 + size :]
    match rng.randrange(6):
        case 0 | 1:
            return damaged_bytes(rng, data, pieces)
        case 2 | 3 | 4:
            header = damaged_json(rng, header)
            claimed = len(header) if rng.random() < 0.9 else rng.choice((0, 1, size, len(header) + 1, 1 << 40))
            return claimed.to_bytes(8, "little") + header + body
        case _:
            place = rng.randrange(len(body)) // 4 * 4
            number = np.float32(rng.choice((np.nan, np.inf, -np.inf, 1e38, 0.0, -1.0))).tobytes()
            return data[:8] + header + body[:place] + number + body[place + 4 :]


class Weights(Target):
    """Weights of experts and of the gate, past the digest: the parser has to stand alone."""

    share = 0.5

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        kind = rng.choice([*self.corpus.weights, "gate"])
        data = self.corpus.gate[1] if kind == "gate" else self.corpus.weights[kind]
        return damaged_weights(rng, data, self.pieces), kind

    def read(self, data: bytes, more: Any) -> None:
        if more == "gate":
            experts = [
                load_expert(weights, architecture, name)[1] for name, weights in sorted(self.corpus.weights.items())
            ]
            module: torch.nn.Module = rebuild_gate(self.corpus.gate[0], data, experts).gate
            like: torch.nn.Module = rebuild_gate(*self.corpus.gate, experts).gate
        else:
            header, module = load_expert(data, architecture, "fuzz")
            like = architecture(header.architecture).from_config(header.config)
            assert (module.window, module.embedding_dim) == (header.window, header.embedding_dim)
        shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in like.state_dict().items()}
        found = module.state_dict()
        assert {name: (tensor.shape, tensor.dtype) for name, tensor in found.items()} == shapes
        assert all(bool(torch.isfinite(tensor).all()) for tensor in found.values())


class Cards(Target):
    """Cards of experts and of gates: what is taken is a card, and is written as one that says the same."""

    share = 0.25

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        kind = rng.choice([*self.corpus.cards, "gate"])
        data = (self.corpus.gate[0] if kind == "gate" else self.corpus.cards[kind]).to_json()
        return (damaged_json(rng, data) if rng.random() < 0.7 else damaged_bytes(rng, data, self.pieces)), kind

    def read(self, data: bytes, more: Any) -> None:
        parse = parse_gate_card if more == "gate" else parse_expert_card
        card = parse(data, "fuzz")
        assert parse(card.to_json(), "again") == card
        assert type(card.window) is int and card.golden.sequences


class Bundles(Target):
    """Bundles as they come: none that is taken says anything else than the good one."""

    share = 0.15

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        name = rng.choice(list(self.corpus.bundles))
        data = self.corpus.bundles[name]
        if rng.random() < 0.5:
            # The directory at the end is where a zip is believed.
            tail = rng.randrange(100, 500)
            return data[:-tail] + damaged_bytes(rng, data[-tail:], self.pieces), name
        return damaged_bytes(rng, data, self.pieces), name

    def read(self, data: bytes, more: Any) -> None:
        found = read_bundle(self.file("fuzz.tfbs", data))
        weights = self.corpus.weights[more]
        assert (found.card, found.files["weights.safetensors"]) == (self.corpus.cards[more], weights)


class SignedBundles(Target):
    """Bundles whose maker signed the damage: what is taken computes its golden predictions."""

    share = 0.1

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        name = rng.choice(list(self.corpus.bundles))
        weights, card = self.corpus.weights[name], json.loads(self.corpus.cards[name].to_json())
        if rng.random() < 0.5:
            weights = damaged_weights(rng, weights, self.pieces)
        card["weights_sha256"] = hashlib.sha256(weights).hexdigest()
        text = canonical_json(card)
        text = damaged_json(rng, text) if rng.random() < 0.7 else text
        return zipped({"weights.safetensors": weights, "card.json": text}, self.corpus.cards[name].name, rng), None

    def read(self, data: bytes, more: Any) -> None:
        found = read_bundle(self.file("fuzz.tfbs", data))
        check_expert(found.card, rebuild_expert(found.card, found.files["weights.safetensors"], architecture))


def zipped(files: Mapping[str, bytes], name: str, rng: Random) -> bytes:
    """A bundle of these files; now and then its manifest is damaged."""
    rows = {each: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for each, data in files.items()}
    manifest = {"format": "tfbs-hub-bundle", "format_version": 1, "kind": "expert", "name": name, "files": rows}
    text = canonical_json(manifest)
    text = damaged_json(rng, text) if rng.random() < 0.1 else text
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each, data in {"bundle.json": text, **files}.items():
            archive.writestr(each, data)
    return buffer.getvalue()


DNA = "ACGTTGCAAC" * 3
TEXTS = {
    "in.fa": "".join(f">peak_{row} x\n{DNA}\n{DNA[row:]}{DNA[:row]}\n" for row in range(20)),
    "in.seq": "FoldID\tEventID\tseq\tBound\n" + "".join(f"A\tseq_{row}\t{DNA}\t{row % 2}\n" for row in range(20)),
    "in.bed": "# peaks\n" + "".join(f"chr1\t{row * 9 + 5}\t{row * 9 + 40}\tpeak{row}\n" for row in range(20)),
    "in.narrowPeak": "".join(f"chr1\t{row * 9}\t{row * 9 + 40}\t.\t0\t.\t1\t1\t1\t{row}\n" for row in range(20)),
    "in.txt": f"{DNA}\n{DNA}\n" * 10,
}


class Sequences(Target):
    """FASTA, `.seq`, BED, narrowPeak and text, gzipped or not: what is taken is DNA, row by row."""

    share = 0.1

    def __init__(self, corpus: good.Corpus) -> None:
        super().__init__(corpus)
        self.genome = self.file("genome.fa", b">chr1\n" + b"ACGTTGCAAC" * 60 + b"\n")
        self.file("genome.fa.fai", b"chr1\t600\t6\t600\t601\n")

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        name = rng.choice(list(TEXTS))
        data = TEXTS[name].encode()
        match rng.randrange(3):
            case 0:
                return damaged_bytes(rng, data, self.pieces), name
            case 1:
                return gzip.compress(damaged_bytes(rng, data, self.pieces), 1, mtime=0), f"{name}.gz"
            case _:
                return damaged_bytes(rng, gzip.compress(data, 1, mtime=0), self.pieces), f"{name}.gz"

    def read(self, data: bytes, more: Any) -> None:
        path = self.file(more, data)
        rows = 0
        for batch in read_batches(path, genome=self.genome, window=21, rows=7):
            assert len(batch.ids) == len(batch.lengths) == len(batch.lines) and len(batch) <= 7
            assert batch.bases.max() <= 4 and batch.offsets[-1] == len(batch.bases) and batch.lengths.min() > 0
            assert batch.labels is None or set(batch.labels.tolist()) <= {0, 1}
            rows += len(batch)
        whole = load(path, genome=self.genome, window=21)
        assert len(whole) == rows and whole.codes.max() <= 4
        assert whole.files[0].sha256 == hashlib.sha256(data).hexdigest()


MEME = b"""MEME version 4\n\nALPHABET= ACGT\n\nMOTIF MA1 EBOX
letter-probability matrix: alength= 4 w= 3 nsites= 20 E= 0\n0.1 0.7 0.1 0.1\n0.7 0.1 0.1 0.1\n0.1 0.7 0.1 0.1\n"""
JASPAR = b">MA0037.3 GATA3\nA [ 10  0 3 ]\nC [ 0 10 3 ]\nG [ 5 5 3 ]\nT [ 1 1 4 ]\n"


class Motifs(Target):
    """Matrices: what is taken is made of probabilities."""

    share = 0.05

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        return damaged_bytes(rng, rng.choice((MEME, JASPAR)), self.pieces), None

    def read(self, data: bytes, more: Any) -> None:
        for motif in read_motifs(self.file("in.meme", data)):
            matrix = motif.probabilities
            assert matrix.shape[0] == 4 and np.isfinite(matrix).all() and np.allclose(matrix.sum(axis=0), 1, atol=1e-6)


class Manifests(Target):
    """Manifests of packages: what is taken lies in the package."""

    share = 0.05

    def __init__(self, corpus: good.Corpus) -> None:
        super().__init__(corpus)
        self.package = self.scratch / "package"
        self.package.mkdir(exist_ok=True)
        name, card = next(iter(corpus.cards.items()))
        row = {"name": name, "tf": card.tf, "architecture": card.architecture, "sha256": card.weights_sha256}
        row |= {"weights": "weights.safetensors", "card": "card.json", "gate_set": "gate-set.h5"}
        for each, data in {"weights.safetensors": b"x", "gate-set.h5": b"x", "card.json": card.to_json()}.items():
            (self.package / each).write_bytes(data)
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in row.items())
        self.good = f"api_version = 1\n\n[[expert]]\n{lines}\n".encode()

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        return damaged_bytes(rng, self.good, (*self.pieces, b"../", b"/etc/passwd", b"[[expert]]\n", b'""')), None

    def read(self, data: bytes, more: Any) -> None:
        (self.package / "tfbs_hub.toml").write_bytes(data)
        for row in read_manifest(self.package).expert:
            spec = expert_spec(self.package, row, "fuzz")
            inside = [path for path in (spec.weights, spec.gate_set) if path is not None]
            assert all(path.resolve().is_relative_to(self.package.resolve()) for path in inside)


class Generations(Target):
    """Generations of a registry: each but the very one that was written is refused."""

    share = 0.05

    def __init__(self, corpus: good.Corpus) -> None:
        super().__init__(corpus)
        self.good = max((corpus.registry / "generations").iterdir()).read_bytes()

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        return (damaged_json(rng, self.good) if rng.random() < 0.4 else damaged_bytes(rng, self.good)), None

    def read(self, data: bytes, more: Any) -> None:
        parse_generation(data, "fuzz")
        assert data == self.good


class DataSets(Target):
    """Sequences in HDF5, read in the process that is there for it and ended when it takes too long."""

    share = 0.025
    spawns = True
    patience = HDF5_SECONDS + 10

    def __init__(self, corpus: good.Corpus) -> None:
        super().__init__(corpus)
        codes = np.random.default_rng(0).integers(0, 4, (40, 31)).astype(np.uint8)
        labels = np.arange(40, dtype=np.int8) % 2
        ids = [f"row{row}" for row in range(40)]
        self.good = to_bytes(SequenceDataset(codes, labels, ids), arrays={"split": labels})
        self.reader = ForeignReader()

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        return damaged_bytes(rng, self.good, self.pieces), None

    def read(self, data: bytes, more: Any) -> None:
        dataset, arrays = from_bytes(data, where="fuzz", read=self.reader.read)
        assert dataset.codes.max() <= 4 and len(dataset.ids) == len(dataset)
        assert all(len(array) == len(dataset) for array in arrays.values())


class Evaluations(Target):
    """Evaluations, read likewise."""

    share = 0.025
    spawns = True
    patience = HDF5_SECONDS + 10

    def __init__(self, corpus: good.Corpus) -> None:
        super().__init__(corpus)
        self.good = (Path(__file__).parents[2] / "data" / "evaluation-v1.h5").read_bytes()
        self.reader = ForeignReader()

    def damaged(self, rng: Random) -> tuple[bytes, Any]:
        return damaged_bytes(rng, self.good, self.pieces), None

    def read(self, data: bytes, more: Any) -> None:
        run = read_run(self.file("run.h5", data), read=self.reader.read)
        assert len(run.datasets[0].labels) == len(run.datasets[0].models[0].scores)


TARGETS: dict[str, type[Target]] = {
    "weights": Weights,
    "cards": Cards,
    "bundles": Bundles,
    "signed bundles": SignedBundles,
    "sequences": Sequences,
    "motifs": Motifs,
    "manifests": Manifests,
    "generations": Generations,
    "data sets": DataSets,
    "evaluations": Evaluations,
}
