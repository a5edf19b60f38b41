"""Reading, shuffling, comparing and encoding sequences, beside what is usual."""

from __future__ import annotations

import gzip
import importlib.util
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from timing import side_by_side

from tfbs_hub.sequences.alphabet import decode, reverse_complement
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.overlap import KmerIndex
from tfbs_hub.sequences.readers import load
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle

ROOT = Path(__file__).resolve().parents[2]
ROWS = 10_000


def sequences() -> tuple[np.ndarray, str]:
    """Real sequences where the ENCODE files are at hand, random ones otherwise."""
    named = os.environ.get("TFBS_HUB_TEST_ENCODE")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "encode"
    files = sorted(folder.glob("*/FOXM1_*_AC.seq.gz"))
    if files:
        return load(files[0], max_rows=ROWS).codes, "ENCODE FOXM1"
    return np.random.default_rng(0).integers(0, 4, (ROWS, 101), dtype=np.uint8), "random"


def as_published(path: Path, rows: int) -> list[np.ndarray]:
    """Read as the code of DeepBind and its heirs does: an array a sequence, filled base by base and row by row."""
    arrays = []
    with gzip.open(path, "rt") as file:
        next(file)
        for _, line in zip(range(rows), file, strict=False):
            sequence = line.split("\t")[2]
            array = np.empty((len(sequence), 4))
            for place in range(len(sequence)):
                for letter in range(4):
                    if sequence[place] == "N":
                        array[place, letter] = np.float32(0.25)
                    elif sequence[place].upper() == "ACGT"[letter]:
                        array[place, letter] = np.float32(1)
                    else:
                        array[place, letter] = np.float32(0)
            arrays.append(array)
    return arrays


def one_store_a_base(path: Path, rows: int) -> list[np.ndarray]:
    """The leanest loop over bases: zeros, and one number put in for each base."""
    arrays = []
    with gzip.open(path, "rt") as file:
        next(file)
        for _, line in zip(range(rows), file, strict=False):
            sequence = line.split("\t")[2]
            array = np.zeros((len(sequence), 4), np.float32)
            for place, base in enumerate(sequence):
                if base == "N":
                    array[place] = 0.25
                else:
                    array[place, "ACGT".index(base)] = 1
            arrays.append(array)
    return arrays


def bench_seqgz() -> list[dict]:
    codes, kind = sequences()
    lines = [f"A\tseq_{row:05}_peak\t{decode(each)}\t1\n" for row, each in enumerate(codes)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.seq.gz"
        path.write_bytes(gzip.compress(("FoldID\tEventID\tseq\tBound\n" + "".join(lines)).encode()))
        few = 500
        note = f"{len(codes)} x {codes.shape[1]} bp, {kind}; baseline on {few} rows, scaled"
        scale = len(codes) / few
        return [
            side_by_side(
                ".seq.gz to codes / published loop",
                lambda: as_published(path, few),
                lambda: load(path),
                scale=scale,
                repeats=3,
                note=note,
            ),
            side_by_side(
                ".seq.gz to codes / leanest per-base loop",
                lambda: one_store_a_base(path, few),
                lambda: load(path),
                scale=scale,
                note=note,
            ),
            side_by_side(
                ".seq.gz to codes / gzip alone",
                lambda: gzip.decompress(path.read_bytes()),
                lambda: load(path),
                note="what is left to gain",
            ),
        ]


def bench_dinucleotide_shuffle() -> list[dict]:
    if importlib.util.find_spec("ushuffle") is None:
        print("dinucleotide shuffle: left out, the package ushuffle is not installed")
        return []
    import ushuffle

    codes, kind = sequences()
    letters = [decode(row).encode() for row in codes]
    rng = np.random.default_rng(0)
    note = f"{len(codes)} x {codes.shape[1]} bp, {kind}"
    table = bytes.maketrans(b"\0\1\2\3\4", b"ACGTN")
    back = bytes.maketrans(b"ACGTN", b"\0\1\2\3\4")

    def from_codes_to_codes() -> np.ndarray:
        shuffled = b"".join([ushuffle.shuffle(row.tobytes().translate(table), 2) for row in codes])
        return np.frombuffer(shuffled.translate(back), np.uint8).reshape(codes.shape)

    return [
        side_by_side(
            "dinucleotide shuffle / ushuffle",
            lambda: [ushuffle.shuffle(each, 2) for each in letters],
            lambda: dinucleotide_shuffle(codes, rng),
            repeats=15,
            note=f"{note}; ushuffle from bytes to bytes",
        ),
        side_by_side(
            "dinucleotide shuffle / ushuffle on codes",
            from_codes_to_codes,
            lambda: dinucleotide_shuffle(codes, rng),
            repeats=15,
            note=f"{note}; both from codes to codes",
        ),
    ]


def bench_shared_kmers() -> list[dict]:
    codes, kind = sequences()
    half = len(codes) // 2
    known, asked = codes[:half], codes[half:]

    def words(rows: np.ndarray) -> list[set[bytes]]:
        texts = [row.tobytes() for row in rows]
        return [{text[start : start + 32] for start in range(len(text) - 31)} for text in texts]

    def with_sets() -> list[bool]:
        index = set().union(*words(known), *words(reverse_complement(known)))
        return [not index.isdisjoint(each) for each in words(asked)]

    if with_sets() != KmerIndex(known).shares(asked).tolist():
        raise SystemExit("the two ways of finding shared 32-mers disagree")
    return [
        side_by_side(
            "shared 32-mers, both strands / sets of bytes",
            with_sets,
            lambda: KmerIndex(known).shares(asked),
            note=f"{half} x {codes.shape[1]} bp against as many, {kind}",
        )
    ]


def bench_one_hot() -> list[dict]:
    codes = torch.from_numpy(sequences()[0][:4096].copy())

    def with_the_library() -> torch.Tensor:
        full = torch.nn.functional.one_hot(codes.long(), 5).float()
        return (full[..., :4] + 0.25 * full[..., 4:]).transpose(1, 2).contiguous()

    if not torch.equal(with_the_library(), one_hot(codes)):
        raise SystemExit("the two ways of encoding disagree")
    return [
        side_by_side(
            "codes to one-hot / torch.nn.functional.one_hot",
            with_the_library,
            lambda: one_hot(codes),
            repeats=20,
            note=f"{codes.shape[0]} x {codes.shape[1]} bp, CPU",
        )
    ]
