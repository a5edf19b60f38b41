from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import InputError, TrainingError
from tfbs_hub.experts.contract import Recipe
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.residual import Residual
from tfbs_hub.experts.weights import pack_expert
from tfbs_hub.metrics import auroc
from tfbs_hub.prediction import logits
from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.training.expert import (
    HELD_OUT,
    MAX_HELD_OUT,
    MIN_HELD_OUT,
    Task,
    _augmented,
    _hidden,
    _moved,
    split,
    train,
)
from tfbs_hub.training.negatives import FreshShuffles, Pool

CONFIG = {"detectors": 8, "width": 10, "embedding_dim": 8}
RECIPE = Recipe(learning_rate=1e-2, weight_decay=1e-3, batch=64, epochs=8)
QUICK = replace(RECIPE, epochs=3)


def packed(trained):
    return pack_expert(trained.expert, "tfbs_hub.experts.deepbind:DeepBind")


@pytest.fixture
def task(planted_codes):
    return Task(tf="AP1", positives=planted_codes(300, 40), negatives=FreshShuffles(), seed=3, digest="d")


@pytest.fixture
def small(planted_codes):
    return Task(tf="AP1", positives=planted_codes(60, 20), negatives=FreshShuffles(), seed=3, digest="d")


def test_learns_a_planted_site_on_both_strands(task, planted_codes):
    trained = train(task, DeepBind, config=CONFIG, recipe=RECIPE)
    assert max(point.auroc for point in trained.training.curve) > 0.9
    unseen = planted_codes(200, 40, seed=99)
    shuffled = FreshShuffles().validation(unseen, 1)
    for codes in (unseen, reverse_complement(unseen)):
        both = np.concatenate([codes, shuffled])
        scores = logits(trained.expert, both, window=40, symmetric=True)
        assert auroc(np.repeat([1, 0], 200), scores) > 0.9


def test_residual_learns_too(task):
    recipe = Recipe(learning_rate=1e-2, batch=64, epochs=6)
    trained = train(task, Residual, config={"filters": 8, "width": 9, "blocks": 1, "embedding_dim": 8}, recipe=recipe)
    assert max(point.auroc for point in trained.training.curve) > 0.9


def test_the_same_seed_gives_the_same_bytes(small):
    first, again = (train(small, DeepBind, config=CONFIG, recipe=QUICK) for _ in range(2))
    other = train(replace(small, seed=4), DeepBind, config=CONFIG, recipe=QUICK)
    assert packed(first) == packed(again) != packed(other)
    assert first.training == again.training
    assert (first.scores == again.scores).all()


def test_what_is_said_of_the_run_is_true(small):
    trained = train(small, DeepBind, config=CONFIG, recipe=QUICK)
    training = trained.training
    assert (training.fitted, training.held_out, training.seed) == (50, 10, 3)
    assert training.recipe == QUICK.as_dict()
    assert len(training.curve) == 3
    assert not trained.expert.training
    assert trained.labels.tolist() == [1] * 10 + [0] * 10
    assert auroc(trained.labels, trained.scores) == max(point.auroc for point in training.curve)
    held_out = small.positives[trained.held_out]
    assert trained.scores[:10] == pytest.approx(logits(trained.expert, held_out, window=20, symmetric=False), abs=1e-5)


class Recorder(FreshShuffles):
    def __init__(self):
        self.fitted, self.validated = [], []

    def training(self, positives, each, seed, epoch):
        self.fitted.append((positives, each, seed, epoch))
        return super().training(positives, each, seed, epoch)

    def validation(self, positives, seed):
        self.validated.append(positives)
        return super().validation(positives, seed)


def test_held_out_rows_are_never_fitted(small):
    recorder = Recorder()
    trained = train(replace(small, negatives=recorder), DeepBind, config=CONFIG, recipe=replace(QUICK, negatives=2))
    fitted = np.setdiff1d(np.arange(60), trained.held_out)
    # Three epochs, and the first once more to see how many negatives stand against each positive.
    assert [(each, seed, epoch) for _, each, seed, epoch in recorder.fitted] == [(2, 3, e) for e in (0, 1, 2, 0)]
    assert all((positives == small.positives[fitted]).all() for positives, *_ in recorder.fitted)
    assert len(recorder.validated) == 1
    assert (recorder.validated[0] == small.positives[trained.held_out]).all()


@given(st.integers(20, 40_000), st.integers(0, 3))
def test_split_is_a_partition(rows, seed):
    fitted, held_out = split(rows, seed)
    assert np.array_equal(np.sort(np.concatenate([fitted, held_out])), np.arange(rows))
    assert len(held_out) == min(max(MIN_HELD_OUT, round(rows * HELD_OUT)), MAX_HELD_OUT)
    assert all((np.diff(part) > 0).all() for part in (fitted, held_out))
    assert np.array_equal(split(rows, seed)[1], held_out)


def test_split_does_not_follow_the_order_of_the_file():
    _, held_out = split(10_000, 0)
    assert abs(held_out.mean() - 5000) < 300


@given(length=st.integers(1, 12), most=st.integers(0, 15), seed=st.integers(0, 20))
def test_a_batch_is_moved_as_one(length, most, seed):
    codes = torch.arange(3 * length).reshape(3, length) % 4
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        moved = _moved(codes, most)
    padded = torch.nn.functional.pad(codes, (most, most), value=4)
    steps = [step for step in range(-most, most + 1) if torch.equal(moved, padded[:, most - step :][:, :length])]
    assert steps
    assert min(map(abs, steps)) < max(length, 1)


def test_moves_go_to_either_side():
    codes = torch.tensor([[0, 1, 2, 3, 0, 1, 2]])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seen = {tuple(_moved(codes, 2)[0].tolist()) for _ in range(100)}
    assert seen == {
        (4, 4, 0, 1, 2, 3, 0),
        (4, 0, 1, 2, 3, 0, 1),
        (0, 1, 2, 3, 0, 1, 2),
        (1, 2, 3, 0, 1, 2, 4),
        (2, 3, 0, 1, 2, 4, 4),
    }


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_each_row_is_turned_by_itself(random_codes, share):
    codes = torch.from_numpy(random_codes(400, 9))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shown = _augmented(replace(RECIPE, reverse_complement=share))(codes)
    ahead, back = (one_hot(torch.tensor(each)) for each in (codes.numpy(), reverse_complement(codes.numpy())))
    turned = (shown == back).all(dim=(1, 2))
    assert ((shown == ahead).all(dim=(1, 2)) | turned).all()
    assert float(turned.float().mean()) == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("window", [12, 20, 27])
def test_any_window_fits_any_length(small, window):
    trained = train(small, DeepBind, config={**CONFIG, "window": window}, recipe=replace(QUICK, epochs=1))
    assert trained.expert.window == window


@given(length=st.integers(1, 60), share=st.floats(0, 1))
def test_what_is_left_of_a_sequence_lies_in_its_middle(length, share):
    codes = torch.zeros(200, length, dtype=torch.uint8)
    shown = _hidden(codes, share).eq(0).numpy()
    assert (shown == shown[:, ::-1]).all()
    steps = np.diff(np.pad(shown, ((0, 0), (1, 1))).astype(int), axis=1)
    assert ((steps == 1).sum(axis=1) <= 1).all()


def test_as_many_sequences_are_shortened_as_the_recipe_says():
    shown = _hidden(torch.zeros(20_000, 101, dtype=torch.uint8), 0.1).eq(0).sum(dim=1)
    assert (shown < 101).float().mean().item() == pytest.approx(0.1, abs=0.01)
    cut = shown[shown < 101].float()
    assert cut.mean().item() == pytest.approx(50, abs=3) and cut.min() <= 3 and cut.max() >= 98
    assert _hidden(codes := torch.zeros(5, 9, dtype=torch.uint8), 0.0) is codes


def test_negatives_from_a_pool(small, random_codes):
    task = replace(small, negatives=Pool(random_codes(300, 20, seed=8), HELD_OUT))
    trained = train(task, DeepBind, config=CONFIG, recipe=QUICK)
    assert trained.labels.tolist() == [1] * 10 + [0] * 10


def test_a_run_that_goes_on_ends_with_the_same_bytes(small, tmp_path, stop_at, stopped):
    whole = train(small, DeepBind, config=CONFIG, recipe=QUICK)
    with pytest.raises(stopped):
        train(small, DeepBind, config=CONFIG, recipe=QUICK, checkpoints=tmp_path, watch=stop_at(2))
    assert len(list(tmp_path.iterdir())) == 1
    events = []
    resumed = train(small, DeepBind, config=CONFIG, recipe=QUICK, checkpoints=tmp_path, report=events.append)
    assert packed(resumed) == packed(whole)
    assert resumed.training == whole.training
    assert [event.done for event in events] == [2, 3]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"task": {"digest": "e"}},
        {"task": {"seed": 5}},
        {"config": {**CONFIG, "dropout": 0.1}},
        {"recipe": replace(QUICK, clip=1.0)},
    ],
)
def test_another_run_starts_afresh(small, tmp_path, stop_at, stopped, change):
    with pytest.raises(stopped):
        train(small, DeepBind, config=CONFIG, recipe=QUICK, checkpoints=tmp_path, watch=stop_at(2))
    settings = {"config": CONFIG, "recipe": QUICK} | {key: value for key, value in change.items() if key != "task"}
    epochs = []
    train(
        replace(small, **change.get("task", {})),
        DeepBind,
        **settings,
        checkpoints=tmp_path,
        report=lambda event: epochs.append(event.done),
    )
    assert epochs[0] == 0


def test_too_few_positives(small):
    with pytest.raises(InputError, match="19 positives"):
        train(replace(small, positives=small.positives[:19]), DeepBind)
    train(replace(small, positives=small.positives[:20]), DeepBind, config=CONFIG, recipe=replace(QUICK, epochs=1))


@pytest.mark.parametrize("rate", [1e20, 1e38])
def test_a_run_that_diverges_says_so(small, rate):
    recipe = replace(QUICK, optimiser="sgd", schedule="constant", learning_rate=rate, clip=0.0)
    with pytest.raises(TrainingError, match="finite"):
        train(small, DeepBind, config=CONFIG, recipe=recipe)


def test_the_callers_random_numbers_are_left_alone(small):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    train(small, DeepBind, config=CONFIG, recipe=replace(QUICK, epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_more_negatives_do_not_lower_the_probability_of_a_site(small):
    settings = replace(QUICK, epochs=6)
    one = train(small, DeepBind, config=CONFIG, recipe=replace(settings, negatives=1))
    three = train(small, DeepBind, config=CONFIG, recipe=replace(settings, negatives=3))
    # Without the correction a logit would be lower by log 3.
    assert abs(np.median(one.scores) - np.median(three.scores)) < 0.7
