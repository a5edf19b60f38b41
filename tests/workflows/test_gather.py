from __future__ import annotations

from dataclasses import replace

import pytest

from tfbs_hub import Hub
from tfbs_hub.cards import DataFile, GateSetSpec
from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError, UsageError
from tfbs_hub.workflows.gather import gather


@pytest.fixture
def specs(registry):
    return [Hub.open(registry).spec(name) for name in ("EBOX", "ETS")]


def without(spec, **changes):
    """The expert with another gate set."""
    return replace(spec, gate_set=None, card=replace(spec.card, gate_set=GateSetSpec(kind="none", **changes)))


def referenced(spec, name):
    file = DataFile(name=name, sha256="0" * 64, rows=100)
    gate_set = GateSetSpec(kind="referenced", digest="1" * 64, file=file, positives=(1, 2), seed=0)
    return replace(spec, gate_set=None, card=replace(spec.card, gate_set=gate_set))


def test_stored_sets_first_then_the_users(specs, trained):
    found = gather(specs, [trained.labelled["ETS"]])
    assert [(each.name, each.kind) for each in found] == [("EBOX", "stored"), ("ETS", "stored"), ("ETS_test", "given")]
    assert [each.digest for each in found[:2]] == [spec.card.gate_set.digest for spec in specs]


def test_two_sets_of_one_name_are_refused(specs, trained, tmp_path):
    (tmp_path / "ETS.fa").write_bytes(trained.labelled["ETS"].read_bytes())
    with pytest.raises(UsageError, match="called ETS"):
        gather(specs, [tmp_path / "ETS.fa"])


def test_a_stored_set_that_is_not_the_promised_one_is_refused(specs):
    spec = specs[0]
    other = replace(spec.card.gate_set, digest="0" * 64)
    with pytest.raises(IntegrityError, match="digest"):
        gather([replace(spec, card=replace(spec.card, gate_set=other))], [])


def test_an_expert_without_a_set_needs_the_users_sequences(specs, trained):
    bare = [without(specs[0]), specs[1]]
    with pytest.raises(NotFoundError, match="EBOX came without a gate set") as refusal:
        gather(bare, [])
    assert "--data FILE" in refusal.value.hint
    assert [each.name for each in gather(bare, [trained.labelled["EBOX"]])] == ["ETS", "EBOX_test"]


def test_everything_that_is_missing_is_listed_at_once(specs):
    names = ["EBOX_K562_x_y_AC.seq.gz", "ETS_K562_x_y_AC.seq.gz"]
    with pytest.raises(OfflineError) as refusal:
        gather([referenced(spec, name) for spec, name in zip(specs, names, strict=True)], [])
    assert all(name in refusal.value.what for name in names)
    assert "--simulated-gate-sets" in refusal.value.hint


def test_what_is_missing_is_simulated_when_asked(specs, monkeypatch):
    monkeypatch.setattr("tfbs_hub.workflows.simulate.simulated.__defaults__", (40,))
    card = replace(specs[0].card, tf="GATA3")
    lost = referenced(replace(specs[0], card=card), "GATA3_K562_x_y_AC.seq.gz")
    first, second = gather([lost, specs[1]], [], simulated=True)
    assert (first.name, first.kind, first.simulated, len(first)) == ("EBOX", "simulated", True, 80)
    assert (second.kind, second.simulated) == ("stored", False)


def test_a_factor_that_jaspar_lacks_cannot_be_simulated(specs):
    with pytest.raises(NotFoundError, match="EBOX"):
        gather([without(specs[0])], [], simulated=True)


def test_letters_that_were_read_as_unknown_are_reported(trained, tmp_path):
    path = tmp_path / "own.fa"
    path.write_text(trained.peaks["ETS"].read_text().replace("\nA", "\nR"))
    heard = []
    gather([], [path], report=heard.append)
    assert any(event.message.endswith("IUPAC letters were read as N") for event in heard)
