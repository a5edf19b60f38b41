from __future__ import annotations

import shutil

import pytest

from tfbs_hub.errors import BusyError, IntegrityError, NotFoundError, UsageError
from tfbs_hub.registry import changes, history


def names(registry):
    return [spec.card.name for spec in registry.experts()]


def damage_head(registry):
    path = registry.path / "generations" / f"{registry.head().number:08d}.json"
    path.write_bytes(path.read_bytes()[:-10])
    return path


def test_enabling_is_a_new_generation_only_when_it_changes_something(registry, add):
    add(registry, "STAT3")
    assert registry.set_enabled("stat3", False).enabled is False
    assert registry.expert("STAT3").enabled is False
    assert registry.set_enabled("STAT3", False).enabled is False
    assert registry.head().number == 3
    assert registry.head().action == "disable STAT3"
    with pytest.raises(NotFoundError):
        registry.set_enabled("STAT4", True)


def test_an_expert_goes_only_when_no_gate_needs_it(registry, add, promote):
    spec = add(registry, "STAT3")
    add(registry, "REST")
    promote(registry)
    with pytest.raises(UsageError, match="current gate mixes STAT3") as caught:
        registry.remove("STAT3")
    assert "retrain-gate" in caught.value.hint
    promote(registry, b"gate 2", names=["REST"])
    registry.remove("STAT3")
    assert names(registry) == ["REST"]
    assert spec.weights.exists()
    with pytest.raises(NotFoundError, match="STAT3"):
        registry.remove("STAT3")


def test_rolling_back_twice_goes_two_steps_back(registry, add):
    add(registry, "STAT3")
    add(registry, "REST")
    assert registry.rollback().number == 4
    assert names(registry) == ["STAT3"]
    registry.rollback()
    assert names(registry) == []
    with pytest.raises(NotFoundError, match="no earlier state"):
        registry.rollback()
    assert registry.rollback(3).action == "rollback to 3"
    assert names(registry) == ["REST", "STAT3"]
    assert [info.number for info in registry.generations()] == [1, 2, 3, 4, 5, 6]


def test_rolling_back_restores_the_gate(registry, add, promote):
    add(registry, "STAT3")
    first = promote(registry, b"one")
    promote(registry, b"two")
    registry.rollback()
    assert registry.gate() == first
    assert len(registry.gates()) == 1


def test_rolling_back_to_what_is_not_there(registry, add):
    add(registry, "STAT3")
    with pytest.raises(UsageError, match="present state"):
        registry.rollback(2)
    with pytest.raises(NotFoundError, match="no generation 7") as caught:
        registry.rollback(7)
    assert "1, 2" in caught.value.hint


def test_a_damaged_head_stops_everything_but_rollback(registry, add, errors):
    add(registry, "STAT3")
    add(registry, "REST")
    path = damage_head(registry)
    for call in (registry.experts, registry.gate, lambda: add(registry, "CTCF"), lambda: registry.gc(apply=True)):
        with pytest.raises(IntegrityError) as caught:
            call()
        assert str(path) in caught.value.where
        assert "tfbs-hub verify" in caught.value.hint
    assert [bool(info.damaged) for info in registry.generations()] == [False, False, True]
    assert registry.rollback().number == 4
    assert names(registry) == ["STAT3"]
    add(registry, "REST")
    assert names(registry) == ["REST", "STAT3"]
    assert errors(registry) == ["generations/00000003.json: " + errors(registry)[0].split(": ", 1)[1]]


def test_a_damaged_head_can_be_left_for_a_chosen_generation(registry, add):
    for name in ("A", "B", "C"):
        add(registry, name)
    damage_head(registry)
    registry.rollback(2)
    assert names(registry) == ["A"]


def test_no_state_is_restored_whose_files_are_gone(registry, add):
    spec = add(registry, "STAT3")
    registry.remove("STAT3")
    shutil.rmtree(spec.weights.parent)
    with pytest.raises(IntegrityError, match="needs card"):
        registry.rollback()
    assert registry.head().number == 3


def test_without_any_generation_nothing_is_guessed(registry):
    shutil.rmtree(registry.path / "generations")
    with pytest.raises(IntegrityError, match="missing"):
        registry.head()
    with pytest.raises(IntegrityError, match="missing"):
        registry.rollback()


@pytest.fixture
def rival(monkeypatch, no_waiting):
    """Let somebody else commit something after this process read the head, before it publishes."""

    def arrange(deed):
        real, done = history.publish, []

        def late(root, generation):
            if not done:
                done.append(True)
                deed()
            return real(root, generation)

        monkeypatch.setattr(history, "publish", late)

    return arrange


def test_a_change_is_rebased_on_what_came_between(registry, add, rival):
    add(registry, "STAT3")
    rival(lambda: add(registry, "REST"))
    registry.set_enabled("STAT3", False)
    assert names(registry) == ["REST", "STAT3"]
    assert not registry.expert("STAT3").enabled


def test_a_change_that_no_longer_applies_says_so(registry, add, promote, rival):
    add(registry, "STAT3")
    rival(lambda: registry.remove("STAT3"))
    with pytest.raises(NotFoundError):
        registry.set_enabled("STAT3", False)


def test_a_removal_is_refused_if_a_gate_came_between(registry, add, promote, rival):
    add(registry, "STAT3")
    rival(lambda: promote(registry))
    with pytest.raises(UsageError, match="current gate"):
        registry.remove("STAT3")


def test_a_name_taken_meanwhile_is_refused(registry, add, rival):
    rival(lambda: add(registry, "STAT3", b"theirs"))
    with pytest.raises(UsageError, match="another STAT3"):
        add(registry, "STAT3", b"ours")
    assert registry.read_weights(registry.expert("STAT3")) == b"theirs"


def test_going_back_one_step_is_never_applied_to_another_step(registry, add, rival):
    add(registry, "STAT3")
    rival(lambda: add(registry, "REST"))
    with pytest.raises(BusyError):
        registry.rollback()
    assert names(registry) == ["REST", "STAT3"]


def test_losing_every_race_ends_in_busy(registry, add, monkeypatch):
    add(registry, "STAT3")
    monkeypatch.setattr(history, "publish", lambda root, generation: False)
    monkeypatch.setattr(history.time, "sleep", lambda seconds: None)
    with pytest.raises(BusyError):
        changes.set_enabled(registry.path, "STAT3", False)
