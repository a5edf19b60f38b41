from __future__ import annotations

import math
from dataclasses import replace
from itertools import chain, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tfbs_hub.errors import TrainingError, UsageError
from tfbs_hub.experts.contract import Recipe
from tfbs_hub.training.fit import Rows, _optimiser, cross_entropy, learning_rate, validation_auroc

SHORT = Recipe(epochs=8, patience=8, batch=16, learning_rate=0.02)
CONSTANT = replace(SHORT, schedule="constant")
SGD = replace(SHORT, optimiser="sgd", schedule="constant", momentum=0.9)


def test_learns(make_toy):
    toy = make_toy(replace(SHORT, epochs=25, patience=25))
    result = toy.fit()
    assert result.best_auroc > 0.9
    assert len(result.curve) == 25
    assert [point.epoch for point in result.curve] == list(range(1, 26))
    assert result.curve[-1].loss < result.curve[0].loss / 2


@pytest.mark.parametrize("recipe", [SHORT, CONSTANT, SGD])
def test_the_same_seed_gives_the_same_bytes(make_toy, recipe):
    first, again, other = make_toy(recipe), make_toy(recipe), make_toy(recipe)
    other.seed = 1
    assert first.fit() == again.fit()
    other.fit()
    assert first.state() == again.state() != other.state()


def test_the_best_epochs_weights_are_kept(make_toy):
    toy = make_toy(replace(CONSTANT, patience=5))
    toy.aurocs = [0.5, 0.7, 0.9, 0.9, 0.6, 0.8, 0.7, 0.7]
    result = toy.fit()
    assert (result.best_epoch, result.best_auroc) == (3, 0.9)
    assert not toy.model.training
    assert len(result.curve) == 8
    assert all(torch.equal(toy.seen[2][name], tensor) for name, tensor in toy.model.state_dict().items())
    assert not torch.equal(toy.seen[3]["0.weight"], toy.seen[2]["0.weight"])


@pytest.mark.parametrize(
    ("schedule", "warm_up", "epochs_run"),
    # The best epoch is the first; with a cycle, waiting starts at its peak (epoch 6 of 20).
    [("constant", 0.3, 1 + 3), ("one-cycle", 0.3, 6 + 3), ("one-cycle", 0.05, 1 + 3)],
)
def test_patience_is_counted_from_the_best_epoch_or_the_peak(make_toy, schedule, warm_up, epochs_run):
    toy = make_toy(replace(SHORT, schedule=schedule, warm_up=warm_up, epochs=20, patience=3))
    toy.aurocs = [0.9] + [0.5] * 19
    assert len(toy.fit().curve) == epochs_run


def test_a_loss_that_is_not_finite_ends_the_run(make_toy):
    toy = make_toy(SHORT)
    toy.inputs[7, 2] = math.inf
    with pytest.raises(TrainingError, match="epoch 1"):
        toy.fit()


def test_scores_that_are_not_finite_end_the_run():
    labels = np.array([0, 1, 1], np.int8)
    with pytest.raises(TrainingError, match="finite"):
        validation_auroc(labels, np.array([0, np.nan, 1], np.float32))
    assert validation_auroc(labels, np.array([0, 2, 1], np.float32)) == 1


@pytest.mark.parametrize("change", [{"optimiser": "adam"}, {"schedule": "cosine"}])
def test_a_recipe_that_cannot_be(make_toy, change):
    with pytest.raises(UsageError, match=next(iter(change.values()))):
        make_toy(replace(SHORT, **change)).fit()


def test_the_callers_random_numbers_are_left_alone(make_toy, stop_at, stopped):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    make_toy(SHORT).fit()
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(stopped):
        make_toy(SHORT).fit(watch=stop_at(2))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_callers_random_numbers_do_not_matter(make_toy):
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        toy = make_toy(SHORT)
        toy.fit()
        states.append(toy.state())
    assert states[0] == states[1]


@pytest.mark.parametrize("recipe", [SHORT, CONSTANT, SGD, replace(SGD, momentum=0.0)], ids=lambda r: r.optimiser)
@pytest.mark.parametrize("epoch", [1, 5, 8])
def test_a_run_that_goes_on_ends_with_the_same_bytes(make_toy, stop_at, stopped, checkpoint, recipe, epoch):
    whole = make_toy(recipe)
    expected = whole.fit()
    with pytest.raises(stopped):
        make_toy(recipe).fit(checkpoint=checkpoint(), watch=stop_at(epoch))
    resumed = make_toy(recipe)
    with torch.no_grad():
        resumed.model[0].weight.zero_()  # whatever it began with is of no account
    told = []
    assert resumed.fit(checkpoint=checkpoint(), watch=lambda *seen: told.append(seen)) == expected
    assert resumed.state() == whole.state()
    assert len(resumed.seen) == recipe.epochs - epoch
    assert told == [(point.epoch, point.auroc) for point in expected.curve]


def test_a_run_broken_many_times(make_toy, stop_at, stopped, checkpoint):
    whole = make_toy(SHORT)
    whole.fit()
    for epoch in range(1, 9):
        toy = make_toy(SHORT)
        with pytest.raises(stopped):
            toy.fit(checkpoint=checkpoint(), watch=stop_at(epoch))
        assert len(toy.seen) == 1
    last = make_toy(SHORT)
    last.fit(checkpoint=checkpoint())
    assert last.state() == whole.state()


def test_early_stopping_survives_a_break(make_toy, stop_at, stopped, checkpoint):
    recipe = replace(CONSTANT, epochs=20, patience=3)
    first, second = make_toy(recipe), make_toy(recipe)
    first.aurocs = [0.5, 0.9, 0.6]
    with pytest.raises(stopped):
        first.fit(checkpoint=checkpoint(), watch=stop_at(3))
    second.aurocs = [0.9, 0.7, 0.8]  # no better than epoch 2
    result = second.fit(checkpoint=checkpoint())
    assert (result.best_epoch, result.best_auroc, len(result.curve)) == (2, 0.9, 5)
    assert all(torch.equal(first.seen[1][name], tensor) for name, tensor in second.model.state_dict().items())


def test_a_checkpoint_of_another_run_is_not_taken(make_toy, stop_at, stopped, checkpoint):
    with pytest.raises(stopped):
        make_toy(SHORT).fit(checkpoint=checkpoint("a" * 64), watch=stop_at(4))
    toy = make_toy(SHORT)
    toy.fit(checkpoint=checkpoint("a" * 32 + "b" * 32))
    assert len(toy.seen) == SHORT.epochs


@pytest.mark.parametrize("where", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_checkpoint_is_not_taken(make_toy, stop_at, stopped, checkpoint, where, cut):
    kept = checkpoint()
    with pytest.raises(stopped):
        make_toy(SHORT).fit(checkpoint=kept, watch=stop_at(4))
    data = bytearray(kept.path.read_bytes())
    place = min(int(where * len(data)), len(data) - 1)
    if cut:
        del data[place:]
    else:
        data[place] ^= 1
    kept.path.write_bytes(data)
    toy, whole = make_toy(SHORT), make_toy(SHORT)
    whole.fit()
    toy.fit(checkpoint=kept)
    assert len(toy.seen) == SHORT.epochs
    assert toy.state() == whole.state()


def test_progress_is_reported(make_toy):
    events = []
    toy = make_toy(replace(CONSTANT, epochs=10, patience=2))
    toy.aurocs = [0.6, 0.5, 0.5, 0.5]
    toy.fit(report=events.append, task="training X")
    assert [(event.task, event.done, event.total) for event in events] == [
        ("training X", done, 10) for done in (0, 1, 2, 3, 10)
    ]
    assert events[-1].message == "validation AUROC 0.6000 (epoch 1)"


def test_batches_cover_every_row_once_and_differ_between_epochs(make_toy):
    toy = make_toy(replace(SHORT, epochs=2, batch=40))
    toy.inputs = torch.arange(90.0)[:, None].expand(90, 4).contiguous()
    batches = []

    def prepare(x):
        batches.append(x[:, 0].round().int().tolist())
        return x / 90

    rows = Rows(toy.inputs, toy.labels)
    toy.fit(prepare=prepare, rows=lambda epoch: rows)
    assert [len(batch) for batch in batches] == [30] * 6
    first, second = list(chain(*batches[:3])), list(chain(*batches[3:]))
    assert sorted(first) == sorted(second) == list(range(90))
    assert first != second


def test_clipping_bounds_the_step(make_toy):
    plain = replace(SGD, momentum=0.0, weight_decay=0.0, epochs=1, batch=90, learning_rate=1.0)
    moved = {}
    for clip in (0.0, 0.01):
        toy = make_toy(replace(plain, clip=clip))
        before = [parameter.detach().clone() for parameter in toy.model.parameters()]
        toy.fit()
        steps = [after.detach() - start for after, start in zip(toy.model.parameters(), before, strict=True)]
        moved[clip] = float(torch.cat([step.flatten() for step in steps]).norm())
    assert moved[0.01] == pytest.approx(0.01, rel=1e-3)
    assert moved[0.0] > 0.02


def test_sgd_is_nesterov_with_the_papers_update():
    """Equation 13 in PyTorch's form: v = mu v + g; theta -= lr (g + mu v)."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 2.0)
    recipe = Recipe(optimiser="sgd", learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    optimiser = _optimiser(model, recipe)
    theta, v = 2.0, 0.0
    for _ in range(4):
        optimiser.zero_grad()
        (model.weight.square() / 2).sum().backward()
        optimiser.step()
        v = 0.9 * v + theta
        theta -= 0.1 * (theta + 0.9 * v)
        assert float(model.weight.detach()) == pytest.approx(theta, rel=1e-5)


def test_cross_entropy_is_the_mean_over_the_batch():
    x = torch.tensor([0.3, -1.2, 2.0])
    labels = torch.tensor([1.0, 0.0, 0.0])
    expected = -sum(
        math.log(1 / (1 + math.exp(-value)) if label else 1 - 1 / (1 + math.exp(-value)))
        for value, label in zip(x.tolist(), labels.tolist(), strict=True)
    )
    assert float(cross_entropy(nn.Identity(), x, labels)) == pytest.approx(expected / 3, rel=1e-5)


@given(st.floats(0, 1), st.integers(1, 5000), st.floats(1e-5, 1))
def test_one_cycle_rises_once_and_falls_once(warm_up, steps, peak):
    recipe = Recipe(learning_rate=peak, warm_up=warm_up)
    rates = [learning_rate(recipe, step, steps) for step in range(0, steps + 1, max(1, steps // 50))]
    assert all(0 < rate <= peak * (1 + 1e-9) for rate in rates)
    top = rates.index(max(rates))
    assert all(left <= right for left, right in pairwise(rates[: top + 1]))
    assert all(left >= right for left, right in pairwise(rates[top:]))


def test_one_cycle_at_its_corners():
    recipe = Recipe(learning_rate=1.0, warm_up=0.25)
    assert learning_rate(recipe, 0, 100) == pytest.approx(0.04)
    assert learning_rate(recipe, 25, 100) == pytest.approx(1.0)
    assert learning_rate(recipe, 100, 100) == pytest.approx(1e-4)
    assert {learning_rate(replace(recipe, schedule="constant"), step, 100) for step in range(100)} == {1.0}
