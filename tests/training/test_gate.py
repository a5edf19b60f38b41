from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit

from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import TrainingError, UsageError
from tfbs_hub.gate.gate_sets import GateSet
from tfbs_hub.metrics import auroc
from tfbs_hub.training.gate import MIN_STRONG, RECIPES, GateTask, _Rows, mean_auroc, scores, suggest, train_gate

WIDTHS = (3, 5)
QUICK = replace(RECIPES["paper"], epochs=12, batch=64)


def gate_set(name, codes, labels, seed, **more):
    validation = np.random.default_rng(seed).random(len(codes)) < 0.25
    return GateSet(name=name, codes=codes, labels=labels.astype(np.int8), validation=validation, **more)


@pytest.fixture
def task(random_codes):
    """Two experts, each of which knows one of two gate sets."""
    draw = np.random.default_rng(0)
    sets, embeddings = [], []
    for place, rows in enumerate((240, 160)):
        labels = np.repeat([1, 0], rows // 2)
        sets.append(gate_set(f"S{place}", random_codes(rows, 8, seed=place), labels, place))
        array = draw.normal(size=(2, rows, sum(WIDTHS))).astype(np.float32)
        known = slice(0, 3) if place == 0 else slice(3, 8)
        array[:, labels == 1, known] += 1.0
        embeddings.append(array)
    return GateTask(names=["A", "B"], widths=WIDTHS, gate_sets=sets, embeddings=embeddings, seed=5)


def state(trained):
    return {name: tensor.numpy().tobytes() for name, tensor in trained.gate.state_dict().items()}


def test_the_papers_recipe():
    paper = RECIPES["paper"]
    assert (paper.optimiser, paper.schedule, paper.learning_rate, paper.momentum) == ("sgd", "constant", 0.01, 0.98)
    assert (paper.epochs, paper.patience) == (500, 10)


def test_learns(task):
    trained = train_gate(task, recipe=QUICK)
    assert [score.name for score in trained.scores] == ["S0", "S1"]
    assert all(score.auroc > 0.85 for score in trained.scores)
    assert trained.temperature > 0
    assert not trained.gate.training
    assert trained.gate.config == {"embedding_dims": [3, 5], "hidden": 32}


def test_the_papers_gate_stops_early(task):
    assert len(train_gate(task, recipe=RECIPES["paper"]).training.curve) < 100


def test_a_large_gate_set_does_not_drown_a_small_one(task, random_codes):
    few = 60
    sets, embeddings = [], []
    for place, rows in enumerate((few, 3000)):
        labels = np.repeat([1, 0], rows // 2)
        sets.append(gate_set(f"S{place}", random_codes(rows, 8, seed=place), labels, place))
        array = np.random.default_rng(place).normal(size=(2, rows, sum(WIDTHS))).astype(np.float32)
        # What speaks for a site in the small set speaks against one in the large set.
        array[:, labels == 1, 0] += 2.0 if place == 0 else -2.0
        array[:, :, 4] = 3.0 if place == 0 else -3.0
        embeddings.append(array)
    uneven = replace(task, gate_sets=sets, embeddings=embeddings)
    one_epoch = replace(RECIPES["balanced"], epochs=3, batch=64, learning_rate=1e-2)
    small = {
        balance: train_gate(uneven, recipe=replace(one_epoch, balance=balance)).scores[0].auroc
        for balance in (True, False)
    }
    assert small[True] > 0.85
    assert small[True] > small[False]


def test_balanced_epochs_hold_every_gate_set_equally_often(task):
    parts = [torch.from_numpy(array) for array in task.embeddings]
    drawn = _Rows(task, parts, balance=True)
    first, again, second = drawn(0), drawn(0), drawn(1)
    assert torch.equal(first.inputs, again.inputs)
    assert not torch.equal(first.inputs, second.inputs)
    own = [set(map(tuple, part.flatten(0, 1).tolist())) for part in parts]
    counts = [sum(tuple(row) in rows for row in first.inputs.tolist()) for rows in own]
    assert counts[0] == counts[1] == len(first.labels) // 2
    fitted = {
        tuple(row)
        for each, part in zip(task.gate_sets, parts, strict=True)
        for row in part[:, ~each.validation].flatten(0, 1).tolist()
    }
    assert set(map(tuple, first.inputs.tolist())) <= fitted


def test_a_standardised_gate_takes_raw_embeddings_of_any_scale(task):
    stretched = replace(task, embeddings=[array * 1000 + 500 for array in task.embeddings])
    recipe = replace(RECIPES["balanced"], epochs=12, batch=64, expert_dropout=0.0)
    plain, wide = train_gate(task, recipe=recipe), train_gate(stretched, recipe=recipe)
    for one, other in zip(plain.scores, wide.scores, strict=True):
        assert one.auroc > 0.85
        assert abs(one.auroc - other.auroc) < 0.02


def test_dropout_makes_every_expert_speak(task):
    # Expert B knows nothing that A does not know: left alone, a gate need not listen to it.
    embeddings = [array.copy() for array in task.embeddings]
    for each, array in zip(task.gate_sets, embeddings, strict=True):
        array[:, each.labels == 1] += 1.5
    both = replace(task, embeddings=embeddings)
    recipe = replace(RECIPES["balanced"], batch=64)
    silent = {
        dropout: min(
            abs(score.contribution["B"])
            for score in train_gate(both, recipe=replace(recipe, expert_dropout=dropout)).scores
        )
        for dropout in (0.0, 0.5)
    }
    assert silent[0.5] > 0.1


def test_the_same_seed_gives_the_same_bytes(task):
    first, again = train_gate(task, recipe=QUICK), train_gate(task, recipe=QUICK)
    assert state(first) == state(again)
    assert (first.temperature, first.training, first.scores) == (again.temperature, again.training, again.scores)
    assert state(train_gate(replace(task, seed=6), recipe=QUICK)) != state(first)


def test_what_is_said_of_the_run_is_true(task):
    trained = train_gate(task, recipe=QUICK, hidden=7)
    held_out = sum(int(each.validation.sum()) for each in task.gate_sets)
    training = trained.training
    assert (training.fitted, training.held_out, training.seed) == (400 - held_out, held_out, 5)
    assert training.recipe == QUICK.as_dict()
    assert trained.gate.hidden == 7
    parts = [torch.from_numpy(array) for array in task.embeddings]
    assert max(point.auroc for point in training.curve) == mean_auroc(trained.gate, task, parts)
    for score, each, part in zip(trained.scores, task.gate_sets, parts, strict=True):
        logit, alpha, contribution = scores(trained.gate, part[:, each.validation])
        bound = each.labels[each.validation] == 1
        assert score.auroc == auroc(bound, logit)
        assert (score.digest, score.rows, score.kind) == (each.digest, len(each), "given")
        assert list(score.alpha) == ["A", "B"]
        assert sum(score.alpha.values()) == pytest.approx(1, abs=1e-6)
        assert list(score.alpha.values()) == pytest.approx(alpha[bound].mean(axis=0))
        expected = contribution[bound].mean(axis=0) / trained.temperature
        assert list(score.contribution.values()) == pytest.approx(expected)
    assert canonical_json([training, trained.scores])


def test_scores_average_both_strands(task):
    gate = train_gate(task, recipe=replace(QUICK, epochs=1)).gate
    part = torch.from_numpy(task.embeddings[0])
    logit, alpha, contribution = scores(gate, part)
    ahead, back = (gate.mix(strand) for strand in part)
    for mean, left, right in zip((logit, alpha, contribution), ahead, back, strict=True):
        assert mean == pytest.approx(((left + right) / 2).detach().numpy(), abs=1e-6)
    assert contribution.sum(axis=1) + float(gate.classifier.bias.detach()) == pytest.approx(logit, abs=1e-5)


def test_a_large_set_does_not_drown_a_small_one(task):
    gate = train_gate(task, recipe=replace(QUICK, epochs=1)).gate
    parts = [torch.from_numpy(array) for array in task.embeddings]
    single = [
        mean_auroc(gate, replace(task, gate_sets=[each]), [part])
        for each, part in zip(task.gate_sets, parts, strict=True)
    ]
    assert mean_auroc(gate, task, parts) == pytest.approx(sum(single) / 2)


@pytest.mark.parametrize("strong", [0, MIN_STRONG - 1, MIN_STRONG], ids=["unknown", "too few", "enough"])
@pytest.mark.parametrize("recipe", [QUICK, replace(QUICK, centre=True)], ids=["temperature", "and bias"])
def test_calibrated_on_the_strongest_rows_or_on_validation(task, strong, recipe):
    first = task.gate_sets[0]
    if strong:
        marked = np.zeros(len(first), np.bool_)
        marked[np.flatnonzero(~first.validation)[:strong]] = True
        first = replace(first, strong=marked)
    task = replace(task, gate_sets=[first, task.gate_sets[1]])
    trained = train_gate(task, recipe=recipe)
    rows = [first.strong if strong >= MIN_STRONG else first.validation, task.gate_sets[1].validation]
    found = [
        (scores(trained.gate, torch.from_numpy(array[:, chosen]))[0], each.labels[chosen])
        for each, array, chosen in zip(task.gate_sets, task.embeddings, rows, strict=True)
    ]
    logit, label = (np.concatenate(parts).astype(float) for parts in zip(*found, strict=True))

    def loss(temperature, offset=0.0):
        chance = expit((logit + offset) / temperature)
        return -np.mean(np.log(chance)[label == 1]) - np.mean(np.log(1 - chance)[label == 0])

    best = loss(trained.temperature)
    assert best <= min(loss(trained.temperature * factor) for factor in (0.5, 0.9, 0.98, 1.02, 1.1, 2))
    moved = min(loss(trained.temperature, offset) for offset in (-0.5, -0.02, 0.02, 0.5))
    assert (best <= moved) if recipe.centre else (moved < best)


def test_validation_rows_are_never_fitted(task):
    """Labels of validation rows turned round: another choice of epoch, but the same steps."""
    recipe = replace(QUICK, epochs=1)
    turned = [
        replace(each, labels=np.where(each.validation, 1 - each.labels, each.labels).astype(np.int8), _digest=[])
        for each in task.gate_sets
    ]
    first, other = train_gate(task, recipe=recipe), train_gate(replace(task, gate_sets=turned), recipe=recipe)
    assert state(first) == state(other)
    assert first.training.curve[0].auroc == pytest.approx(1 - other.training.curve[0].auroc)
    changed = [array.copy() for array in task.embeddings]
    for each, array in zip(task.gate_sets, changed, strict=True):
        array[:, each.validation] = 9
    assert state(train_gate(replace(task, embeddings=changed), recipe=recipe)) == state(first)


def test_a_run_that_goes_on_ends_with_the_same_bytes(task, tmp_path, stop_at, stopped):
    whole = train_gate(task, recipe=QUICK)
    with pytest.raises(stopped):
        train_gate(task, recipe=QUICK, checkpoints=tmp_path, watch=stop_at(5))
    events = []
    resumed = train_gate(task, recipe=QUICK, checkpoints=tmp_path, report=events.append)
    assert events[0].done == 5
    assert (state(resumed), resumed.temperature, resumed.training) == (state(whole), whole.temperature, whole.training)
    assert list(tmp_path.iterdir()) == []


def test_other_experts_on_the_same_sets_are_another_run(task, tmp_path, stop_at, stopped):
    with pytest.raises(stopped):
        train_gate(task, recipe=QUICK, checkpoints=tmp_path, watch=stop_at(5))
    changed = replace(task, embeddings=[array + 1 for array in task.embeddings])
    events = []
    train_gate(changed, recipe=QUICK, checkpoints=tmp_path, report=events.append)
    assert events[0].done == 0


def test_one_expert_and_simulated_sets(task):
    single = GateTask(
        names=["A"],
        widths=[8],
        gate_sets=[replace(task.gate_sets[0], simulated=True)],
        embeddings=task.embeddings[:1],
        seed=0,
    )
    trained = train_gate(single, recipe=QUICK)
    assert trained.scores[0].kind == "simulated"
    assert trained.scores[0].alpha == {"A": 1.0}


def test_no_gate_sets(task):
    with pytest.raises(UsageError, match="gate set"):
        train_gate(replace(task, gate_sets=[], embeddings=[]))


def test_a_run_that_diverges_says_so(task):
    with pytest.raises(TrainingError, match="finite"):
        train_gate(task, recipe=replace(QUICK, learning_rate=1e30))


def test_the_callers_random_numbers_and_arrays_are_left_alone(task):
    torch.manual_seed(3)
    before, arrays = torch.get_rng_state(), [array.copy() for array in task.embeddings]
    train_gate(task, recipe=replace(QUICK, epochs=2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all((now == then).all() for now, then in zip(task.embeddings, arrays, strict=True))


@pytest.mark.parametrize("name", RECIPES)
def test_a_search_moves_what_the_recipe_uses(name):
    import optuna

    recipe = RECIPES[name]
    changes = suggest(optuna.create_study(sampler=optuna.samplers.RandomSampler(0)).ask(), recipe)
    assert recipe.learning_rate / 5 <= changes["learning_rate"] <= recipe.learning_rate * 5
    assert ("momentum" in changes) == (recipe.optimiser == "sgd")
    assert ("expert_dropout" in changes) == (recipe.expert_dropout > 0)
    assert replace(recipe, **{key: value for key, value in changes.items() if key != "hidden"}) != recipe
