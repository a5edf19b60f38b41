"""add-expert: every source, the rules for names, what is refused, and what the card says."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
from pathlib import Path

import pytest

from tfbs_hub import Hub
from tfbs_hub.registry import storage

QUICK = ["--architecture", "deepbind", "--device", "cpu", "--json"]
MEME = """MEME version 4

ALPHABET= ACGT

MOTIF M1 EBOX
letter-probability matrix: alength= 4 w= 6
0 1 0 0
1 0 0 0
0 1 0 0
0 0 1 0
0 0 0 1
0 0 1 0
"""
JASPAR = """>MA9999.1 EBOX
A [ 0 10  0  0  0  0 ]
C [10  0 10  0  0  0 ]
G [ 0  0  0 10  0 10 ]
T [ 0  0  0  0 10  0 ]
"""


@pytest.fixture
def peaks(write_peaks, tmp_path):
    return write_peaks(tmp_path / "peaks.fa", "TGACTCAT", 60)


@pytest.fixture
def card(registry):
    """The card of an expert, read anew."""
    return lambda name: Hub.open(registry).spec(name).card


@pytest.fixture
def mirror(tmp_path, monkeypatch, write_peaks):
    """A mirror of the ENCODE set with two experiments of ABC1, one with a part B, and one of XYZ2."""
    folder = tmp_path / "mirror"
    folder.mkdir()

    def write(name, site, seed, *, part_b=False):
        fasta = write_peaks(tmp_path / "some.fa", site, 80, seed=seed, labelled=part_b).read_text().split()
        rows = [
            f"A\t{n[1:]}\t{s}\t{int(not n.endswith('_shuf'))}" for n, s in zip(fasta[::2], fasta[1::2], strict=True)
        ]
        text = "FoldID\tEventID\tseq\tBound\n" + "\n".join(rows) + "\n"
        (folder / name).write_bytes(gzip.compress(text.encode(), mtime=0))

    write("ABC1_K562_ABC1_Broad_AC.seq.gz", "CACGTGAC", 1)
    write("ABC1_HepG2_ABC1_Stanford_AC.seq.gz", "CACGTGAC", 2)
    write("ABC1_HepG2_ABC1_Stanford_B.seq.gz", "CACGTGAC", 3, part_b=True)
    write("XYZ2_HepG2_XYZ2_HudsonAlpha_AC.seq.gz", "CCGGAAGT", 4)
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in folder.iterdir())
    (folder / "SHA256SUMS").write_text("".join(sorted(sums)))
    monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", str(folder))
    return folder


def weights(registry):
    return {path: path.read_bytes() for path in registry.rglob("weights.safetensors")}


# -- the user's own data ----------------------------------------------------------------------------------


def test_own_sequences(cli, registry, peaks, card):
    before = weights(registry)
    done = cli("add-expert", "AP1", "--data", peaks, *QUICK)
    assert done.code == 0, done.err
    added = done.json["added"]
    assert (added["name"], added["tf"], added["enabled"], added["in_gate"]) == ("AP1", "AP1", True, False)
    assert done.json["older_weights"] == {
        path.relative_to(registry).as_posix(): hashlib.sha256(data).hexdigest() for path, data in before.items()
    }
    assert {path: data for path, data in weights(registry).items() if path in before} == before
    made = card("AP1")
    assert (made.provenance.source, made.provenance.simulated, made.provenance.positives) == ("files", False, 60)
    assert made.provenance.negatives == "dinucleotide"
    assert (made.provenance.files[0].name, made.provenance.files[0].rows) == ("peaks.fa", 60)
    assert made.provenance.files[0].sha256 == hashlib.sha256(peaks.read_bytes()).hexdigest()
    assert made.gate_set.kind == "stored" and made.window == 61
    assert str(registry.parent) not in made.to_json().decode()


def test_the_text_says_what_to_do_next(cli, registry, peaks):
    done = cli("add-expert", "AP1", "--data", peaks, "--architecture", "deepbind", "--device", "cpu")
    assert done.code == 0
    assert "added AP1" in done.out and "tfbs-hub retrain-gate" in done.out
    assert "older weights, hashed before and after: unchanged" in done.out
    assert "AUROC" in done.out and "validation" in done.out
    assert "training AP1: validation AUROC" in done.err


def test_the_same_command_gives_the_same_bytes_elsewhere(cli, peaks, tmp_path, monkeypatch):
    digests = []
    for name in ("one", "two"):
        monkeypatch.setenv("TFBS_HUB_CACHE", str(tmp_path / f"cache-{name}"))
        done = cli("--registry", tmp_path / name, "add-expert", "AP1", "--data", peaks, *QUICK)
        digests.append(done.json["added"]["digest"])
    assert digests[0] == digests[1]
    files = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name / "experts").rglob("*.*")}
        for name in ("one", "two")
    ]
    assert files[0] == files[1]
    other = cli("--registry", tmp_path / "three", "add-expert", "AP1", "--data", peaks, "--seed", "1", *QUICK)
    assert other.json["added"]["digest"] != digests[0]


def test_negatives_that_came_with_the_data_are_used_unless_others_are_asked_for(
    cli, registry, write_peaks, tmp_path, card
):
    labelled = write_peaks(tmp_path / "labelled.fa", "TGACTCAT", 60, labelled=True)
    assert cli("add-expert", "AP1", "--data", labelled, *QUICK).code == 0
    assert card("AP1").provenance.negatives == "given"
    assert cli("add-expert", "AP2", "--data", labelled, "--negatives", "dinucleotide", *QUICK).code == 0
    assert card("AP2").provenance.negatives == "dinucleotide"
    assert card("AP1").provenance.positives == card("AP2").provenance.positives == 60
    assert card("AP1").weights_sha256 != card("AP2").weights_sha256


@pytest.mark.parametrize("kind", ["other-tfs", "mixed"])
def test_negatives_from_other_factors(kind, cli, registry, peaks, trained, card):
    missing = cli("add-expert", "AP1", "--data", peaks, "--negatives", kind, *QUICK)
    assert missing.code == 2 and "--others" in missing.json["error"]["hint"]
    pointless = cli("add-expert", "AP1", "--data", peaks, "--others", trained.peaks["ETS"], *QUICK)
    assert pointless.code == 2 and kind in pointless.json["error"]["what"]
    done = cli("add-expert", "AP1", "--data", peaks, "--negatives", kind, "--others", trained.peaks["ETS"], *QUICK)
    assert done.code == 0, done.out
    assert card("AP1").provenance.negatives == kind


def test_peaks_and_a_genome(cli, registry, tmp_path, card, random_codes):
    genome = "".join("ACGT"[code] for code in random_codes(1, 30_000)[0])
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    rows = [f"chr1\t{start}\t{start + 80}\tp\t0\t.\t1\t1\t1\t40\n" for start in range(200, 15_000, 300)]
    (tmp_path / "peaks.narrowPeak").write_text("".join(rows))
    asked = ["--peaks", tmp_path / "peaks.narrowPeak", "--genome", tmp_path / "genome.fa"]
    done = cli("add-expert", "CUT", *asked, "--negatives", "genomic", "--cell", "K562", *QUICK)
    assert done.code == 0, done.out
    made = card("CUT")
    assert (made.window, made.cell, made.provenance.negatives, made.provenance.positives) == (
        101,
        "K562",
        "genomic",
        50,
    )
    assert cli("add-expert", "CUT41", *asked, "--window", "41", *QUICK).json["added"]["name"] == "CUT41"
    assert card("CUT41").window == 41
    held_out = cli("add-expert", "CUT3", *asked, "--exclude", tmp_path / "peaks.narrowPeak", *QUICK)
    assert held_out.code == 2 and "every training sequence" in held_out.json["error"]["what"]
    bare = cli("add-expert", "CUT4", "--peaks", tmp_path / "peaks.narrowPeak", *QUICK)
    assert bare.code == 2 and "--genome" in bare.json["error"]["hint"]


def test_a_test_file_is_scored_and_what_it_shares_is_left_out(cli, registry, trained, tmp_path, card):
    labelled = tmp_path / "labelled.fa"
    labelled.write_text(
        "\n".join(trained.peaks["EBOX"].read_text().split("\n")[:20])
        + "\n>x_shuf\n"
        + "ACGTA" * 12
        + "A\n>y_shuf\n"
        + "T" * 61
        + "\n"
    )
    done = cli("add-expert", "E2", "--data", trained.peaks["EBOX"], "--test", labelled, *QUICK)
    assert done.code == 0, done.out
    made = card("E2")
    assert (made.provenance.dropped, made.provenance.positives) == (10, 290)
    assert [(metric.name, metric.data, metric.rows) for metric in made.metrics] == [
        ("auroc", "validation", made.metrics[0].rows),
        ("auprc", "validation", made.metrics[0].rows),
        ("auroc", "labelled.fa", 12),
        ("auprc", "labelled.fa", 12),
    ]
    assert done.json["added"]["auroc_on"] == "labelled.fa"
    text = cli(
        *("add-expert", "E3", "--data", trained.peaks["EBOX"], "--exclude", labelled),
        *("--architecture", "deepbind", "--device", "cpu"),
    )
    assert "10 training sequences share a 32-mer with a test file and were left out" in text.err
    assert card("E3").metric().data == "validation"


def test_a_test_file_without_labels_is_refused_before_training(cli, registry, peaks, trained):
    done = cli("add-expert", "AP1", "--data", peaks, "--test", trained.peaks["EBOX"], *QUICK)
    assert done.code == 2 and "labelled" in done.json["error"]["what"]
    assert "training" not in done.err


def test_unequal_lengths_name_the_line_and_both_lengths(cli, registry, tmp_path):
    (tmp_path / "in.fa").write_text(">a\nACGTACGT\n>b\nACGT\n")
    done = cli("add-expert", "X", "--data", tmp_path / "in.fa")
    assert done.code == 2
    assert "in.fa:3: this sequence has 4 bp, but the one on line 1 has 8 bp" in done.err
    assert "must have one length" in done.err


def test_too_few_sequences(cli, registry, write_peaks, tmp_path):
    few = write_peaks(tmp_path / "few.fa", "TGACTCAT", 12)
    done = cli("add-expert", "X", "--data", few, *QUICK)
    assert done.code == 2 and "12 positives are too few" in done.json["error"]["what"]


def test_without_gate_data_no_sequence_is_kept(cli, registry, peaks, trained, card):
    assert cli("add-expert", "AP1", "--data", peaks, "--no-gate-data", *QUICK).code == 0
    assert card("AP1").gate_set.kind == "none"
    assert [path.name for path in (registry / "experts" / "AP1").rglob("*.h5")] == []
    mixing = cli("retrain-gate", "--device", "cpu")
    assert mixing.code == 3 and "AP1" in mixing.err and "--data" in mixing.err
    report = cli("retrain-gate", "--device", "cpu", "--data", trained.labelled["ETS"], "--json").json
    assert report["gate"]["experts"] == ["AP1", "EBOX", "ETS"]
    assert [score["name"] for score in report["gate_sets"]] == ["EBOX", "ETS", "ETS_test"]


def test_the_fewest_sequences_that_are_enough(cli, registry, write_peaks, tmp_path, card):
    few = write_peaks(tmp_path / "few.fa", "TGACTCAT", 20)
    assert cli("add-expert", "AP1", "--data", few, *QUICK).code == 0
    assert (card("AP1").training.fitted, card("AP1").training.held_out) == (10, 10)
    assert cli("retrain-gate", "--device", "cpu").code == 0


def test_a_small_search(cli, registry, peaks, card):
    done = cli("add-expert", "AP1", "--data", peaks, "--trials", "2", *QUICK)
    assert done.code == 0, done.out
    assert card("AP1").training.trials == 2
    assert "searching for AP1" in done.err


# -- names ------------------------------------------------------------------------------------------------


def test_a_name_that_is_taken_is_refused_before_training(cli, registry, peaks):
    taken = cli("add-expert", "ebox", "--data", peaks, *QUICK)
    assert taken.code == 2 and "--name" in taken.json["error"]["hint"]
    named = cli("add-expert", "AP1", "--name", "Ets", "--data", peaks, *QUICK)
    assert named.code == 2 and "Ets" in named.json["error"]["what"]
    assert "training" not in taken.err + named.err


def test_a_taken_name_gets_the_cell(cli, registry, peaks, card):
    done = cli("add-expert", "EBOX", "--data", peaks, "--cell", "K562", *QUICK)
    assert done.json["added"]["name"] == "EBOX_K562"
    assert (card("EBOX_K562").tf, card("EBOX_K562").cell) == ("EBOX", "K562")


@pytest.mark.parametrize("name", ["moe", "mean", "a/b", "../x", ".x", "x.", "[red]", "con", "x" * 65, ""])
def test_names_that_cannot_be(cli, registry, peaks, name):
    done = cli("add-expert", "AP1", "--name", name, "--data", peaks, *QUICK)
    assert (done.code, done.json["error"]["type"]) == (2, "UsageError")
    assert "training" not in done.err


# -- JASPAR and matrices ----------------------------------------------------------------------------------


def test_simulated_from_jaspar(cli, registry, monkeypatch, card):
    monkeypatch.setattr("tfbs_hub.sources.jaspar.DEFAULT_POSITIVES", 60)
    done = cli("add-expert", "STAT3", "--source", "jaspar", "--window", "61", *QUICK)
    assert done.code == 0, done.out
    assert done.json["added"]["simulated"] is True
    made = card("STAT3")
    assert made.provenance.simulated and made.provenance.source == "jaspar" and "MA0144" in made.provenance.note
    assert made.gate_set.simulated and made.window == 61
    assert "STAT3" in cli("experts").out and "jaspar (simulated)" in cli("experts").out
    assert "SIMULATED" in cli("show", "STAT3").out


def test_a_factor_that_jaspar_lacks_names_near_ones(cli, registry):
    done = cli("add-expert", "GATA33", "--source", "jaspar")
    assert done.code == 3 and "GATA3" in done.err


@pytest.mark.parametrize("text", [MEME, JASPAR])
def test_a_matrix_of_ones_own(cli, registry, tmp_path, card, text):
    (tmp_path / "motif").write_text(text)
    done = cli("add-expert", "EBOX", "--motif", tmp_path / "motif", "--name", "EBOX-pwm", "--json")
    assert done.code == 0, done.out
    made = card("EBOX-pwm")
    assert (made.architecture, made.training, made.window) == ("tfbs_hub.experts.pwm:PWM", None, 101)
    assert made.provenance.simulated and made.gate_set.kind == "stored"
    rows = cli("predict", "-", "--model", "EBOX-pwm", stdin=b"AAAAAACACGTGAAAAAA\nAAAAAACACTTGAAAAAA\n").table
    assert float(rows[0]["logit"]) > float(rows[1]["logit"]) + 3
    assert "none: the weights are a matrix" in cli("show", "EBOX-pwm").out


def test_a_matrix_from_jaspar(cli, registry, card):
    done = cli("add-expert", "GATA3", "--architecture", "pwm", "--json")
    assert done.code == 0, done.out
    assert "MA0037" in card("GATA3").provenance.note


@pytest.mark.parametrize(
    "options",
    [
        ["--trials", "2"],
        ["--negatives", "dinucleotide"],
        ["--exclude", "x.fa"],
        ["--data", "x.fa"],
        ["--cell", "K562"],
        ["--source", "encode"],
    ],
)
def test_options_of_training_mean_nothing_to_a_matrix(cli, registry, options):
    done = cli("add-expert", "GATA3", "--architecture", "pwm", *options)
    assert done.code == 2
    assert f"a matrix is not trained, so {options[0]} means nothing here" in done.err


def test_a_motif_file_must_say_which(cli, registry, tmp_path):
    (tmp_path / "many.meme").write_text(MEME + "\n" + MEME.split("\n\n", 2)[2].replace("M1 EBOX", "M2 OTHER"))
    done = cli("add-expert", "THIRD", "--motif", tmp_path / "many.meme")
    assert done.code == 3 and "2 motifs" in done.err and "EBOX, OTHER" in done.err
    assert cli("add-expert", "OTHER", "--motif", tmp_path / "many.meme").code == 0
    (tmp_path / "no.meme").write_text("nothing\n")
    assert cli("add-expert", "X", "--motif", tmp_path / "no.meme").code == 2
    assert cli("add-expert", "X", "--motif", tmp_path / "none.meme").code == 3


# -- ENCODE -----------------------------------------------------------------------------------------------


def test_offline_stops_and_names_the_ways_on(cli, registry):
    done = cli("add-expert", "GABPA")
    assert (done.code, done.out) == (3, "")
    for way in ("TFBS_HUB_ENCODE_MIRROR", "--data", "--source jaspar"):
        assert way in done.err
    assert cli("add-expert", "GABPA", "--json").json["error"]["type"] == "OfflineError"


def test_a_factor_with_several_experiments_lists_the_choices(cli, registry, mirror):
    done = cli("add-expert", "ABC1", *QUICK)
    assert done.code == 2
    hint = done.json["error"]["hint"]
    for choice in ("--cell", "K562", "HepG2"):
        assert choice in hint
    lost = cli("add-expert", "ABC1", "--cell", "A549", *QUICK)
    assert lost.code == 3 and "K562" in lost.out


def test_an_experiment_from_the_mirror(cli, registry, mirror, card):
    done = cli("add-expert", "abc1", "--cell", "HepG2", "--name", "ABC1", *QUICK)
    assert done.code == 0, done.out
    made = card("ABC1")
    assert (made.cell, made.provenance.source, made.provenance.simulated) == ("HepG2", "encode", False)
    assert made.metric().data == "ABC1_HepG2_ABC1_Stanford_B.seq.gz"
    assert made.metric().rows == 160
    assert made.gate_set.kind == "referenced" and made.gate_set.positives
    assert made.licence and made.citation
    assert list((registry / "experts" / "ABC1").rglob("*.h5")) == []
    second = cli("add-expert", "ABC1", "--cell", "K562", *QUICK)
    assert second.json["added"]["name"] == "ABC1_K562"


def test_an_experiment_chosen_by_its_file(cli, registry, mirror, card):
    done = cli("add-expert", "ABC1", "--file", "ABC1_K562_ABC1_Broad_AC.seq.gz", *QUICK)
    assert done.code == 0, done.out
    assert card("ABC1").cell == "K562"
    assert card("ABC1").metric().data == "validation"


def test_a_factor_that_is_not_in_the_mirror_asks_the_hub_and_stops_offline(cli, registry, mirror):
    done = cli("add-expert", "XYZ3", *QUICK)
    assert done.code == 3 and "XYZ2" in done.json["error"]["hint"]


def test_a_mirror_with_other_bytes_is_4(cli, registry, mirror):
    (mirror / "XYZ2_HepG2_XYZ2_HudsonAlpha_AC.seq.gz").write_bytes(gzip.compress(b"FoldID\n"))
    done = cli("add-expert", "XYZ2", *QUICK)
    assert (done.code, done.json["error"]["type"]) == (4, "IntegrityError")


# -- what cannot be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--source", "nowhere"], "unknown source 'nowhere'"),
        (["--architecture", "transformer"], "unknown architecture 'transformer'"),
        (["--data", "x.fa", "--peaks", "x.bed"], "--data and --peaks exclude each other"),
        (["--data", "x.fa", "--source", "jaspar"], "exclude each other"),
        (["--peaks", "x.bed"], "--genome"),
        (["--motif", "x.meme", "--architecture", "deepbind"], "--motif goes with --architecture pwm only"),
        (["--source", "jaspar", "--cell", "K562"], "--cell means nothing here"),
        (["--data", "x.fa", "--file", "x"], "--file means nothing here"),
        (["--source", "jaspar", "--negatives", "genomic"], "--peaks"),
        (["--source", "files"], "--data FILE"),
    ],
)
def test_combinations_that_cannot_be(cli, registry, options, said):
    done = cli("add-expert", "GATA3", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_window_that_does_not_cut_is_refused(cli, registry, peaks):
    done = cli("add-expert", "AP1", "--data", peaks, "--window", "41", *QUICK)
    assert done.code == 2 and "61 bp" in done.json["error"]["what"]


def test_a_full_disk_leaves_the_registry_as_it_was(cli, registry, peaks, monkeypatch):
    before = {path: path.read_bytes() for path in registry.rglob("*") if path.is_file()}
    real = os.fsync

    def full(descriptor: int) -> None:
        if str(registry) in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(storage.os, "fsync", full)
    done = cli("add-expert", "AP1", "--data", peaks, *QUICK)
    monkeypatch.undo()
    assert (done.code, done.json["error"]["type"]) == (1, "StorageError")
    assert "no space" in done.json["error"]["what"] and done.json["error"]["hint"]
    assert {path: path.read_bytes() for path in registry.rglob("*") if path.is_file()} == before


def test_a_registry_is_made_where_a_named_one_is_missing(cli, tmp_path, peaks):
    done = cli("--registry", tmp_path / "new" / "registry", "add-expert", "AP1", "--data", peaks, *QUICK)
    assert done.code == 0
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("precious")
    refused = cli("--registry", tmp_path / "full", "add-expert", "AP1", "--data", peaks, *QUICK)
    assert refused.code == 2 and "other things" in refused.json["error"]["what"]
