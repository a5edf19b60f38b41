from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from tfbs_hub import Hub
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, UsageError
from tfbs_hub.evaluation.store import to_bytes
from tfbs_hub.metrics import auroc
from tfbs_hub.workflows import evaluate as workflow
from tfbs_hub.workflows.models import Loader


@pytest.fixture
def hub(registry):
    return Hub.open(registry)


@pytest.fixture
def files(trained):
    return [trained.labelled["EBOX"], trained.labelled["ETS"]]


@pytest.fixture
def fresh(registry, tmp_path):
    """Other hubs on copies of the registry, each with a cache of its own."""

    def make(name):
        hub = Hub.open(registry)
        hub.registry.read_only = True
        hub.cache = tmp_path / name
        return hub

    return make


@pytest.fixture
def killed(monkeypatch):
    """Stop an evaluation as a kill would, before the data set with this name."""

    def stop(hub, files, name, **more):
        real = workflow.compare

        def compare(dataset, *rest, **options):
            if dataset == name:
                raise KeyboardInterrupt
            return real(dataset, *rest, **options)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(workflow, "compare", compare)
            hub.evaluate(files, **more)

    return stop


def kept(hub):
    return sorted((hub.cache / "evaluations").glob("*/*"))


def test_a_run_says_everything_about_its_question(hub, files, registry):
    run = hub.evaluate(files, bootstrap=5, seed=3)
    assert (run.trials, run.seed, list(run.models)) == (5, 3, ["moe", "mean", "EBOX", "ETS"])
    assert [dataset.name for dataset in run.datasets] == ["EBOX_test", "ETS_test"]
    assert all([model.name for model in dataset.models] == list(run.models) for dataset in run.datasets)
    assert run.models["ETS"]["weights_sha256"] == hub.spec("ETS").card.weights_sha256
    assert run.models["moe"]["weights_sha256"] == hub.gate_record().digest
    members = hub.gate_record().card.members
    assert run.models["mean"] == {"members": [{"name": each.name, "digest": each.digest} for each in members]}
    assert set(run.versions) == {"tfbs_hub", "python", "numpy", "scipy", "torch", "h5py"}
    assert run.command == (
        *("evaluate", "EBOX_test.fa", "ETS_test.fa", "--models", "moe,mean,EBOX,ETS"),
        *("--bootstrap", "5", "--seed", "3", "--negatives", "given", "--device", "cpu"),
    )
    for dataset in run.datasets:
        alpha = dataset.models[0].alpha
        assert set(alpha) == {"EBOX", "ETS"} and sum(alpha.values()) == pytest.approx(1, abs=1e-5)
    assert (registry / "evaluations" / f"{run.run}.h5").read_bytes() == to_bytes(run)
    assert kept(hub) == []


def test_scores_are_those_that_predict_gives(hub, files):
    dataset = hub.evaluate(files[:1], ["ETS", "moe"], bootstrap=2).datasets[0]
    for model in dataset.models:
        logit = hub.predict(files[0], model.name).logit
        assert np.array_equal(model.scores, logit.astype(np.float64))
        assert model.auroc.value == auroc(dataset.labels, logit)
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"


def test_the_same_question_gives_the_same_run_wherever_it_is_asked(hub, fresh, files, tmp_path):
    first = hub.evaluate(files, bootstrap=3)
    moved = [tmp_path / file.name for file in files]
    for old, new in zip(files, moved, strict=True):
        new.write_bytes(old.read_bytes())
    again = fresh("elsewhere")
    (again.registry.path / "evaluations" / f"{first.run}.h5").unlink()
    second = again.evaluate(moved, ["moe", "mean", "ebox", "ETS", "EBOX"], bootstrap=3)
    assert second.run == first.run and to_bytes(second) == to_bytes(first)


def test_another_question_is_another_run(hub, files):
    asked = [
        {},
        {"seed": 1},
        {"bootstrap": 4},
        {"models": ["moe"]},
        {"models": ["mean"]},
        {"models": ["ETS", "moe"]},
        {"negatives": "other-tfs"},
        {"tukey": True},
    ]
    runs = [hub.evaluate(files, **{"bootstrap": 3, "models": ["moe", "ETS"], **more}).run for more in asked]
    runs.append(hub.evaluate(files[::-1], ["moe", "ETS"], bootstrap=3).run)
    assert len(set(runs)) == len(runs) == len(hub.registry.evaluations())


def test_an_answer_that_is_there_is_given_again_without_a_network(hub, files, monkeypatch):
    first = hub.evaluate(files, bootstrap=3)
    monkeypatch.setattr(Loader, "expert", None)
    events = []
    assert to_bytes(hub.evaluate(files, bootstrap=3, report=events.append)) == to_bytes(first)
    assert any("answered before" in event.message for event in events)


def test_an_answer_that_is_damaged_is_said_and_not_overwritten(hub, files):
    run = hub.evaluate(files[:1], bootstrap=3)
    path = hub.registry.path / "evaluations" / f"{run.run}.h5"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(IntegrityError) as refusal:
        hub.evaluate(files[:1], bootstrap=3)
    assert f"remove {path}" in refusal.value.hint
    path.unlink()
    assert hub.evaluate(files[:1], bootstrap=3).run == run.run


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(fresh, files, killed, monkeypatch):
    whole = fresh("whole").evaluate(files, bootstrap=7)
    hub = fresh("stopped")
    killed(hub, files, "ETS_test", bootstrap=7)
    assert len(kept(hub)) == 1
    events, scored = [], []
    real = workflow.score
    monkeypatch.setattr(workflow, "score", lambda *args: scored.append(args[2]) or real(*args))
    again = hub.evaluate(files, bootstrap=7, report=events.append)
    assert to_bytes(again) == to_bytes(whole)
    assert set(scored) == {"ETS_test"}
    assert any("1 of 2 data sets were finished before" in event.message for event in events)
    assert kept(hub) == [] and hub.registry.evaluations() == []


def test_what_another_question_left_is_not_used(fresh, files, killed):
    hub = fresh("stopped")
    killed(hub, files, "ETS_test", bootstrap=7)
    (left,) = kept(hub)
    other = hub.evaluate(files, bootstrap=7, seed=1)
    assert kept(hub) == [left]
    assert to_bytes(other) == to_bytes(fresh("whole").evaluate(files, bootstrap=7, seed=1))


@pytest.mark.parametrize("damage", ["cut", "flipped", "renamed", "empty"])
def test_a_damaged_leftover_is_computed_again(fresh, files, killed, damage):
    whole = fresh("whole").evaluate(files, ["moe", "ETS"], bootstrap=7)
    hub = fresh("stopped")
    killed(hub, files, "ETS_test", models=["moe", "ETS"], bootstrap=7)
    (left,) = kept(hub)
    data = left.read_bytes()
    if damage == "renamed":
        left.rename(left.with_name(left.name.replace("00000-", "00001-")))
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        left.write_bytes({"cut": data[:-1], "flipped": flipped, "empty": b""}[damage])
    assert to_bytes(hub.evaluate(files, ["moe", "ETS"], bootstrap=7)) == to_bytes(whole)


def test_leftovers_of_long_ago_are_swept(hub, files, killed):
    killed(hub, files, "ETS_test", bootstrap=7)
    (left,) = kept(hub)
    hub.evaluate(files[:1], bootstrap=3)
    assert left.exists()
    os.utime(left.parent, (0, 0))
    hub.evaluate(files[:1], bootstrap=4)
    assert not left.exists()


def test_a_read_only_registry_is_left_alone(fresh, files, registry):
    before = sorted(registry.rglob("*"))
    assert fresh("one").evaluate(files[:1], bootstrap=3).datasets
    assert sorted(registry.rglob("*")) == before


def test_questions_without_an_answer(hub, files, random_codes, tmp_path):
    with pytest.raises(UsageError, match="no model"):
        hub.evaluate(files, [])
    with pytest.raises(NotFoundError, match="EBOY"):
        hub.evaluate(files, ["EBOY"])
    with pytest.raises(UsageError, match="at least 2 resamples"):
        hub.evaluate(files, bootstrap=1)
    with pytest.raises(UsageError, match="unknown device"):
        hub.evaluate(files, device="tpu")
    long = tmp_path / "long.fa"
    long.write_text(f">a\n{'ACGT' * 20}\n>a_shuf\n{'TGCA' * 20}\n")
    with pytest.raises(InputError, match="80 bp are longer than the 61 bp window of moe"):
        hub.evaluate([long])
    assert hub.registry.evaluations() == []


def test_without_a_gate_the_experts_are_measured(tmp_path, files):
    hub = Hub.open(tmp_path / "bare", create=True)
    with pytest.raises(UsageError, match="no model"):
        hub.evaluate(files)
    hub.add_expert("GATA3", architecture="pwm", window=61)
    run = hub.evaluate(files[:1], bootstrap=3)
    assert list(run.models) == ["GATA3"] and run.datasets[0].anova is None
    with pytest.raises(NotFoundError, match="no gate"):
        hub.evaluate(files, ["mean"])
