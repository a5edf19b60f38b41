from __future__ import annotations

import pytest

from tfbs_hub import Hub
from tfbs_hub.errors import NotFoundError
from tfbs_hub.metrics import auroc
from tfbs_hub.workflows.gather import gather
from tfbs_hub.workflows.newcomer import Assessment, Neighbour

QUICK = {
    "architecture": "deepbind",
    "config": {"detectors": 8, "width": 12},
    "recipe": {"epochs": 10, "learning_rate": 0.02, "batch": 64},
    "device": "cpu",
}


@pytest.fixture
def hub(registry):
    return Hub.open(registry)


def test_another_factor_brings_something_of_its_own(hub):
    found = hub.assess("ETS")
    (own,) = gather([hub.registry.expert("ETS")], [])
    assert found.auroc == pytest.approx(auroc(own.labels, hub.predict(_rows(own), model="ETS").logit))
    assert found.ci95[0] < found.auroc < found.ci95[1]
    assert found.gate == pytest.approx(auroc(own.labels, hub.predict(_rows(own)).logit))
    (other,) = found.neighbours
    assert (other.name, other.shared) == ("EBOX", 0)
    assert other.similarity < 0.5
    assert other.auroc < found.auroc
    # JASPAR knows neither name.
    assert other.motif is None
    assert found.warnings == ()


def _rows(gate_set):
    return ["".join("ACGTN"[code] for code in row) for row in gate_set.codes]


def test_a_copy_is_called_redundant_and_its_data_shared(hub, trained):
    hub.add_expert("ETS", name="ETS2", data=[trained.peaks["ETS"]], seed=1, **QUICK)
    found = hub.assess("ETS2")
    nearest = found.neighbours[0]
    assert nearest.name == "ETS"
    assert nearest.similarity > found.neighbours[1].similarity
    assert nearest.shared > 0
    assert any("share a 32-mer with those of ETS" in warning for warning in found.warnings)


def test_without_a_gate_set_nothing_can_be_said(hub, trained):
    hub.add_expert("ETS", name="BARE", data=[trained.peaks["ETS"]], gate_data=False, **QUICK)
    with pytest.raises(NotFoundError, match="BARE"):
        hub.assess("BARE")
    assert {other.name: other.shared for other in hub.assess("ETS").neighbours}["BARE"] is None


@pytest.mark.parametrize(
    ("similarity", "shared", "warned"),
    [(0.2, 0.0, []), (0.9, 0.0, ["nearly the same"]), (0.2, 0.2, ["share"]), (0.9, 0.2, ["nearly", "share"])],
)
def test_warnings(similarity, shared, warned):
    other = Neighbour("B", similarity, 0.7, None, shared)
    found = Assessment("A", 0.9, (0.8, 1.0), None, (other,)).warnings
    assert len(found) == len(warned)
    assert all(part in line for part, line in zip(warned, found, strict=True))
