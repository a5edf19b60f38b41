from __future__ import annotations

from dataclasses import replace

import pytest

from tfbs_hub.cards import GateSetScore
from tfbs_hub.errors import BusyError, IntegrityError, UsageError


def test_the_newest_promoted_gate_is_current(registry, add, promote):
    assert registry.gate() is None
    add(registry, "STAT3")
    promote(registry, b"one")
    promote(registry, b"two")
    assert [record.current for record in registry.gates()] == [False, True]
    assert registry.gate() == registry.gates()[-1]
    promote(registry, b"one")
    assert [registry.read_gate_weights(record) for record in registry.gates()] == [b"two", b"one"]
    assert registry.gates()[-1].current


def test_promoting_the_current_gate_again_changes_nothing(registry, add, promote):
    add(registry, "STAT3")
    first = promote(registry)
    number = registry.head().number
    assert promote(registry) == first
    assert registry.head().number == number


def test_members_must_be_here_by_digest(registry, add, make_gate, make_card, errors):
    spec = add(registry, "STAT3")
    foreign = replace(spec, card=make_card("STAT3", b"another version"))
    with pytest.raises(UsageError, match="not in the registry"):
        registry.add_gate(make_gate([foreign]), b"gate")
    with pytest.raises(IntegrityError, match="differ from the digest"):
        registry.add_gate(make_gate([spec], b"gate"), b"other")
    assert registry.gate() is None
    assert not (registry.path / "gates").exists()


def test_the_same_weights_with_other_remarks_are_the_same_gate(registry, add, promote):
    add(registry, "STAT3")
    first = promote(registry)
    score = GateSetScore(name="STAT3", digest="0" * 64, kind="stored", rows=10, auroc=0.9)
    again = promote(registry, gate_sets=(score,), temperature=1.0 + 1e-9)
    assert again == first
    assert len(registry.gates()) == 1


@pytest.mark.parametrize("change", [{"temperature": 2.0}, {"simulated": True}, {"config": {"hidden": 64}}])
def test_the_same_weights_with_another_meaning_are_refused(registry, add, promote, change):
    add(registry, "STAT3")
    promote(registry)
    with pytest.raises(UsageError, match="another meaning") as caught:
        promote(registry, **change)
    assert "--seed" in caught.value.hint


def test_a_promotion_can_insist_on_what_it_replaces(registry, add, make_gate):
    spec = add(registry, "STAT3")
    first = registry.add_gate(make_gate([spec], b"one"), b"one", expected=None)
    with pytest.raises(BusyError, match="another gate"):
        registry.add_gate(make_gate([spec], b"two"), b"two", expected=None)
    second = registry.add_gate(make_gate([spec], b"two"), b"two", expected=first.digest)
    assert registry.gate() == second
    # The same result as somebody else's promotion is no conflict.
    assert registry.add_gate(make_gate([spec], b"two"), b"two", expected=first.digest) == second


def test_a_refused_gate_leaves_nothing(registry, add, make_gate):
    spec = add(registry, "STAT3")

    def refuse(folder):
        assert {path.name for path in folder.iterdir()} == {"card.json", "weights.safetensors"}
        raise IntegrityError("not a gate")

    with pytest.raises(IntegrityError, match="not a gate"):
        registry.add_gate(make_gate([spec]), b"gate", validate=refuse)
    assert not (registry.path / "gates").exists()


def test_a_changed_card_in_place_is_not_promoted(registry, add, promote):
    add(registry, "STAT3")
    gate = promote(registry, b"one")
    promote(registry, b"two")
    card = gate.weights.with_name("card.json")
    card.write_bytes(card.read_bytes().replace(b'"recipe_name":"paper"', b'"recipe_name":"other"'))
    with pytest.raises(IntegrityError, match="differ") as caught:
        promote(registry, b"one")
    assert caught.value.where == str(card)
    assert registry.read_gate_weights(registry.gate()) == b"two"


def test_damaged_weights_in_place_are_not_promoted(registry, add, promote):
    add(registry, "STAT3")
    gate = promote(registry, b"one")
    promote(registry, b"two")
    gate.weights.write_bytes(b"eno")
    with pytest.raises(IntegrityError, match="differ"):
        promote(registry, b"one")
    assert registry.read_gate_weights(registry.gate()) == b"two"
