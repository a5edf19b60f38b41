"""explain: drawings that fit the terminal, every file, and what is refused; show --motifs."""

from __future__ import annotations

import io
import json
import re
import subprocess

import h5py
import numpy as np
import pybigtools
import pytest

from tfbs_hub import Hub
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import decode, encode
from tfbs_hub.sources.jaspar import background

EVIL = "evil\x1b[31m[bold]\u202e&amp;"
SITE = "CACGTGAC"


def letters(length=61, site=True, seed=0):
    codes = background(1, length, generator(seed, "cli"))[0]
    if site:
        codes[20:28] = encode(SITE)
    return decode(codes)


@pytest.fixture
def fasta(tmp_path, registry):
    path = tmp_path / "in.fa"
    path.write_text(f">site {letters()}\n{letters()}\n>{EVIL}\n{letters(seed=1)}\n".replace(f" {letters()}", ""))
    return path


@pytest.fixture
def peaks(tmp_path, registry):
    (tmp_path / "genome.fa").write_text(f">chr1\n{letters(300)}\n")
    (tmp_path / "peaks.bed").write_text("chr1\t0\t61\nchr1\t100\t161\n")
    return [tmp_path / "peaks.bed", "--genome", tmp_path / "genome.fa", "--model", "EBOX", "--method", "gradient"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_drawing_fits_the_terminal(cli, fasta, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = cli("explain", fasta, "--model", "EBOX,moe", "--no-seqlets", "--device", "cpu")
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= width
    assert "\x1b" not in done.out and "\u202e" not in done.out and "[bold]" in done.out
    drawn = "".join(line[8:] for line in lines if line[:8] == "      0 ")
    assert len(drawn) == 4 * 61 and sorted(drawn) == sorted((letters() + letters(seed=1)) * 2)
    assert "EBOX · shiftsmooth   logit" in done.out or width == 40
    assert re.search(r"one scale: a full bar is [0-9.]+\n", done.out)


def test_seqlets_are_marked_and_listed(cli, fasta, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    done = cli("explain", fasta, "--model", "EBOX", "--device", "cpu")
    assert done.code == 0 and "╰──" in done.out
    assert re.search(r"site +EBOX · shiftsmooth +\d+-\d+ +\w*CACGTG", done.out)
    plain = cli("explain", fasta, "--model", "EBOX", "--no-seqlets", "--own-scale")
    assert "╰" not in plain.out and "each track has its own scale" in plain.out


def test_a_terminal_gets_colours_unless_it_wants_none(fasta, command, environment, tmp_path):
    def shown(**variables):
        arguments = command("explain", fasta, "--model", "EBOX", "--no-seqlets", "--device", "cpu", "--limit", "1")
        line = " ".join(f"'{each}'" for each in arguments)
        variables = {"TERM": "xterm-256color", "COLUMNS": "80", **variables}
        done = subprocess.run(
            ["script", "-qec", line, "/dev/null"],
            env={name: value for name, value in environment.items() if name != "NO_COLOR"} | variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    coloured = shown()
    # Green A, blue C, orange G, red T; bars below the axis with the colours exchanged.
    assert all(code in coloured for code in ("\x1b[32m", "\x1b[38;5;33m", "\x1b[38;5;208m", "\x1b[31m", "\x1b[7;"))
    bare = shown(NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9;]*m", bare) and "\x1b[7m" in bare
    plain = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text) for text in (coloured, bare)]
    assert plain[0].split("[site", 1)[1] == plain[1].split("[site", 1)[1]


def test_json_has_every_sequence_of_every_model_and_method(cli, fasta):
    arguments = ["explain", fasta, "--model", "moe,EBOX", "--method", "gradient,shiftsmooth", "--shifts", "3"]
    report = cli(*arguments, "--json", "--no-seqlets", "--device", "cpu").json
    told = [(each["model"], each["method"]) for each in report["explanations"]]
    assert told == [(model, method) for model in ("moe", "EBOX") for method in ("gradient", "shiftsmooth")]
    assert [each["settings"].get("shifts") for each in report["explanations"]] == [None, 3, None, 3]
    found = Hub.open().explain([letters(), letters(seed=1)], "shiftsmooth", "EBOX", shifts=3)
    for index, record in enumerate(report["explanations"][3]["sequences"]):
        assert record["actual"] == pytest.approx(list(found.actual[index]), abs=2e-6)
        assert record["logit"] == pytest.approx(found.logit[index], abs=1e-5) and "seqlets" not in record
    assert report["explanations"][0]["sequences"][1]["id"] == EVIL


def test_json_with_seqlets(cli, fasta):
    report = cli("explain", fasta, "--model", "EBOX", "--json", "--device", "cpu").json
    (first, *_) = report["explanations"][0]["sequences"][0]["seqlets"]
    assert first["start"] < 28 and first["end"] > 20
    assert set(first["match"]) == {"matrix", "name", "family", "strand", "p_value"}


def test_files_hold_what_python_gives(cli, fasta, tmp_path):
    found = Hub.open().explain([letters(), letters(seed=1)], "gradient", "EBOX")
    for name in ("a.tsv", "a.npz", "a.h5", "a.PNG", "a.svg"):
        done = cli("explain", fasta, "--model", "EBOX", "--method", "gradient", "-o", tmp_path / name, "--no-seqlets")
        assert (done.code, done.out) == (0, "") and f"2 sequences in {tmp_path / name}" in done.err
    with np.load(tmp_path / "a.npz") as stored:
        np.testing.assert_allclose(stored["hypothetical"], found.hypothetical, atol=1e-5)
    with h5py.File(io.BytesIO((tmp_path / "a.h5").read_bytes())) as file:
        assert file.attrs["input"] == "in.fa" and file["sequences/ids"].asstr()[1] == EVIL
        np.testing.assert_allclose(file["explanations/0/actual"], found.flat_actual, atol=1e-5)
    rows = [line.split("\t") for line in (tmp_path / "a.tsv").read_text().splitlines()]
    values = [float(row[rows[0].index("contribution")]) for row in rows[1:]]
    assert values == pytest.approx(list(found.flat_actual), abs=1e-5)
    assert not list(tmp_path.glob(".*"))


def test_tracks_of_the_genome_are_exact(cli, peaks, tmp_path):
    assert cli("explain", *peaks, "-o", tmp_path / "a.bedGraph").code == 0
    assert cli("explain", *peaks, "-o", tmp_path / "a.bw").code == 0
    genome = letters(300)
    starts = (30 - 30, 130 - 30)
    found = Hub.open().explain([genome[start : start + 61] for start in starts], "gradient", "EBOX")
    places = [start + place for start in starts for place in range(61)]
    rows = [line.split("\t") for line in (tmp_path / "a.bedGraph").read_text().splitlines()[1:]]
    assert [(row[0], int(row[1]), int(row[2])) for row in rows] == [("chr1", at, at + 1) for at in places]
    assert [float(row[3]) for row in rows] == pytest.approx(list(found.flat_actual), rel=1e-4, abs=1e-5)
    with pybigtools.open(str(tmp_path / "a.bw")) as file:
        assert file.chroms() == {"chr1": 300}
        assert [tuple(record)[:2] for record in file.records("chr1")] == [(at, at + 1) for at in places]


def test_seqlets_as_bed_and_as_a_table(cli, peaks, tmp_path):
    assert cli("explain", *peaks, "--seqlets-output", tmp_path / "a.bed", "--json").code == 0
    for line in (tmp_path / "a.bed").read_text().splitlines():
        chromosome, start, end, *_ = line.split("\t")
        assert chromosome == "chr1" and 0 <= int(start) < int(end) <= 161
    assert cli("explain", *peaks, "--seqlets-output", tmp_path / "a.tsv").code == 0
    assert (tmp_path / "a.tsv").read_text().startswith("id\tmodel\tmethod\tstart\tend\tchromosome\t")


def test_tiles_and_limits(cli, registry, tmp_path):
    (tmp_path / "in.txt").write_text("\n".join([letters(150), *(letters(seed=seed) for seed in range(6))]))
    long = cli("explain", tmp_path / "in.txt", "--model", "EBOX")
    assert (long.code, long.out) == (2, "") and "--tile STEP" in long.err and "in.txt:1" in long.err
    arguments = ["explain", tmp_path / "in.txt", "--model", "EBOX", "--method", "gradient", "--tile", "20"]
    done = cli(*arguments, "--no-seqlets")
    assert done.code == 0 and "[seq5  61 bp]" in done.out and "seq6" not in done.out
    assert "the first 5 sequences; --limit N takes more" in done.err
    assert len(cli(*arguments, "--json", "--no-seqlets").json["explanations"][0]["sequences"]) == 7
    assert "seq7" in cli(*arguments, "--no-seqlets", "--limit", "7").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--method", "gradint"], 2, "did you mean gradient?"),
        (["--method", ","], 2, "no method to explain with"),
        (["--model", ","], 2, "no model to explain with"),
        (["--model", "EBX"], 3, "did you mean EBOX?"),
        (["--method", "gradient,saliency", "--shifts", "3"], 2, "cannot use --shifts"),
        (["--method", "saliency", "--corrected"], 2, "does not apply to saliency"),
        (["-o", "a.xlsx"], 2, ".h5, .npz, .tsv, .bedGraph, .bw, .png, .svg"),
        (["-o", "nowhere/a.h5"], 3, "the folder does not exist"),
        (["-o", "a.bw", "--method", "gradient,saliency"], 2, "holds one track, and 2 are asked for"),
        (["-o", "a.bedGraph", "--model", "EBOX", "--method", "gradient"], 2, "has no coordinates"),
        (["-o", "a.tsv", "--seqlets-output", "a.bed"], 2, "has no coordinates, which BED needs"),
        (["-o", "a.bw", "--genome", "nowhere.fa"], 3, "nowhere.fa"),
        (["-o", "a.h5", "--seqlets-output", "nowhere/a.bed"], 3, "the folder does not exist"),
        (["-o", "a.h5", "--no-seqlets", "--seqlets-output", "a.tsv"], 2, "lists what --no-seqlets leaves out"),
        (["--model", "moe,EBOX", "--seqlets-output", "a.bed"], 2, "which of 2 tracks"),
        (["-o", "a.tsv", "--seqlets-output", "./a.tsv"], 2, "one file cannot be two of"),
        (["--shifts", "100"], 2, "go round a window"),
        (["--tile", "99", "--method", "gradient"], 2, "a step of 99 bp"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(cli, fasta, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = cli("explain", fasta, *arguments)
    assert (done.code, done.out) == (code, "") and said in done.err
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_the_input_is_not_written_over(cli, registry, tmp_path):
    path = tmp_path / "in.tsv"
    path.write_text(f">x\n{letters()}\n")
    done = cli("explain", path, "-o", path)
    assert (done.code, path.read_text()[0]) == (2, ">") and "one file cannot be two of input, output" in done.err


def test_a_picture_that_nobody_could_read_is_refused(cli, registry, tmp_path):
    (tmp_path / "in.txt").write_text("\n".join([letters()] * 130))
    arguments = ["explain", tmp_path / "in.txt", "--model", "EBOX", "--method", "gradient", "--no-seqlets"]
    done = cli(*arguments, "--limit", "130", "-o", tmp_path / "a.png")
    assert done.code == 2 and "too much for one readable .png" in done.err and not (tmp_path / "a.png").exists()


def test_a_model_named_twice_is_explained_once(cli, fasta):
    found = cli("explain", fasta, "--model", "EBOX,ebox", "--method", "gradient", "--json", "--no-seqlets").json
    assert [each["model"] for each in found["explanations"]] == ["EBOX"]


def test_what_is_explained_is_recorded_with_its_defaults(cli, fasta):
    (found,) = cli("explain", fasta, "--model", "EBOX", "--json", "--no-seqlets").json["explanations"]
    assert found["settings"]["shifts"] == 10


def test_nothing_to_explain(cli, registry, tmp_path):
    (tmp_path / "in.fa").write_text("")
    assert cli("explain", tmp_path / "in.fa").code == 2
    assert cli("explain", "-", stdin=b"\n").code == 2
    assert cli("explain", tmp_path / "none.fa").code == 3


def test_errors_are_json_too(cli, fasta):
    error = json.loads(cli("explain", fasta, "--method", "nonsense", "--json").out)["error"]
    assert error["type"] == "UsageError" and error["exit_code"] == 2


def test_show_says_how_to_learn_motifs_and_then_what_was_learned(cli, registry):
    assert "tfbs-hub show EBOX --motifs" in cli("show", "EBOX").out
    assert cli("show", "EBOX", "--json").json["learned"] is None
    done = cli("show", "EBOX", "--motifs")
    assert done.code == 0 and re.search(r"\d+%  \S*CACGTG", done.out)
    again = cli("show", "EBOX")
    assert again.out == done.out and again.err == ""
    motif = cli("show", "EBOX", "--json").json["learned"]["motifs"][0]
    assert "CACGTG" in motif["consensus"] and len(motif["counts"]) == 4
