"""enable, disable, remove, rollback, gc, export, import: what changes a registry without training."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest

from tfbs_hub import Hub


def names(cli, *options):
    return {expert["name"]: expert["enabled"] for expert in cli("experts", "--json", *options).json["experts"]}


def test_disable_and_enable_change_what_the_next_gate_uses(cli, registry):
    gate = Hub.open(registry).gate_record().digest
    done = cli("disable", "ETS")
    assert done.code == 0 and "tfbs-hub retrain-gate" in done.out
    assert names(cli) == {"EBOX": True, "ETS": False}
    assert Hub.open(registry).gate_record().digest == gate
    assert cli("enable", "ETS", "--json").json["expert"]["enabled"] is True
    assert names(cli) == {"EBOX": True, "ETS": True}
    for verb in ("enable", "disable", "remove", "export"):
        arguments = [verb, "ETX", *(["x.tfbs"] if verb == "export" else [])]
        lost = cli(*arguments)
        assert lost.code == 3 and "did you mean ETS" in lost.err


def test_in_gate_is_told_the_same_by_every_command(cli, registry):
    for arguments in (["disable", "ETS"], ["enable", "ETS"], ["show", "ETS"]):
        assert cli(*arguments, "--json").json["expert"]["in_gate"] is True


def test_remove_is_refused_while_the_gate_mixes_the_expert(cli, registry):
    done = cli("remove", "ETS")
    assert done.code == 2
    for step in ("mixes ETS", "tfbs-hub disable ETS", "tfbs-hub retrain-gate"):
        assert step in done.err
    assert set(names(cli)) == {"EBOX", "ETS"}


def test_remove_retrain_and_rollback(cli, registry):
    assert cli("disable", "ETS").code == 0
    assert cli("retrain-gate", "--device", "cpu").code == 0
    removed = cli("remove", "ETS")
    assert removed.code == 0 and "rollback" in removed.out
    assert set(names(cli)) == {"EBOX"}
    assert cli("rollback", "--json").json["generation"] == 8
    assert names(cli) == {"EBOX": True, "ETS": False}
    back = cli("rollback", "4")
    assert back.code == 0 and "generation 9" in back.out
    assert names(cli) == {"EBOX": True, "ETS": True}
    lost = cli("rollback", "99")
    assert lost.code == 3 and "there is no generation 99" in lost.err


def test_gc_shows_its_plan_and_does_nothing_until_told(cli, registry):
    cli("disable", "ETS")
    cli("retrain-gate", "--device", "cpu")
    cli("remove", "ETS")
    for path in [registry, *registry.rglob("*")]:
        os.utime(path, (0, 0))  # what is younger than an hour may be somebody's work in progress
    plan = cli("gc", "--keep", "1", "--json").json
    assert plan["applied"] is False
    assert any("ETS" in path for path in plan["plan"]["versions"])
    shown = cli("gc", "--keep", "1")
    assert "--apply" in shown.out and list((registry / "experts").glob("ETS/*"))
    done = cli("gc", "--keep", "1", "--apply")
    assert done.code == 0 and "removed" in done.out
    assert not list((registry / "experts").glob("ETS/*"))
    assert cli("verify").code == 0


def test_export_and_import_move_an_expert(cli, registry, tmp_path):
    bundle, other = tmp_path / "ets.tfbs", tmp_path / "other"
    done = cli("export", "ETS", bundle)
    assert done.code == 0 and str(bundle) in done.out
    assert stat.S_IMODE(bundle.stat().st_mode) & 0o044 == 0o044 & ~_umask(tmp_path)
    again = cli("export", "ETS", bundle)
    assert again.code == 2 and "exists already" in again.err
    got = cli("--registry", other, "import", bundle, "--json").json["imported"]
    assert got["name"] == "ETS" and got["digest"] == Hub.open(registry).spec("ETS").card.weights_sha256
    assert cli("--registry", other, "import", bundle).code == 0
    renamed = cli("--registry", other, "import", bundle, "--name", "ETS_2", "--json").json["imported"]
    assert (renamed["name"], renamed["digest"]) == ("ETS_2", got["digest"])
    assert {row["name"] for row in cli("--registry", other, "experts", "--json").json["experts"]} == {"ETS", "ETS_2"}
    assert cli("--registry", other, "import", bundle, "--name", "../ETS").code == 2
    assert cli("--registry", other, "verify").code == 0


def _umask(folder):
    probe = folder / "probe"
    probe.touch()
    return 0o666 & ~stat.S_IMODE(probe.stat().st_mode)


def test_import_refuses_what_is_no_bundle(cli, registry, tmp_path, trained):
    assert cli("import", tmp_path / "none.tfbs").code == 3
    no_bundle = cli("import", trained.peaks["ETS"], "--json")
    assert (no_bundle.code, no_bundle.json["error"]["type"]) == (2, "InputError")
    bundle = tmp_path / "ets.tfbs"
    cli("export", "ETS", bundle)
    data = bytearray(bundle.read_bytes())
    data[data.index(b"tfbs_hub") + 200] ^= 1
    bundle.write_bytes(data)
    damaged = cli("--registry", tmp_path / "other", "import", bundle)
    assert damaged.code == 4


def test_import_of_another_expert_of_the_same_name_is_refused(cli, registry, tmp_path, trained, write_peaks):
    other = Hub.open(tmp_path / "other", create=True)
    other.add_expert(
        "ets",
        data=[trained.peaks["EBOX"]],
        architecture="deepbind",
        config={"detectors": 2, "width": 4},
        recipe={"epochs": 1},
        device="cpu",
    )
    other.export_expert("ets", tmp_path / "ets.tfbs")
    done = cli("import", tmp_path / "ets.tfbs")
    assert done.code == 2 and "differs only in case" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["disable", "ETS"],
        ["enable", "ETS"],
        ["remove", "ETS"],
        ["rollback", "2"],
        ["retrain-gate"],
        ["add-expert", "X", "--source", "jaspar"],
        ["import", "x.tfbs"],
        ["gc", "--apply"],
    ],
)
def test_a_registry_that_may_not_be_written_says_so_before_any_work(cli, registry, monkeypatch, arguments):
    before = {path: _digest(path) for path in registry.rglob("*") if path.is_file()}
    monkeypatch.setattr(Hub, "open", classmethod(_read_only_opening(Hub.open)))
    done = cli(*arguments, "--json")
    assert (done.code, done.json["error"]["type"]) == (1, "ReadOnlyError")
    assert done.err == ""
    assert done.json["error"]["hint"]
    assert {path: _digest(path) for path in registry.rglob("*") if path.is_file()} == before


def _read_only_opening(original):
    def open_(cls, *arguments, **options):
        hub = original(*arguments, **options)
        hub.registry.read_only = True
        return hub

    return open_


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_an_expert_brings_is_said_when_it_joins(cli, registry, tmp_path):
    bundle = tmp_path / "ETS.tfbs"
    assert cli("export", "ETS", bundle).code == 0
    for step in (["disable", "ETS"], ["retrain-gate", "--device", "cpu"], ["remove", "ETS"]):
        assert cli(*step).code == 0
    done = cli("import", bundle, "--json").json["brings"]
    assert (done["name"], [other["name"] for other in done["neighbours"]]) == ("ETS", ["EBOX"])
    assert done["gate"] < done["auroc"]
    told = cli("enable", "ETS")
    assert told.code == 0
    assert "ETS on sequences it was not fitted to: AUROC" in told.out and "EBOX" in told.out
