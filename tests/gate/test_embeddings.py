from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from tfbs_hub.errors import StorageError
from tfbs_hub.gate.embeddings import EmbeddingCache
from tfbs_hub.gate.gate_sets import build
from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.windows import fit_window

CPU = torch.device("cpu")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def world(make_expert, random_codes):
    """Four experts by digest, of different widths and windows, and a gate set for each."""
    experts = {digest(f"expert {n}"): make_expert(n, window=15 + n, embedding_dim=3 + n) for n in range(4)}
    sets = [build(f"E{n}", random_codes(12 + n, 18, seed=n), n) for n in range(4)]
    return experts, sets


@pytest.fixture
def some(world):
    def take(count):
        experts, sets = world
        return dict(list(experts.items())[:count]), sets[:count]

    return take


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "made" / "when needed")


def test_only_missing_pairs_are_computed(cache, some):
    counts = []
    for count in (3, 4, 4, 2):
        done = cache.embeddings(*some(count), device=CPU)
        counts.append((done.computed, done.reused, len(done.arrays)))
    assert counts == [(9, 0, 9), (7, 9, 16), (0, 16, 16), (0, 4, 4)]


def test_arrays_are_both_strands_embeddings(cache, some):
    experts, sets = some(3)
    fresh = cache.embeddings(experts, sets, device=CPU).arrays
    kept = cache.embeddings(experts, sets, device=CPU).arrays
    for name, expert in experts.items():
        for gate_set in sets:
            array = fresh[name, gate_set.digest]
            assert array.shape == (2, len(gate_set), expert.embedding_dim)
            assert array.dtype == np.float32
            assert (kept[name, gate_set.digest] == array).all()
            for strand, codes in zip(array, (gate_set.codes, reverse_complement(gate_set.codes)), strict=True):
                x = one_hot(torch.from_numpy(fit_window(codes, expert.window).copy()))
                assert strand == pytest.approx(expert.embed(x).detach().numpy(), abs=1e-6)


def flipped(data):
    data = bytearray(data)
    data[-3] ^= 4
    return bytes(data)


@pytest.mark.parametrize(
    "damage",
    [flipped, lambda data: data[:-1], lambda data: data[:20], lambda data: b"", lambda data: data + b"x"],
    ids=["flipped", "cut", "stump", "empty", "longer"],
)
def test_a_damaged_file_is_computed_again(cache, some, damage):
    experts, sets = some(2)
    before = cache.embeddings(experts, sets, device=CPU).arrays
    victim = sorted(cache.folder.iterdir())[1]
    whole = victim.read_bytes()
    victim.write_bytes(damage(whole))
    after = cache.embeddings(experts, sets, device=CPU)
    assert (after.computed, after.reused) == (1, 3)
    assert all((after.arrays[key] == before[key]).all() for key in before)
    assert victim.read_bytes() == whole
    assert not [path for path in cache.folder.iterdir() if path.suffix != ".npy"]


def test_a_file_of_another_pair_is_not_taken(cache, some):
    experts, sets = some(2)
    cache.embeddings(experts, sets, device=CPU)
    files = sorted(cache.folder.iterdir())
    files[0].write_bytes(files[1].read_bytes())
    assert cache.embeddings(experts, sets, device=CPU).computed == 1


def test_digests_that_begin_alike_are_told_apart(cache, make_expert, random_codes):
    sets = [build("A", random_codes(12, 18), 0)]
    first, second = make_expert(1), make_expert(2)
    one, other = "a" * 64, "a" * 63 + "b"
    cache.embeddings({one: first}, sets, device=CPU)
    done = cache.embeddings({other: second}, sets, device=CPU)
    assert done.computed == 1
    fresh = EmbeddingCache(cache.folder / "new").embeddings({other: second}, sets, device=CPU)
    assert (done.arrays[other, sets[0].digest] == fresh.arrays[other, sets[0].digest]).all()


@pytest.mark.parametrize("training", [True, False])
def test_models_are_left_as_they_were(cache, some, training):
    experts, sets = some(1)
    (expert,) = experts.values()
    expert.train(training)
    state = {name: tensor.clone() for name, tensor in expert.state_dict().items()}
    wants = [parameter.requires_grad for parameter in expert.parameters()]
    cache.embeddings(experts, sets, device=CPU)
    assert [module.training for module in expert.modules()] == [training] * len(list(expert.modules()))
    assert [parameter.requires_grad for parameter in expert.parameters()] == wants
    assert all(parameter.grad is None for parameter in expert.parameters())
    assert {parameter.device for parameter in expert.parameters()} == {CPU}
    assert all(torch.equal(state[name], tensor) for name, tensor in expert.state_dict().items())
    expert(torch.full((2, 4, expert.window), 0.25)).sum().backward()
    assert all(parameter.grad is not None for parameter in expert.parameters())


def test_progress_is_reported(cache, some):
    events = []
    cache.embeddings(*some(2), device=CPU, report=events.append)
    assert [(event.done, event.total) for event in events] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert events[-1].message == "4 computed"


def test_a_folder_that_cannot_be_made(tmp_path, some):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        EmbeddingCache(tmp_path / "file").embeddings(*some(1), device=CPU)
