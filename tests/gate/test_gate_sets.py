from __future__ import annotations

import gzip
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from tfbs_hub.cards import DataFile, ExpertCard, GateSetSpec, Golden, Provenance
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, StorageError
from tfbs_hub.gate import gate_sets
from tfbs_hub.gate.gate_sets import VALIDATION, build, from_dataset, read_stored, rebuild, stored_bytes
from tfbs_hub.sequences.alphabet import decode
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.hdf5 import save
from tfbs_hub.sequences.readers import load


def dinucleotides(codes):
    pairs = codes[:, :-1].astype(int) * 5 + codes[:, 1:]
    return np.stack([np.bincount(row, minlength=25) for row in pairs])


def as_spec(gate_set, kind="stored", **more):
    return GateSetSpec(kind=kind, digest=gate_set.digest, **more)


def as_card(spec):
    return ExpertCard(
        name="STAT3",
        tf="STAT3",
        architecture="a:B",
        config={},
        weights_sha256="a" * 64,
        window=30,
        embedding_dim=2,
        provenance=Provenance(source="encode", simulated=False),
        golden=Golden(sequences=(), logits=()),
        gate_set=spec,
    )


@pytest.fixture
def positives(random_codes):
    return random_codes(50, 30)


@pytest.fixture
def public(tmp_path, random_codes):
    """A public file with bound and unbound rows mixed; returns its path and its bound rows."""
    codes = random_codes(60, 30, seed=5)
    bound = np.random.default_rng(6).random(60) < 0.7
    lines = ["FoldID\tEventID\tseq\tBound"]
    lines += [f"A\tseq_{row}\t{decode(codes[row])}\t{int(bound[row])}" for row in range(60)]
    path = tmp_path / "STAT3_cell_AC.seq.gz"
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))
    return path, codes[bound]


def test_each_positive_has_its_shuffle_on_the_same_side(positives):
    gate_set = build("STAT3", positives, 7)
    assert len(gate_set) == 100
    assert (gate_set.codes[:50] == positives).all()
    assert (gate_set.labels == np.repeat([1, 0], 50)).all()
    assert (gate_set.validation[:50] == gate_set.validation[50:]).all()
    assert gate_set.validation[:50].sum() == 50 * VALIDATION
    assert (dinucleotides(gate_set.codes[50:]) == dinucleotides(positives)).all()
    assert (gate_set.codes[50:] != positives).any(axis=1).all()


def test_the_same_seed_builds_the_same_set(positives):
    first, again = build("STAT3", positives, 7), build("STAT3", positives, 7)
    assert first.digest == again.digest
    assert (first.codes == again.codes).all()
    assert (first.validation == again.validation).all()
    other = build("STAT3", positives, 8)
    assert (other.validation != first.validation).any()
    assert (other.codes[50:] != first.codes[50:]).any()


def test_sets_that_were_built_before_can_be_built_again():
    """A referenced set is rebuilt years later, with another numpy: if this fails, cards that exist are broken."""
    codes = (np.arange(12)[:, None] * 7 + np.arange(20) ** 2) // 3 % 4
    assert (
        build("STAT3", codes.astype(np.uint8), 7).digest
        == "f00e5149f96296428f5dbf92c1e55febb395ce2d79244f89902ab7d546d0fdcc"
    )


def test_the_digest_names_the_content_and_nothing_else(positives):
    gate_set = build("STAT3", positives, 7)

    def changed(**fields):
        return replace(gate_set, _digest=[], **fields).digest

    assert changed(name="OTHER", kind="stored", simulated=True) == gate_set.digest
    codes = gate_set.codes.copy()
    codes[3, 3] = (codes[3, 3] + 1) % 4
    assert changed(codes=codes) != gate_set.digest
    assert changed(labels=1 - gate_set.labels) != gate_set.digest
    assert changed(validation=~gate_set.validation) != gate_set.digest
    assert changed(codes=gate_set.codes.reshape(200, 15)) != gate_set.digest
    assert changed(codes=np.asfortranarray(gate_set.codes)) == gate_set.digest


def test_a_handful_of_positives_is_too_few(positives):
    build("STAT3", positives[:10], 0)
    with pytest.raises(InputError, match=r"STAT3: 9 positives"):
        build("STAT3", positives[:9], 0)


def test_the_users_own_labels_are_kept(random_codes):
    labels = np.tile([1, 0, 0], 20).astype(np.int8)
    dataset = SequenceDataset(codes=random_codes(60, 12), labels=labels, ids=[str(row) for row in range(60)])
    gate_set = from_dataset("mine", dataset, 0)
    assert gate_set.codes is dataset.codes
    assert (gate_set.labels == labels).all()
    assert (gate_set.kind, gate_set.validation.sum()) == ("given", 12)


@pytest.mark.parametrize("labels", [None, np.ones(20, np.int8)])
def test_without_negatives_shuffles_are_made(random_codes, labels):
    dataset = SequenceDataset(
        codes=random_codes(20, 12), labels=labels, ids=[str(row) for row in range(20)], simulated=True
    )
    gate_set = from_dataset("mine", dataset, 3)
    assert gate_set.digest == build("mine", dataset.codes, 3).digest
    assert gate_set.simulated


@pytest.mark.parametrize("bound", [0, 1])
def test_labels_that_cannot_teach(random_codes, bound):
    labels = np.zeros(20, np.int8)
    labels[:bound] = 1
    dataset = SequenceDataset(codes=random_codes(20, 12), labels=labels, ids=[str(row) for row in range(20)])
    with pytest.raises(InputError, match="mine"):
        from_dataset("mine", dataset, 0)


def test_stored_and_read_again(positives, tmp_path):
    gate_set = build("STAT3", positives, 7, kind="stored")
    path = tmp_path / "gate-set.h5"
    path.write_bytes(stored_bytes(gate_set))
    assert stored_bytes(build("STAT3", positives, 7)) == path.read_bytes()
    back = read_stored("STAT3", path, as_spec(gate_set))
    assert back.digest == gate_set.digest
    assert (back.codes == gate_set.codes).all()
    assert (back.labels == gate_set.labels).all()
    assert (back.validation == gate_set.validation).all()
    assert (back.kind, back.name) == ("stored", "STAT3")


def test_a_stored_set_that_is_not_the_cards(positives, tmp_path):
    path = tmp_path / "gate-set.h5"
    path.write_bytes(stored_bytes(build("STAT3", positives, 7)))
    with pytest.raises(IntegrityError, match="STAT3"):
        read_stored("STAT3", path, as_spec(build("STAT3", positives, 8)))
    with pytest.raises(NotFoundError):
        read_stored("STAT3", tmp_path / "gone.h5", as_spec(build("STAT3", positives, 7)))


def test_a_file_that_the_registry_vouches_for_is_read_here_and_any_other_elsewhere(positives, tmp_path, monkeypatch):
    gate_set = build("STAT3", positives, 7)
    path = tmp_path / "gate-set.h5"
    path.write_bytes(stored_bytes(gate_set))
    digest = sha256(path.read_bytes()).hexdigest()
    with pytest.raises(IntegrityError, match="differ from their digest"):
        read_stored("STAT3", path, as_spec(gate_set), sha256="0" * 64)

    def refuse(*_, **__):
        raise OSError("no process today")

    monkeypatch.setattr("subprocess.Popen", refuse)
    assert read_stored("STAT3", path, as_spec(gate_set), sha256=digest).digest == gate_set.digest
    with pytest.raises(StorageError, match="no process today"):
        read_stored("STAT3", path, as_spec(gate_set))


@pytest.mark.parametrize("arrays", [{}, {"split": np.zeros((20, 2), np.int8)}])
@pytest.mark.parametrize("labelled", [True, False])
def test_a_stored_set_without_labels_or_split(random_codes, tmp_path, arrays, labelled):
    labels = np.tile([1, 0], 10).astype(np.int8) if labelled else None
    dataset = SequenceDataset(codes=random_codes(20, 12), labels=labels, ids=[str(row) for row in range(20)])
    save(dataset, tmp_path / "gate-set.h5", arrays=arrays)
    with pytest.raises(IntegrityError, match="gate set of STAT3: a gate set needs labels"):
        read_stored("STAT3", tmp_path / "gate-set.h5", GateSetSpec(kind="stored", digest="0" * 64))


def test_rebuilt_from_the_public_file(public):
    path, bound = public
    rows = (3, 30, 4, 9, 20, 21, 22, 5, 6, 7, 12)
    seed = gate_sets.gate_set_seed(42)
    promised = build("STAT3", bound[list(rows)], seed)
    file = DataFile(name=path.name, sha256=sha256(path.read_bytes()).hexdigest(), rows=60)
    card = as_card(as_spec(promised, "referenced", file=file, positives=rows, seed=seed))
    asked = []

    def locate(wanted):
        asked.append(wanted)
        return path

    back = rebuild(card, locate, load)
    assert asked == [file]
    assert back.digest == promised.digest
    assert (back.kind, back.name) == ("referenced", "STAT3")


def test_a_public_file_lists_its_strongest_peaks_first(public, monkeypatch):
    path, bound = public
    monkeypatch.setattr(gate_sets, "STRONGEST", 10)
    rows = (3, 30, 4, 9, 20, 21, 22, 5, 6, 7, 12)
    spec = as_spec(build("STAT3", bound[list(rows)], 1), "referenced", positives=rows, seed=1)
    file = DataFile(name=path.name, sha256=sha256(path.read_bytes()).hexdigest(), rows=60)
    back = rebuild(as_card(replace(spec, file=file)), lambda wanted: path, load)
    assert list(np.flatnonzero(back.strong)) == [0, 2, 3, 7, 8, 9, 11, 13, 14, 18, 19, 20]
    assert build("STAT3", bound[:12], 0).strong is None


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "0" * 64},
        {"seed": 1},
        {"positives": tuple(range(11))},
        {"positives": (*range(10), 10**9)},
        {"positives": (*range(10), -1)},
        {"positives": ()},
        {"file": None},
    ],
)
def test_a_reference_that_does_not_hold(public, change):
    path, bound = public
    promised = build("STAT3", bound[:12], 0)
    file = DataFile(name=path.name, sha256="b" * 64, rows=60)
    spec = as_spec(promised, "referenced", file=file, positives=tuple(range(12)))
    assert rebuild(as_card(spec), lambda wanted: path, load).digest == promised.digest
    with pytest.raises(IntegrityError, match="STAT3"):
        rebuild(as_card(replace(spec, **change)), lambda wanted: path, load)


def test_a_file_that_cannot_be_had_is_said_by_who_looked(public):
    def locate(wanted):
        raise NotFoundError(f"{wanted.name} is not here")

    spec = GateSetSpec(
        kind="referenced", digest="0" * 64, positives=(0,), file=DataFile(name="F.seq.gz", sha256="b" * 64, rows=1)
    )
    with pytest.raises(NotFoundError, match=r"F.seq.gz"):
        rebuild(as_card(spec), locate, load)


def test_an_expert_without_a_set_is_an_error_that_names_the_ways_on():
    error = gate_sets.no_gate_set(as_card(GateSetSpec(kind="none")))
    assert isinstance(error, NotFoundError)
    assert "STAT3" in error.what
    assert "--simulated-gate-sets" in error.hint
