from __future__ import annotations

import os
from contextlib import nullcontext

import pytest

from tfbs_hub.registry import Registry, history


@pytest.mark.parametrize("locks", [True, False], ids=["lock", "lock that locks nobody"])
def test_what_several_processes_add_at_once_is_all_there(registry, add, errors, fork, monkeypatch, locks):
    if not locks:
        monkeypatch.setattr(history, "advisory_lock", lambda path: nullcontext())

    def work(number):
        own = Registry.open(registry.path)
        for place in range(5):
            add(own, f"TF{number}_{place}")

    children = [fork(lambda number=number: work(number)) for number in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    names = [spec.card.name for spec in registry.experts()]
    assert names == [f"TF{number}_{place}" for number in range(4) for place in range(5)]
    assert registry.head().number == 21
    assert [info.damaged for info in registry.generations()] == [""] * 21
    assert registry.verify() == []


def test_the_same_expert_added_by_all_is_there_once(registry, add, fork):
    children = [fork(lambda: add(Registry.open(registry.path), "STAT3", b"one")) for _ in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    assert len(registry.experts()) == 1
    assert registry.head().number == 2
    assert registry.verify() == []


def test_adding_and_collecting_at_once(registry, add, errors, fork):
    def adder():
        own = Registry.open(registry.path)
        for _ in range(8):
            add(own, "STAT3")
            own.remove("STAT3")
            for folder in (own.path / "experts/STAT3").iterdir():
                os.utime(folder, (1, 1))
        add(own, "STAT3")

    def collector():
        own = Registry.open(registry.path)
        for _ in range(20):
            own.gc(keep=1, apply=True)

    add(registry, "REST")
    children = [fork(adder), fork(collector)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert [spec.card.name for spec in registry.experts()] == ["REST", "STAT3"]
    assert errors(registry) == []
