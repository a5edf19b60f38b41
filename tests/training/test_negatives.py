from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.training.negatives import FreshShuffles, Mixed, Pool


def composition(codes):
    pairs = codes[:, :-1].astype(int) * 5 + codes[:, 1:]
    return np.stack([np.bincount(row, minlength=25) for row in pairs])


def numbered(rows):
    """Sequences that are all different."""
    return np.stack([np.arange(rows) // 4**place % 4 for place in range(6)], axis=1).astype(np.uint8)


def as_set(codes):
    return {row.tobytes() for row in codes}


@pytest.mark.parametrize("each", [1, 3])
def test_shuffles_keep_each_sequences_dinucleotides(random_codes, each):
    positives = random_codes(30, 40, unknown=0.02)
    made = FreshShuffles().training(positives, each, seed=1, epoch=0)
    assert made.shape == (30 * each, 40)
    assert (composition(made) == composition(np.repeat(positives, each, axis=0))).all()


def test_shuffles_are_fresh_each_epoch_and_the_same_each_run(random_codes):
    positives = random_codes(20, 40)
    draws = [FreshShuffles().training(positives, 1, seed, epoch) for seed, epoch in [(1, 0), (1, 0), (1, 1), (2, 0)]]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any(axis=1).all()
    assert (draws[0] != draws[3]).any(axis=1).all()


def test_validation_shuffles_are_fixed_and_of_their_own(random_codes):
    positives = random_codes(20, 40)
    kept = FreshShuffles().validation(positives, 1)
    assert (kept == FreshShuffles().validation(positives, 1)).all()
    assert (composition(kept) == composition(positives)).all()
    assert (kept != FreshShuffles().training(positives, 1, 1, 0)).any(axis=1).all()


@given(
    rows=st.integers(2, 300),
    positives=st.integers(1, 200),
    each=st.integers(1, 3),
    seed=st.integers(0, 5),
    held_out=st.floats(0, 1),
)
def test_a_pool_is_split_once_and_for_all(rows, positives, each, seed, held_out):
    pool = Pool(numbered(rows), held_out)
    fitted, kept = np.zeros((positives, 6), np.uint8), np.zeros((3, 6), np.uint8)
    epochs = [pool.training(fitted, each, seed, epoch) for epoch in range(3)]
    validation = pool.validation(kept, seed)
    assert {len(epoch) for epoch in epochs} == {len(epochs[0])}
    assert 1 <= len(epochs[0]) <= each * positives
    assert 1 <= len(validation) <= 3
    trained = set().union(*map(as_set, epochs))
    assert trained | as_set(validation) <= as_set(pool.codes)
    assert not trained & as_set(validation)
    assert len(as_set(epochs[0])) == len(epochs[0])


def test_a_pool_is_drawn_anew_each_epoch():
    pool = Pool(numbered(200), 0.2)
    draws = [as_set(pool.training(np.zeros((40, 6)), 1, 0, epoch)) for epoch in range(30)]
    assert draws[0] != draws[1]
    assert len(set().union(*draws)) > 150


@pytest.mark.parametrize(("each", "shuffles", "drawn"), [(1, 20, 20), (2, 20, 20), (3, 40, 20)])
def test_mixed_negatives_are_shuffles_and_rows_of_the_pool(random_codes, each, shuffles, drawn):
    positives, others = random_codes(20, 40), random_codes(60, 40, seed=1)
    mixed = Mixed(Pool(others, 0.5))
    made = mixed.training(positives, each, 0, 0)
    assert len(made) == shuffles + drawn
    assert (composition(made[:shuffles]) == composition(positives.repeat(shuffles // 20, axis=0))).all()
    assert as_set(made[shuffles:]) <= as_set(others)
    kept = mixed.validation(positives, 0)
    assert (composition(kept[:20]) == composition(positives)).all()
    assert as_set(kept[20:]) <= as_set(others) - as_set(made[shuffles:])
    assert mixed.digest == Pool(others, 0.5).digest
