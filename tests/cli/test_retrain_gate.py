"""retrain-gate: what is computed, what is said, what is refused, and that no expert's byte changes."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from tfbs_hub import Hub, settings

QUICK = ["--architecture", "deepbind", "--device", "cpu", "--json"]


@pytest.fixture
def retrain(cli):
    return lambda *options: cli("retrain-gate", "--device", "cpu", *options)


@pytest.fixture
def third(cli, registry, write_peaks, tmp_path):
    """A third expert, AP1, which the gate does not mix yet."""
    peaks = write_peaks(tmp_path / "ap1.fa", "TGACTCAT", 80)
    assert cli("add-expert", "AP1", "--data", peaks, *QUICK).code == 0


@pytest.fixture
def referenced(cli, registry, write_peaks, tmp_path, monkeypatch):
    """An expert STAT3 whose gate set is in a file of a mirror; returns the file."""
    fasta = write_peaks(tmp_path / "some.fa", "TTCCAGGAA", 80).read_text().split()
    rows = [f"A\t{name[1:]}\t{letters}\t1\n" for name, letters in zip(fasta[::2], fasta[1::2], strict=True)]
    folder = tmp_path / "mirror"
    folder.mkdir()
    file = folder / "STAT3_GM12878_STAT3_Stanford_AC.seq.gz"
    file.write_bytes(gzip.compress(("FoldID\tEventID\tseq\tBound\n" + "".join(rows)).encode(), mtime=0))
    monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", str(folder))
    assert cli("add-expert", "STAT3", *QUICK).code == 0
    return file


def files(registry, kind="experts"):
    return {path: path.read_bytes() for path in (registry / kind).rglob("*") if path.is_file()}


def test_only_missing_embeddings_are_computed(retrain, cli, registry, third):
    first = retrain("--json").json
    assert first["embeddings"]["computed"] == 9
    again = retrain("--json").json
    assert (again["embeddings"]["computed"], again["embeddings"]["reused"]) == (0, 9)
    Hub.open(registry).add_expert("GATA3", architecture="pwm", window=61)
    more = retrain("--json").json
    assert (more["embeddings"]["computed"], more["embeddings"]["reused"]) == (7, 9)
    assert more["gate"]["experts"] == ["AP1", "EBOX", "ETS", "GATA3"]


def test_no_byte_of_an_expert_or_an_older_gate_changes(retrain, registry, third):
    before = files(registry) | files(registry, "gates")
    report = retrain("--json").json
    after = files(registry) | files(registry, "gates")
    assert {path: data for path, data in after.items() if path in before} == before
    assert report["expert_weights"] == {
        path.relative_to(registry).as_posix(): hashlib.sha256(data).hexdigest()
        for path, data in before.items()
        if path.name == "weights.safetensors" and "experts" in path.parts
    }


def test_the_report_says_before_and_now(retrain, registry, third):
    old = Hub.open(registry).gate_record()
    report = retrain("--json").json
    assert report["previous"] == old.digest != report["gate"]["digest"]
    assert [score["name"] for score in report["gate_sets"]] == ["AP1", "EBOX", "ETS"]
    was = {score.name: score.auroc for score in old.card.gate_sets}
    for score in report["gate_sets"]:
        assert 0 <= score["auroc"] <= 1
        assert set(score["alpha"]) == set(score["contribution"]) == {"AP1", "EBOX", "ETS"}
        assert sum(score["alpha"].values()) == pytest.approx(1, abs=1e-5)
        assert score["previous_auroc"] == pytest.approx(was.get(score["name"], score["previous_auroc"]))
    assert report["gate"]["digest"] == Hub.open(registry).gate_record().digest


def test_the_text_says_the_same(retrain, registry, third):
    done = retrain()
    assert done.code == 0
    for words in (
        "before",
        "mean alpha / contribution",
        "9 computed, 0 reused",
        "unchanged",
        "undo: tfbs-hub rollback",
    ):
        assert words in done.out
    again = retrain()
    assert "was current already: nothing changed" in again.out


def test_an_identical_retraining_changes_nothing(retrain, registry, third):
    retrain()
    before = files(registry.parent, "registry")
    assert retrain("--json").json["previous"] == Hub.open(registry).gate_record().digest
    assert files(registry.parent, "registry") == before


def test_a_gate_is_the_same_bytes_whatever_is_cached(retrain, registry, third, tmp_path, monkeypatch):
    one = retrain("--json").json["gate"]["digest"]
    monkeypatch.setenv("TFBS_HUB_CACHE", str(tmp_path / "another-cache"))
    assert retrain("--json").json["gate"]["digest"] == one
    assert retrain("--seed", "1", "--json").json["gate"]["digest"] != one


def test_some_experts_only(retrain, registry, third):
    report = retrain("--experts", "AP1, EBOX", "--json").json
    assert report["gate"]["experts"] == ["AP1", "EBOX"]
    lost = retrain("--experts", "AP1,ETX")
    assert lost.code == 3 and "ETS" in lost.err


def test_disabled_experts_are_left_out(retrain, cli, registry, third):
    cli("disable", "EBOX")
    assert retrain("--json").json["gate"]["experts"] == ["AP1", "ETS"]
    for name in ("AP1", "ETS"):
        cli("disable", name)
    nothing = retrain()
    assert nothing.code == 2 and "no enabled expert" in nothing.err and "add-expert" in nothing.err


def test_more_data_is_a_gate_set_of_its_own(retrain, registry, trained):
    report = retrain("--data", trained.labelled["ETS"], "--data", trained.peaks["EBOX"], "--json")
    assert report.code == 2 and "two gate sets would be called EBOX" in report.json["error"]["what"]
    report = retrain("--data", trained.labelled["ETS"], "--json").json
    assert [(score["name"], score["kind"]) for score in report["gate_sets"]][-1] == ("ETS_test", "given")
    assert report["simulated"] is False
    lost = retrain("--data", "none.fa")
    assert lost.code == 3 and "none.fa" in lost.err


def test_predictions_come_from_the_new_gate(retrain, cli, registry, third):
    retrain()
    row = cli("predict", "-", "--json", stdin=b"ACGTGACTCATGACT\n").json["sequences"][0]
    assert list(row["alpha"]) == ["AP1", "EBOX", "ETS"]
    assert cli("verify").code == 0


def test_rollback_brings_the_old_gate_back(retrain, cli, registry, third):
    old = cli("predict", "-", stdin=b"ACGTGACTCATGACT\n").out
    retrain()
    assert cli("predict", "-", stdin=b"ACGTGACTCATGACT\n").out != old
    assert cli("rollback").code == 0
    assert cli("predict", "-", stdin=b"ACGTGACTCATGACT\n").out == old


def test_a_referenced_gate_set_is_rebuilt_from_its_file(retrain, registry, referenced):
    report = retrain("--json").json
    kinds = {score["name"]: score["kind"] for score in report["gate_sets"]}
    assert kinds == {"EBOX": "stored", "ETS": "stored", "STAT3": "referenced"}
    assert report["simulated"] is False


def test_a_missing_file_is_named_with_the_ways_on(retrain, registry, referenced, monkeypatch):
    monkeypatch.delenv("TFBS_HUB_ENCODE_MIRROR")
    before = files(registry.parent, "registry")
    done = retrain()
    assert (done.code, done.out) == (3, "")
    assert referenced.name in done.err
    for way in ("TFBS_HUB_ENCODE_MIRROR", "--simulated-gate-sets"):
        assert way in done.err
    assert files(registry.parent, "registry") == before


def test_all_missing_files_are_named_at_once(retrain, cli, registry, referenced, monkeypatch):
    other = referenced.with_name(referenced.name.replace("GM12878", "K562"))
    other.write_bytes(referenced.read_bytes())
    assert cli("add-expert", "STAT3", "--cell", "K562", *QUICK).code == 0
    monkeypatch.delenv("TFBS_HUB_ENCODE_MIRROR")
    done = retrain("--json")
    assert done.code == 3
    assert referenced.name in done.json["error"]["what"] and other.name in done.json["error"]["what"]


def test_what_is_missing_can_be_simulated_and_the_card_says_so(retrain, cli, registry, referenced, monkeypatch):
    monkeypatch.delenv("TFBS_HUB_ENCODE_MIRROR")
    monkeypatch.setattr("tfbs_hub.workflows.simulate.simulated.__defaults__", (60,))
    report = retrain("--simulated-gate-sets", "--json").json
    assert report["simulated"] is True
    assert {score["name"]: score["kind"] for score in report["gate_sets"]}["STAT3"] == "simulated"
    assert "simulated gate sets" in cli("gates").out
    assert "simulated gate sets were used" in retrain("--simulated-gate-sets").err


def test_a_changed_file_is_4(retrain, registry, referenced):
    referenced.write_bytes(referenced.read_bytes() + b"\0")
    assert retrain().code == 4


def test_an_unknown_recipe_lists_those_there_are(retrain, registry):
    done = retrain("--gate", "nonesuch")
    assert done.code == 2 and "paper" in done.err


def test_a_small_search(retrain, registry):
    done = retrain("--trials", "2", "--json")
    assert done.code == 0, done.out
    assert Hub.open(registry).gate_record().card.training.trials == 2


def test_another_recipe_is_another_search(retrain, registry):
    folder = settings.cache_folder() / "search"
    assert retrain("--trials", "1").code == 0
    assert retrain("--trials", "1", "--gate", "paper").code == 0
    assert len(list(folder.glob("*.sqlite"))) == 2


def test_a_cache_that_cannot_be_written_is_named_with_the_way_on(retrain, registry, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TFBS_HUB_CACHE", str(tmp_path / "file"))
    done = retrain()
    assert done.code == 1 and "TFBS_HUB_CACHE" in done.err
