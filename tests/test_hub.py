"""The Python contract: what a notebook calls, and what packages bring."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import shutil

import numpy as np
import pytest
import torch

import tfbs_hub
from tfbs_hub import Hub
from tfbs_hub.cards import ExpertCard, GateCard, Golden
from tfbs_hub.errors import IntegrityError, NotFoundError, PluginError, UsageError
from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.weights import pack_expert
from tfbs_hub.gate.model import MixtureOfExperts
from tfbs_hub.hub import Added, Retrained
from tfbs_hub.sequences.alphabet import encode
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.readers import load

SEQUENCES = ["ACGT" * 5 + "CACGTGAC" + "TTGCA" * 4, "TTTTTTTTTTCCGGAAGTAAAAAAAAAACC", "A"]


@pytest.fixture
def hub(registry):
    return Hub.open(registry)


# -- looking ----------------------------------------------------------------------------------------------


def test_the_package_offers_the_hub_and_nothing_that_is_not_there():
    assert tfbs_hub.Hub is Hub
    assert set(tfbs_hub.__all__) == {"Hub", "__version__"}
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = tfbs_hub.nonesuch


def test_open_takes_a_path_or_the_environment(registry, hub):
    assert Hub.open().registry.path == hub.registry.path == registry
    assert Hub.open(str(registry)).registry.path == registry
    with pytest.raises(NotFoundError):
        Hub.open(registry / "none")


def test_experts_are_cards(hub):
    cards = hub.experts()
    assert [card.name for card in cards] == ["EBOX", "ETS"]
    assert all(isinstance(card, ExpertCard) for card in cards)


def test_an_expert_is_a_module_in_eval_mode_that_computes_its_golden_predictions(hub):
    expert = hub.expert("EBOX")
    assert isinstance(expert, Expert) and not expert.training
    golden = hub.spec("EBOX").card.golden
    codes = np.stack([encode(letters) for letters in golden.sequences])
    with torch.no_grad():
        logits = expert(one_hot(torch.from_numpy(codes)))
    assert logits.numpy() == pytest.approx(np.array(golden.logits), abs=1e-4)


def test_the_gate_is_the_mixture_over_those_experts(hub):
    gate = hub.gate()
    assert isinstance(gate, MixtureOfExperts) and not gate.training
    assert isinstance(hub.gate_record().card, GateCard)
    assert gate.window == 61
    assert not any(parameter.requires_grad for parameter in hub.gate().experts.parameters())


# -- predicting -------------------------------------------------------------------------------------------


def test_predict_takes_strings_a_path_and_a_data_set(hub, tmp_path):
    same = [letters.ljust(61, "N")[:61] for letters in SEQUENCES]
    path = tmp_path / "in.fa"
    path.write_text("".join(f">s{place}\n{letters}\n" for place, letters in enumerate(same)))
    results = [hub.predict(same), hub.predict(path), hub.predict(str(path)), hub.predict(load(path))]
    assert [result.ids for result in results] == [("seq1", "seq2", "seq3")] + [("s0", "s1", "s2")] * 3
    for result in results:
        assert result.model == "moe" and result.experts == ("EBOX", "ETS")
        assert np.array_equal(result.logit, results[0].logit)
        assert result.logit.shape == result.probability.shape == (3,)
        assert result.alpha.shape == result.contribution.shape == (3, 2)


def test_predictions_are_frozen_and_agree_with_each_other(hub):
    result = hub.predict(SEQUENCES)
    assert result.probability == pytest.approx(1 / (1 + np.exp(-result.logit)), abs=1e-6)
    assert result.alpha.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert result.contribution.sum(axis=1) + hub.model().bias == pytest.approx(result.logit, abs=1e-4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.model = "other"


def test_predict_averages_the_strands_and_expert_does_not(hub):
    window = SEQUENCES[0].ljust(61, "A")
    turned = window[::-1].translate(str.maketrans("ACGT", "TGCA"))
    there, back = (hub.predict([letters], "EBOX").logit[0] for letters in (window, turned))
    assert there == pytest.approx(back, abs=1e-5)
    with torch.no_grad():
        strands = [
            float(hub.expert("EBOX")(one_hot(torch.from_numpy(encode(each)[None])))) for each in (window, turned)
        ]
    assert there == pytest.approx(np.mean(strands), abs=1e-5)
    assert abs(strands[0] - strands[1]) > 1e-3


def test_an_expert_alone_has_no_alpha(hub):
    result = hub.predict(SEQUENCES, model="ETS")
    assert (result.model, result.experts, result.alpha, result.contribution) == ("ETS", (), None, None)


def test_nothing_in_nothing_out(hub):
    result = hub.predict([])
    assert len(result) == 0 and result.logit.shape == (0,)
    assert result.experts == ("EBOX", "ETS")


def test_one_batch_or_many_give_the_same(hub):
    many = hub.predict(SEQUENCES * 1500, "ETS")
    assert many.logit.reshape(-1, 3) == pytest.approx(np.tile(hub.predict(SEQUENCES, "ETS").logit, (1500, 1)), abs=1e-5)


def test_unknown_models_and_devices(hub):
    with pytest.raises(NotFoundError, match="EBOY"):
        hub.predict(SEQUENCES, model="EBOY")
    with pytest.raises(UsageError):
        hub.predict(SEQUENCES, device="tpu")


def test_a_data_set_made_by_hand(hub):
    codes = np.zeros((2, 61), np.uint8)
    data = SequenceDataset(codes=codes, labels=None, ids=["a", "b"])
    assert hub.predict(data).ids == ("a", "b")


# -- evaluating and changing ------------------------------------------------------------------------------


def test_adding_and_retraining_return_frozen_proof(hub, trained):
    added = hub.add_expert("GATA3", architecture="pwm", window=61)
    assert isinstance(added, Added) and added.spec.card.name == "GATA3"
    assert len(added.untouched) == 3
    made = hub.retrain_gate(device="cpu")
    assert isinstance(made, Retrained) and len(made.untouched) == 3
    assert [member.name for member in made.card.members] == ["EBOX", "ETS", "GATA3"]
    for frozen in (added, made, made.card, added.spec.card):
        with pytest.raises(dataclasses.FrozenInstanceError):
            frozen.previous = None
    assert hub.predict(SEQUENCES).experts == ("EBOX", "ETS", "GATA3")


def test_a_search_keeps_what_the_user_has_set(hub, write_peaks, tmp_path):
    peaks = write_peaks(tmp_path / "peaks.fa", "TGACTCAT", 120)
    options = {"architecture": "deepbind", "config": {"embedding_dim": 5}, "recipe": {"epochs": 2, "batch": 64}}
    card = hub.add_expert("AP1", data=peaks, trials=2, **options).spec.card
    assert card.training.trials == 2
    assert (card.config["embedding_dim"], card.training.recipe["epochs"]) == (5, 2)


def test_a_new_version_can_take_the_place_of_an_old_one(hub, write_peaks, tmp_path):
    peaks = write_peaks(tmp_path / "peaks.fa", "CACGTG", 120)
    options = {"architecture": "deepbind", "config": {"detectors": 4}, "recipe": {"epochs": 2}, "data": peaks}
    old = hub.spec("EBOX").card.weights_sha256
    with pytest.raises(UsageError, match="already has an expert"):
        hub.add_expert("EBOX", **options)
    new = hub.add_expert("EBOX", replace=True, **options).spec.card.weights_sha256
    assert hub.spec("EBOX").card.weights_sha256 == new != old
    # The gate goes on with the version that it was trained over.
    assert old in {member.digest for member in hub.gate_record().card.members}
    assert len(hub.predict(SEQUENCES)) == len(SEQUENCES)


def test_another_hub_sees_the_change_at_once(hub, registry):
    other = Hub.open(registry)
    hub.disable("ETS")
    assert not other.spec("ETS").enabled
    hub.retrain_gate(device="cpu")
    assert other.predict(SEQUENCES).experts == ("EBOX",)


# -- packages ---------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch, hub, registry):
    """Install a distribution `tfbs-experts-lab` that ships ETS as LAB; returns the function that builds it."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("TFBS_HUB_PLUGINS")
    spec = hub.spec("ETS")

    def build(*, weights=None, manifest_digest=None, **changes):
        card = dataclasses.replace(spec.card, name="LAB", **changes)
        folder = site / "tfbs_experts_lab"
        (folder / "lab").mkdir(parents=True)
        (folder / "__init__.py").write_text("raise RuntimeError('a manifest is read without importing')")
        (folder / "lab" / "weights.safetensors").write_bytes(weights or spec.weights.read_bytes())
        (folder / "lab" / "gate-set.h5").write_bytes(spec.gate_set.read_bytes())
        (folder / "lab" / "card.json").write_bytes(card.to_json())
        row = {
            "name": "LAB",
            "tf": card.tf,
            "architecture": card.architecture,
            "weights": "lab/weights.safetensors",
            "sha256": manifest_digest or card.weights_sha256,
            "card": "lab/card.json",
            "gate_set": "lab/gate-set.h5",
        }
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in row.items())
        (folder / "tfbs_hub.toml").write_text(f"api_version = 1\n\n[[expert]]\n{lines}")
        info = site / "tfbs_experts_lab-0.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tfbs-experts-lab\nVersion: 0.2\n")
        (info / "entry_points.txt").write_text("[tfbs_hub.manifest]\nlab = tfbs_experts_lab\n")
        importlib.invalidate_caches()
        return Hub.open(registry)

    return build


def test_a_packaged_expert_is_listed_and_can_be_asked(package):
    hub = package()
    listed = {spec.card.name: spec for spec in hub.listing()}
    assert list(listed) == ["EBOX", "ETS", "LAB"]
    assert listed["LAB"].origin == "tfbs-experts-lab 0.2" and not listed["LAB"].enabled
    assert [card.name for card in hub.experts()] == ["EBOX", "ETS"]
    assert np.array_equal(hub.predict(SEQUENCES, "LAB").logit, hub.predict(SEQUENCES, "ETS").logit)


def test_a_packaged_expert_can_be_measured_before_it_is_enabled(package, trained):
    run = package().evaluate([trained.labelled["ETS"]], ["ETS", "LAB"], bootstrap=2)
    ets, lab = run.datasets[0].models
    assert np.array_equal(ets.scores, lab.scores) and run.models["LAB"]["name"] == "LAB"


def test_a_packaged_expert_must_be_copied_in_before_it_is_changed(package, tmp_path):
    hub = package()
    for act in (
        lambda: hub.disable("LAB"),
        lambda: hub.remove("LAB"),
        lambda: hub.export_expert("LAB", tmp_path / "lab.tfbs"),
        lambda: hub.retrain_gate(experts=["EBOX", "LAB"]),
    ):
        with pytest.raises(NotFoundError, match=r"LAB is in the package tfbs-experts-lab 0\.2") as refusal:
            act()
        assert "tfbs-hub enable LAB" in refusal.value.hint
    with pytest.raises(NotFoundError, match="there is no expert"):
        hub.disable("NOBODY")
    assert hub.enable("lab").card.name == "LAB"


def test_enabling_copies_it_in_and_outlives_the_package(package, tmp_path, registry, monkeypatch):
    hub = package()
    spec = hub.enable("LAB")
    assert spec.enabled and spec.origin == "registry" and registry in spec.weights.parents
    assert [each.card.name for each in hub.listing()] == ["EBOX", "ETS", "LAB"]
    hub.retrain_gate(device="cpu")
    before = hub.predict(SEQUENCES)
    shutil.rmtree(tmp_path / "site")
    importlib.invalidate_caches()
    after = Hub.open(registry)
    assert after.predict(SEQUENCES).experts == ("EBOX", "ETS", "LAB")
    assert np.array_equal(after.predict(SEQUENCES).logit, before.logit)
    assert after.verify() == []


def test_a_package_whose_weights_differ_from_their_digest_is_refused(package, registry):
    damaged = bytearray((next((registry / "experts" / "ETS").glob("*/weights.safetensors"))).read_bytes())
    damaged[-1] ^= 1
    hub = package(weights=bytes(damaged))
    for act in (lambda: hub.enable("LAB"), lambda: hub.predict(SEQUENCES, "LAB")):
        with pytest.raises(IntegrityError):
            act()
    assert [card.name for card in hub.experts()] == ["EBOX", "ETS"]


def test_a_package_whose_golden_predictions_are_wrong_is_refused(package, hub):
    golden = hub.spec("ETS").card.golden
    wrong = Golden(sequences=golden.sequences, logits=(golden.logits[0] + 0.01, *golden.logits[1:]))
    other = package(golden=wrong)
    with pytest.raises(IntegrityError, match="golden"):
        other.enable("LAB")
    assert [card.name for card in other.experts()] == ["EBOX", "ETS"]


def test_a_package_that_contradicts_itself_is_a_warning_or_if_strict_an_error(package, capsys, monkeypatch):
    hub = package(manifest_digest=hashlib.sha256(b"other").hexdigest())
    with pytest.raises(NotFoundError):
        hub.enable("LAB")
    assert "tfbs-experts-lab" in capsys.readouterr().err
    monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError):
        Hub.open(hub.registry.path).listing()


def test_a_package_of_an_unknown_architecture_says_what_is_missing(package, hub):
    weights = pack_expert(hub.expert("ETS"), "somewhere.else:Net")
    digest = hashlib.sha256(weights).hexdigest()
    hub = package(architecture="somewhere.else:Net", weights=weights, weights_sha256=digest)
    with pytest.raises(NotFoundError, match=r"somewhere\.else:Net is not registered") as refusal:
        hub.enable("LAB")
    assert "deepbind" in refusal.value.hint
