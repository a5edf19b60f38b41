"""experts, show, gates, verify: what is there, as text and as JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfbs_hub import Hub

EVIL = "[red]\x1b[31mTF\x07\u202e\x9b"
HARMLESS = "[red]\ufffd[31mTF\ufffd\ufffd\ufffd"


@pytest.fixture
def hostile(registry):
    """An expert whose card tries to draw on the terminal."""
    hub = Hub.open(registry)
    spec = hub.spec("EBOX")
    provenance = replace(spec.card.provenance, note=EVIL, source=EVIL)
    card = replace(spec.card, name="EVIL", tf=EVIL, cell=EVIL, licence=EVIL, citation=EVIL, provenance=provenance)
    files = {"weights.safetensors": spec.weights.read_bytes(), "gate-set.h5": spec.gate_set.read_bytes()}
    hub.registry.add_expert(card, files)
    return hub


def test_experts_lists_what_each_is_worth(cli, registry):
    done = cli("experts")
    assert (done.code, done.err) == (0, "")
    for word in ("EBOX", "ETS", "deepbind", "validation", "files", "gate "):
        assert word in done.out


def test_experts_as_json_has_the_promised_keys(cli, registry):
    report = cli("experts", "--json").json
    hub = Hub.open(registry)
    assert [expert["name"] for expert in report["experts"]] == ["EBOX", "ETS"]
    for expert in report["experts"]:
        card = hub.spec(expert["name"]).card
        assert expert["tf"] == card.tf
        assert expert["digest"] == card.weights_sha256
        assert expert["enabled"] is True and expert["in_gate"] is True
        assert expert["architecture"] == "deepbind"
        assert expert["auroc"] == pytest.approx(card.metric().value)
    assert report["gate"] == {"digest": hub.gate_record().digest, "experts": ["EBOX", "ETS"]}


def test_an_empty_registry_says_what_to_do(cli, tmp_path):
    Hub.open(tmp_path / "empty", create=True)
    done = cli("--registry", tmp_path / "empty", "experts")
    assert "tfbs-hub add-expert" in done.out
    assert cli("--registry", tmp_path / "empty", "experts", "--json").json == {
        "schema_version": 1,
        "experts": [],
        "gate": None,
    }
    assert "tfbs-hub retrain-gate" in cli("--registry", tmp_path / "empty", "gates").out
    nothing = cli("--registry", tmp_path / "empty", "predict", "-", stdin=b"ACGT\n")
    assert (nothing.code, "tfbs-hub retrain-gate" in nothing.err) == (3, True)


def test_show_tells_all_that_is_known(cli, registry):
    done = cli("show", "EBOX")
    for word in ("EBOX.fa (300 rows", "dinucleotide", "255 fitted, 45 held out", "stored", "enabled, in the current"):
        assert word in done.out
    card = cli("show", "EBOX", "--json").json["card"]
    assert card["golden"]["sequences"] and card["training"]["curve"] and card["provenance"]["positives"] == 300


def test_show_names_the_nearest(cli, registry):
    done = cli("show", "EBOY")
    assert (done.code, done.out) == (3, "")
    assert "did you mean EBOX?" in done.err


@pytest.mark.parametrize("arguments", [["experts"], ["show", "EVIL"]])
def test_hostile_cards_are_shown_and_do_nothing(cli, hostile, arguments):
    done = cli(*arguments)
    assert done.code == 0
    assert HARMLESS in done.out
    assert not set("\x1b\x07\u202e\x9b") & set(done.out)


@pytest.mark.parametrize("arguments", [["experts"], ["show", "EVIL"]])
def test_hostile_cards_are_harmless_and_unchanged_as_json(cli, hostile, arguments):
    done = cli(*arguments, "--json")
    assert done.out.isascii() and "\x1b" not in done.out
    values = done.json["experts"] if arguments == ["experts"] else [done.json["card"]]
    assert any(value["tf"] == EVIL and value["cell"] == EVIL for value in values)


def test_gates_lists_gates_and_history(cli, registry):
    text = cli("gates")
    report = cli("gates", "--json").json
    (gate,) = report["gates"]
    assert gate["current"] and gate["experts"] == ["EBOX", "ETS"] and not gate["simulated"]
    assert gate["digest"][:12] in text.out
    actions = [row["action"].split()[0] for row in report["generations"]]
    assert actions == ["create", "add-expert", "add-expert", "retrain-gate"]
    assert [row["head"] for row in report["generations"]] == [False, False, False, True]


def test_verify_says_that_all_is_well(cli, registry):
    done = cli("verify")
    assert done.code == 0 and "all is well (2 experts, 4 generations)" in done.out
    assert cli("verify", "--json").json == {"schema_version": 1, "ok": True, "findings": []}


@pytest.mark.parametrize("options", [[], ["--files-only"]])
def test_verify_finds_damage_once_and_is_4(cli, registry, options):
    (weights,) = (registry / "experts" / "EBOX").glob("*/weights.safetensors")
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(damaged)
    text = cli("verify", *options)
    assert text.code == 4 and "differ from their digest" in text.out
    report = cli("verify", "--json", *options)
    assert report.code == 4 and report.json["ok"] is False
    (finding,) = report.json["findings"]
    assert finding["path"] == weights.relative_to(registry).as_posix()
    for arguments in (["predict", "-"], ["predict", "-", "--model", "EBOX"], ["retrain-gate"]):
        refused = cli(*arguments, stdin=b"ACGT\n")
        assert (refused.code, refused.out) == (4, "")
        assert "tfbs-hub verify" in refused.err
    assert cli("predict", "-", "--model", "ETS", stdin=b"ACGT\n").code == 0


def test_a_damaged_head_names_verify_and_can_be_rolled_back(cli, registry):
    head = max((registry / "generations").iterdir())
    head.chmod(0o644)
    head.write_text(head.read_text().replace("EBOX", "EBOY"))
    lost = cli("experts")
    assert lost.code == 4 and "tfbs-hub verify" in lost.err
    assert cli("verify").code == 4
    assert cli("rollback").code == 0
    assert [expert["name"] for expert in cli("experts", "--json").json["experts"]] == ["EBOX", "ETS"]
