from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tfbs_hub.errors import InputError, NotFoundError, UsageError
from tfbs_hub.sequences.alphabet import decode, reverse_complement
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.hdf5 import save
from tfbs_hub.workflows.labelled import read_labelled


@pytest.fixture
def fasta(tmp_path):
    def write(name, codes, suffix=""):
        path = tmp_path / name
        path.write_text("".join(f">s{place}{suffix}\n{decode(row)}\n" for place, row in enumerate(codes)))
        return path

    return write


def test_a_set_is_named_by_its_stem_and_knows_its_file(trained):
    (one,) = read_labelled([trained.labelled["ETS"]])
    assert (one.name, one.negatives, len(one.data), int(one.labels.sum())) == ("ETS_test", "given", 80, 40)
    digest = hashlib.sha256(trained.labelled["ETS"].read_bytes()).hexdigest()
    assert one.file == {"name": "ETS_test.fa", "sha256": digest, "rows": 80}


def test_an_hdf5_set_is_known_by_its_own_bytes(tmp_path, random_codes):
    data = SequenceDataset(random_codes(4, 50), np.array([0, 1, 1, 0], np.int8), list("abcd"))
    save(data, tmp_path / "set.h5")
    (one,) = read_labelled([tmp_path / "set.h5"])
    assert one.file["sha256"] == hashlib.sha256((tmp_path / "set.h5").read_bytes()).hexdigest()
    assert one.data.digest == data.digest


def test_others_are_held_against_each_other_without_what_they_share(fasta, random_codes):
    one, two, three = (random_codes(20, 60, seed=seed) for seed in range(3))
    two[0, 10:42] = one[3, 20:52]
    two[1, 5:37] = reverse_complement(one[4:5, 7:39])[0]
    three[2, 28:59] = one[5, 0:31]  # 31 bases: not shared
    sets = read_labelled([fasta("one.fa", one), fasta("two.fa", two), fasta("three.fa", three)], negatives="other-tfs")
    first, second, third = sets
    assert [each.negatives for each in sets] == ["other-tfs"] * 3
    assert first.labels.tolist() == [1] * 20 + [0] * 38
    assert np.array_equal(first.data.codes, np.concatenate([one, two[2:], three]))
    assert np.array_equal(second.data.codes, np.concatenate([two, np.delete(one, [3, 4], 0), three]))
    assert len(third.data) == 60
    assert len({each.data.digest for each in sets}) == 3


def test_only_bound_rows_of_labelled_files_count_against_others(trained):
    files = [trained.labelled["EBOX"], trained.labelled["ETS"]]
    ebox, ets = read_labelled(files, negatives="other-tfs")
    given = read_labelled(files)
    assert np.array_equal(ebox.data.codes[40:], given[1].data.codes[given[1].labels == 1])
    assert np.array_equal(ets.data.codes[:40], ebox.data.codes[40:])
    assert ebox.file == given[0].file


def test_what_cannot_be_held_against_each_other(fasta, random_codes, trained):
    one = fasta("one.fa", random_codes(5, 50))
    with pytest.raises(UsageError, match="with one file"):
        read_labelled([one], negatives="other-tfs")
    with pytest.raises(InputError, match="peaks of 60 bp cannot be held against the 50 bp of one"):
        read_labelled([one, fasta("two.fa", random_codes(5, 60))], negatives="other-tfs")
    with pytest.raises(InputError, match="shares 32 bases"):
        read_labelled([one, fasta("same.fa", random_codes(5, 50))], negatives="other-tfs")
    with pytest.raises(InputError, match="no row of this file is bound"):
        read_labelled([one, fasta("none.fa", random_codes(5, 50, seed=1), "_shuf")], negatives="other-tfs")


def test_what_has_no_answer(fasta, random_codes, tmp_path):
    with pytest.raises(InputError, match="carry no labels") as refusal:
        read_labelled([fasta("bare.fa", random_codes(5, 50))])
    assert refusal.value.where == str(tmp_path / "bare.fa") and "_shuf" in refusal.value.hint
    with pytest.raises(InputError, match="one kind only"):
        read_labelled([fasta("shuffled.fa", random_codes(5, 50), "_shuf")])
    with pytest.raises(UsageError, match="two files are called bare"):
        read_labelled([tmp_path / "bare.fa", tmp_path / "sub" / "bare.txt"])
    with pytest.raises(NotFoundError):
        read_labelled([tmp_path / "none.fa"])
    with pytest.raises(UsageError, match="no file"):
        read_labelled([])
    with pytest.raises(UsageError, match="unknown negatives 'genomic'"):
        read_labelled([tmp_path / "bare.fa"], negatives="genomic")
    (tmp_path / "empty.fa").write_text("")
    with pytest.raises(InputError, match="the file is empty"):
        read_labelled([tmp_path / "empty.fa"])
