from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfbs_hub.cards import DataFile
from tfbs_hub.errors import InputError
from tfbs_hub.sequences import negatives
from tfbs_hub.sequences.alphabet import decode, reverse_complement
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.readers import load


def dataset(codes: np.ndarray, labels: list[int] | None = None, name: str = "p") -> SequenceDataset:
    ids = [f"{name}{row}" for row in range(len(codes))]
    file = DataFile(name=f"{name}.fa", sha256="0" * 64, rows=len(codes))
    return SequenceDataset(codes, None if labels is None else np.array(labels, np.int8), ids, files=(file,))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def gc(codes: np.ndarray) -> np.ndarray:
    return ((codes == 1) | (codes == 2)).mean(axis=1)


def test_dinucleotide_negatives_are_shuffles_in_order(random_codes) -> None:
    positives = dataset(random_codes(40, 60))
    shuffled = negatives.dinucleotide(positives, rng())
    assert shuffled.labels.tolist() == [0] * 40
    assert shuffled.ids[3] == "p3_shuf"
    assert np.array_equal(np.sort(shuffled.codes, axis=1), np.sort(positives.codes, axis=1))
    assert not np.array_equal(shuffled.codes, positives.codes)
    assert shuffled.digest == negatives.dinucleotide(positives, rng()).digest


def test_given_negatives_are_the_rows_labelled_zero(random_codes) -> None:
    assert negatives.given(dataset(random_codes(4, 9), [1, 0, 1, 0])).ids == ["p1", "p3"]
    for labels in (None, [1, 1, 1, 1]):
        with pytest.raises(InputError):
            negatives.given(dataset(random_codes(4, 9), labels))


def test_peaks_of_other_tfs_leave_out_what_is_also_a_positive(random_codes) -> None:
    positives = dataset(random_codes(30, 101))
    other = random_codes(100, 101, seed=1)
    other[:10, 30:62] = positives.codes[:10, 5:37]
    other[10:20] = reverse_complement(positives.codes[10:20])
    others = [dataset(other, [1] * 60 + [0] * 40, "q"), dataset(random_codes(3, 101, seed=2), name="r")]
    drawn = negatives.other_tfs(positives, others, rng())
    assert len(drawn) == 30
    assert set(drawn.labels) == {0}
    possible = {f"q{row}" for row in range(20, 60)} | {"r0", "r1", "r2"}
    assert set(drawn.ids) <= possible
    assert len(set(drawn.ids)) == 30
    assert [file.name for file in drawn.files] == ["q.fa", "r.fa"]
    assert negatives.other_tfs(positives, others, rng()).ids == drawn.ids
    assert negatives.other_tfs(positives, others, rng(1)).ids != drawn.ids


def test_where_few_other_peaks_are_left_there_are_few_negatives(random_codes) -> None:
    positives = dataset(random_codes(30, 101))
    assert len(negatives.other_tfs(positives, [dataset(random_codes(7, 101, seed=4))], rng())) == 7
    with pytest.raises(InputError, match="also a positive"):
        negatives.other_tfs(positives, [positives], rng())
    with pytest.raises(InputError, match="50 bp"):
        negatives.other_tfs(positives, [dataset(random_codes(7, 50))], rng())


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    """Two chromosomes with stretches of different GC content, one of unknown bases, and one without peaks."""
    chance = rng(7)
    parts = []
    for name in ("chr1", "chr2", "chr3"):
        shares = chance.uniform(0.2, 0.8, 200)
        text = "".join(
            "".join(chance.choice(list("ACGT"), 1000, p=[(1 - s) / 2, s / 2, s / 2, (1 - s) / 2])) for s in shares
        )
        parts.append(f">{name}\n{text[:50_000]}{'N' * 5000}{text[55_000:]}\n")
    path = tmp_path / "genome.fa"
    path.write_text("".join(parts))
    return path


@pytest.fixture
def peaks(tmp_path: Path) -> Path:
    starts = rng(9).integers(1000, 190_000, 300)
    path = tmp_path / "peaks.bed"
    path.write_text("".join(f"chr{1 + row % 2}\t{start}\t{start + 200}\n" for row, start in enumerate(starts)))
    return path


def test_genomic_negatives_match_gc_and_avoid_peaks(genome: Path, peaks: Path) -> None:
    positives = load(peaks, genome=genome, window=101)
    drawn = negatives.genomic(positives, [peaks], genome, rng())
    assert len(drawn) == len(positives) == 300
    assert set(drawn.labels) == {0}
    assert len(set(drawn.ids)) == 300
    assert np.abs(np.sort(gc(drawn.codes)) - np.sort(gc(positives.codes))).mean() < 0.02
    assert ((drawn.codes == 4).mean(axis=1) <= 0.1).all()
    blocked = [line.split("\t") for line in peaks.read_text().splitlines()]
    for name in drawn.ids:
        chromosome, span = name.split(":")
        start, end = map(int, span.split("-"))
        assert chromosome in {"chr1", "chr2"}
        assert not any(c == chromosome and start < int(b) + 500 and int(a) - 500 < end for c, a, b in blocked)


def test_genomic_negatives_are_what_their_names_say_and_repeatable(genome: Path, peaks: Path, tmp_path: Path) -> None:
    positives = load(peaks, genome=genome, window=101)
    drawn = negatives.genomic(positives, [peaks], genome, rng(3))
    again = negatives.genomic(positives, [peaks], genome, rng(3))
    assert again.ids == drawn.ids
    assert again.digest == drawn.digest
    bed = tmp_path / "drawn.bed"
    bed.write_text("".join(f"{name.replace(':', chr(9)).replace('-', chr(9))}\n" for name in drawn.ids))
    assert [decode(row) for row in load(bed, genome=genome).codes] == [decode(row) for row in drawn.codes]


def test_bins_that_run_out_borrow_from_the_nearest() -> None:
    bins = np.array([10, 10, 11, 13, 30, 50, 50], np.uint8)
    chosen = negatives._matched(bins, np.array([10, 10, 10, 12, 49], np.uint8), rng())
    assert chosen.tolist() == [0, 1, 2, 3, 4]
    assert negatives._matched(bins, np.array([10], np.uint8), rng()).tolist() in ([0], [1])


def test_a_genome_without_room_is_an_error(genome: Path, tmp_path: Path) -> None:
    everywhere = tmp_path / "all.bed"
    everywhere.write_text("chr1\t0\t200000\n")
    positives = dataset(rng().integers(0, 4, (5, 101), dtype=np.uint8))
    with pytest.raises(InputError, match="no window"):
        negatives.genomic(positives, [everywhere], genome, rng())
    wrong = tmp_path / "wrong.bed"
    wrong.write_text("1\t0\t200\n")
    with pytest.raises(InputError, match="no chromosome '1'"):
        negatives.genomic(positives, [wrong], genome, rng())
