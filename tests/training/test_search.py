from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from tfbs_hub.errors import StorageError, TrainingError
from tfbs_hub.experts.contract import Recipe
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.residual import Residual
from tfbs_hub.training.expert import Task, train
from tfbs_hub.training.negatives import FreshShuffles
from tfbs_hub.training.search import search, search_expert

DIGEST = "d" * 64


class Killed(Exception):
    """What stands for a kill."""


class Hill:
    """Trials climb to a height that depends on x; says which x were asked for."""

    def __init__(self, *, stop_in=None, epochs=4):
        self.stop_in = stop_in
        self.epochs = epochs
        self.asked = []
        self.told = []

    def __call__(self, trial, watch):
        x = trial.suggest_float("x", -1, 1)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        self.asked.append((x, kind))
        height = 1 - x * x - (kind == "b") / 10
        for epoch in range(1, self.epochs + 1):
            if len(self.asked) == self.stop_in and epoch == 2:
                raise Killed
            self.told.append(epoch)
            watch(epoch, height * epoch / self.epochs)
        return height


@pytest.fixture
def place():
    """A folder in memory where there is one: a study syncs its file at every step, which takes a disk seconds."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def run(place):
    def start(trials, objective, folder="search", digest=DIGEST, seed=1, **more):
        return search(trials, objective, folder=place / folder, digest=digest, seed=seed, **more)

    return start


def study_in(folder):
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / DIGEST[:32]}.sqlite")
    return storage, optuna.load_study(study_name=DIGEST, storage=storage)


@pytest.fixture
def states(place):
    def read(folder="search"):
        storage, study = study_in(place / folder)
        found = [trial.state.name for trial in study.get_trials()]
        storage.remove_session()
        storage.engine.dispose()
        return found

    return read


def test_the_best_of_the_trials_wins(run, states):
    hill = Hill()
    best = run(9, hill)
    heights = [1 - x * x - (kind == "b") / 10 for x, kind in hill.asked]
    assert len(set(heights)) == 9
    assert best.value == max(heights)
    assert (best.params["x"], best.params["kind"]) == hill.asked[heights.index(max(heights))]
    assert set(states()) <= {"COMPLETE", "PRUNED"}


def test_the_same_seed_proposes_the_same(run):
    hills = [Hill(), Hill(), Hill()]
    for hill, folder, seed in zip(hills, "abc", (1, 1, 2), strict=True):
        run(6, hill, folder=folder, seed=seed)
    assert hills[0].asked == hills[1].asked != hills[2].asked


def test_hopeless_trials_are_cut_short(run, states):
    hill = Hill(epochs=10)
    run(25, hill)
    assert states().count("PRUNED") > 0
    assert states()[:4] == ["COMPLETE"] * 4
    assert len(hill.told) < 250


def test_finished_trials_are_not_run_again(run):
    first, second, third = Hill(), Hill(), Hill()
    run(4, first)
    best = run(6, second)
    assert (len(first.asked), len(second.asked)) == (4, 2)
    assert run(6, third).params == best.params
    assert third.asked == []


@pytest.mark.parametrize("stop_in", [1, 3, 8, 14])
def test_a_search_that_was_broken_ends_like_one_that_was_not(run, states, stop_in):
    whole, broken, rest = Hill(), Hill(stop_in=stop_in), Hill()
    expected = run(14, whole, folder="whole")
    with pytest.raises(Killed):
        run(14, broken)
    best = run(14, rest)
    assert rest.asked[0] == broken.asked[-1]
    assert broken.asked[:-1] + rest.asked == whole.asked
    assert (best.value, best.params) == (expected.value, expected.params)
    assert [state for state in states() if state != "FAIL"] == states("whole")


def test_a_trial_left_running_by_a_kill_is_run_again(run, states):
    whole, rest = Hill(), Hill()
    run(8, whole, folder="whole")
    child = os.fork()
    if child == 0:
        first = Hill()

        def killed(trial, watch):
            return os._exit(9) if trial.number == 5 else first(trial, watch)

        try:
            run(8, killed)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert states()[5:] == ["RUNNING"]
    run(8, rest)
    assert rest.asked == whole.asked[5:]
    assert states()[5:] == ["FAIL", *states("whole")[5:]]


def test_settings_that_diverge_count_as_hopeless(run, states):
    hill = Hill()

    def objective(trial, watch):
        if trial.number % 2 == 0:
            trial.suggest_float("x", -1, 1)
            raise TrainingError("the loss is not finite")
        return hill(trial, watch)

    run(6, objective)
    assert states() == ["PRUNED", "COMPLETE"] * 3


def test_no_trial_at_its_end(run):
    def objective(trial, watch):
        raise TrainingError("the loss is not finite")

    with pytest.raises(TrainingError, match="no trial"):
        run(3, objective)


def test_another_error_ends_the_search(run):
    def objective(trial, watch):
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        run(3, objective)


@pytest.mark.parametrize(
    "data", [b"not a database, but long enough to be looked at" * 40, b"SQLite format 3\0" + b"x" * 2000]
)
def test_a_damaged_study_is_named(run, place, data):
    path = place / "search" / f"{DIGEST[:32]}.sqlite"
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(StorageError, match="delete") as caught:
        run(2, Hill())
    assert caught.value.where == str(path)


def test_a_folder_that_cannot_be_made(run, place):
    (place / "search").write_text("in the way")
    with pytest.raises(StorageError):
        run(2, Hill())


def test_progress_is_reported(run):
    events = []
    run(3, Hill(), report=events.append, task="searching for X")
    assert [(event.task, event.done, event.total) for event in events] == [
        ("searching for X", done, 3) for done in range(4)
    ]
    assert events[0].message == ""
    assert events[2].message.startswith("best AUROC 0.")


@pytest.fixture
def find(place):
    def start(run, architecture=DeepBind, recipe=None, digest="e"):
        return search_expert(3, architecture, recipe or Recipe(), run, folder=place / "experts", digest=digest, seed=0)

    return start


def test_the_best_proposal_for_an_expert(find):
    asked = []

    def run(config, recipe, watch):
        asked.append((config, recipe))
        return config["dropout"]

    config, recipe = find(run)
    assert (config, recipe) == max(asked, key=lambda pair: pair[0]["dropout"])
    assert DeepBind.from_config(config)
    assert find(run) == (config, recipe)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "change",
    [{"architecture": Residual}, {"recipe": Recipe(epochs=7)}, {"digest": "f"}],
    ids=lambda each: next(iter(each)),
)
def test_another_search_begins_anew(find, change):
    asked = []

    def run(config, recipe, watch):
        asked.append(config)
        return 0.5

    find(run)
    find(run, **change)
    assert len(asked) == 6


def test_classes_of_one_name_do_not_share_a_search(find):
    twin = type("DeepBind", (DeepBind,), {"__module__": "elsewhere"})
    asked = []

    def run(config, recipe, watch):
        asked.append(config)
        return 0.5

    find(run)
    find(run, architecture=twin)
    assert len(asked) == 6


def test_training_and_search_go_on_together(planted_codes, place):
    """A kill inside a trial: its training goes on, and pruning sees the epochs from before."""
    task = Task(tf="X", positives=planted_codes(40, 15), negatives=FreshShuffles(), seed=0, digest="t")
    recipe = Recipe(epochs=4, batch=32)
    told = {"whole": [], "broken": []}

    def runner(folder, stop_at=None):
        def run(config, changed, watch):
            def both(epoch, auroc):
                if len(told[folder]) == stop_at:
                    raise Killed
                told[folder].append((epoch, auroc))
                watch(epoch, auroc)

            small = {**config, "detectors": 4, "width": 6, "embedding_dim": 4}
            trained = train(task, DeepBind, config=small, recipe=changed, checkpoints=place / folder, watch=both)
            return max(point.auroc for point in trained.training.curve)

        return lambda trials: search_expert(
            trials, DeepBind, recipe, run, folder=place / folder / "search", digest="d", seed=0
        )

    expected = runner("whole")(3)
    with pytest.raises(Killed):
        runner("broken", stop_at=6)(3)
    del told["broken"][4:]
    assert runner("broken")(3) == expected
    assert told["broken"] == told["whole"]
    assert replace(expected[1], epochs=4) == expected[1]
