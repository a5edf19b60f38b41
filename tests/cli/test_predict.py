"""predict: every form of input, both forms of output, and what is refused."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import pytest

from tfbs_hub import Hub

SEQUENCES = {
    "first": "ACGT" * 5 + "CACGTGAC" + "TTGCA" * 4,
    "second|x": "TTTTTTTTTTCCGGAAGTAAAAAAAAAACC",
    "third": "n" * 30,
}


def fasta(sequences=SEQUENCES, width=25):
    lines = []
    for name, letters in sequences.items():
        lines.append(f">{name} with a comment")
        lines += [letters[at : at + width] for at in range(0, len(letters), width)]
    return "\n".join(lines) + "\n"


def seq_gz(sequences=SEQUENCES):
    rows = "".join(f"A\t{name}\t{letters}\t1\n" for name, letters in sequences.items())
    return gzip.compress(("FoldID\tEventID\tseq\tBound\n" + rows).encode())


@pytest.fixture
def as_fasta(tmp_path, registry):
    path = tmp_path / "in.fa"
    path.write_text(fasta())
    return path


@pytest.fixture
def expected(registry):
    return Hub.open(registry).predict(list(SEQUENCES.values()))


def test_the_table_is_what_python_gives(cli, as_fasta, expected):
    done = cli("predict", as_fasta, "--device", "cpu")
    assert done.code == 0
    assert done.err.startswith("note: sequences shorter than the window of 61 bp: 3;")
    assert [row["id"] for row in done.table] == list(SEQUENCES)
    for place, row in enumerate(done.table):
        assert float(row["logit"]) == pytest.approx(expected.logit[place], rel=1e-4, abs=1e-5)
        assert float(row["alpha_EBOX"]) + float(row["alpha_ETS"]) == pytest.approx(1, abs=1e-5)


def test_json_keeps_its_promise_and_contributions_and_bias_sum_to_the_logit(cli, as_fasta, expected):
    report = cli("predict", as_fasta, "--device", "cpu", "--json").json
    assert report["model"] == "moe"
    assert [row["id"] for row in report["sequences"]] == list(SEQUENCES)
    for place, row in enumerate(report["sequences"]):
        assert row["logit"] == pytest.approx(expected.logit[place], abs=1e-5)
        assert row["probability"] == pytest.approx(expected.probability[place], abs=1e-6)
        assert list(row["alpha"]) == list(row["contribution"]) == ["EBOX", "ETS"]
        assert sum(row["contribution"].values()) + report["bias"] == pytest.approx(row["logit"], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.fa.gz", gzip.compress(fasta().encode())),
        ("in.seq.gz", seq_gz()),
        ("in.fa", fasta().replace("\n", "\r\n").encode()),
        ("in.fa", fasta(width=7).lower().replace("first", "First").encode()),
    ],
    # Two processes would name packed content differently: it holds the time.
    ids=["packed FASTA", "packed table", "lines of Windows", "wrapped lower case"],
)
def test_every_form_gives_the_same_numbers(cli, tmp_path, expected, name, content):
    path = tmp_path / "forms" / name
    path.parent.mkdir()
    path.write_bytes(content)
    rows = cli("predict", path, "--device", "cpu").table
    assert [row["id"].lower() for row in rows] == list(SEQUENCES)
    assert [float(row["logit"]) for row in rows] == pytest.approx(list(expected.logit), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("content", ["\n".join(SEQUENCES.values()).encode(), fasta().encode(), seq_gz()])
def test_stdin_takes_any_form(cli, registry, expected, content):
    rows = cli("predict", "-", "--device", "cpu", stdin=content).table
    assert [float(row["logit"]) for row in rows] == pytest.approx(list(expected.logit), rel=1e-4, abs=1e-5)


def test_plain_text_is_numbered(cli, registry, tmp_path):
    (tmp_path / "in.txt").write_text("ACGTACGT\n\nTTTTT\n")
    assert [row["id"] for row in cli("predict", tmp_path / "in.txt").table] == ["seq1", "seq2"]


def test_peaks_are_cut_from_the_genome_around_their_summits(cli, registry, tmp_path, trained):
    window = 61
    genome = "".join(trained.peaks["EBOX"].read_text().split("\n")[1:20:2])
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    (tmp_path / "peaks.narrowPeak").write_text("chr1\t100\t220\tsummit\t0\t.\t1\t1\t1\t40\n")
    (tmp_path / "plain.bed").write_text("chr1\t110\t171\n")
    cut = genome[140 - window // 2 : 140 + window // 2 + 1]
    (told,) = Hub.open(registry).predict([cut]).logit
    for peaks in ("peaks.narrowPeak", "plain.bed"):
        (row,) = cli("predict", tmp_path / peaks, "--genome", tmp_path / "genome.fa").table
        assert float(row["logit"]) == pytest.approx(told, rel=1e-4)
    lost = cli("predict", tmp_path / "plain.bed")
    assert lost.code == 3 and "--genome FASTA" in lost.err
    nowhere = cli("predict", tmp_path / "plain.bed", "--genome", tmp_path / "no.fa")
    assert nowhere.code == 3 and "no.fa" in nowhere.err


def test_one_expert_has_no_alpha(cli, as_fasta):
    report = cli("predict", as_fasta, "--model", "ETS", "--json").json
    assert (report["model"], report["bias"]) == ("ETS", None)
    assert set(report["sequences"][0]) == {"id", "logit", "probability"}
    assert set(cli("predict", as_fasta, "--model", "ETS").table[0]) == {"id", "logit", "probability"}


def test_an_unknown_model_names_near_ones(cli, as_fasta):
    done = cli("predict", as_fasta, "--model", "ETZ")
    assert (done.code, done.out) == (3, "")
    assert "did you mean ETS?" in done.err


def test_a_sequence_longer_than_the_window_names_tile(cli, registry, tmp_path):
    (tmp_path / "in.fa").write_text(">short\nACGT\n>long\n" + "ACGTA" * 20 + "\n")
    done = cli("predict", tmp_path / "in.fa")
    assert (done.code, done.out) == (2, "")
    assert "in.fa:3: long has 100 bp" in done.err and "61 bp" in done.err and "--tile STEP" in done.err


def test_tiles_cover_a_long_sequence_and_say_where_they_start(cli, registry, tmp_path):
    long = SEQUENCES["first"] * 3
    (tmp_path / "in.fa").write_text(f">long\n{long}\n")
    rows = cli("predict", tmp_path / "in.fa", "--tile", "20", "--device", "cpu").table
    starts = [int(row["start"]) for row in rows]
    assert starts == [*range(0, len(long) - 61, 20), len(long) - 61]
    alone = Hub.open(registry).predict([long[start : start + 61] for start in starts])
    assert [float(row["logit"]) for row in rows] == pytest.approx(list(alone.logit), rel=1e-4, abs=1e-5)
    report = cli("predict", tmp_path / "in.fa", "--tile", "20", "--json").json
    assert [row["start"] for row in report["sequences"]] == starts
    gaps = cli("predict", tmp_path / "in.fa", "--tile", "62")
    assert gaps.code == 2 and "from 1 to 61" in gaps.err


BAD = {
    "wrong letter": ("in.fa", b">a\nACGT\n>b\nAC\nAXGT\n", 2, "in.fa:5: 'X' is no DNA letter"),
    "empty": ("in.fa", b"", 2, "the file is empty"),
    "no sequence": ("in.fa", b"\n\n", 2, "in.fa: the file holds no sequences"),
    "cut short": ("in.fa.gz", gzip.compress(os.urandom(3000).hex().encode())[:2000], 2, "cut short"),
    "not gzip": ("in.fa.gz", b">a\nACGT\n", 2, "not a gzip file"),
    "too few columns": ("in.seq", b"FoldID\tEventID\tseq\tBound\nA\tb\n", 2, "in.seq:2"),
    "name only": ("in.fa", b">a\n>b\nACGT\n", 2, "in.fa:1: a record without a sequence"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_error_and_no_output(cli, registry, tmp_path, case):
    name, content, code, said = BAD[case]
    path, target = tmp_path / name, tmp_path / "out.tsv"
    path.write_bytes(content)
    done = cli("predict", path)
    assert (done.code, done.out) == (code, "")
    assert said in done.err and done.err.startswith("error: ")
    assert cli("predict", path, "--json").json["error"]["exit_code"] == code
    assert cli("predict", path, "-o", target).code == code
    assert cli("predict", path, "-o", target, "--json").json["error"]["exit_code"] == code
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([name, "registry"])


def test_an_error_after_thousands_of_rows_leaves_no_half_document_and_no_half_file(cli, registry, tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("ACGT\n" * 5000 + "ACXT\n")
    done = cli("predict", path, "--json")
    assert (done.code, done.json["error"]["where"].endswith("in.txt:5001")) == (2, True)
    target = tmp_path / "out.tsv"
    target.write_text("as it was")
    assert cli("predict", path, "-o", target).code == 2
    assert target.read_text() == "as it was"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.txt", "out.tsv", "registry"]


def test_no_such_file(cli, registry, tmp_path):
    done = cli("predict", tmp_path / "[red]none.fa")
    assert (done.code, done.out) == (3, "")
    assert "[red]none.fa: no such file" in done.err


def test_output_goes_to_a_file_that_others_may_read(cli, as_fasta, tmp_path):
    target = tmp_path / "out.tsv"
    done = cli("predict", as_fasta, "-o", target)
    assert (done.code, done.out) == (0, "")
    assert f"3 predictions in {target}" in done.err
    assert target.read_text() == cli("predict", as_fasta).out
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(as_fasta.stat().st_mode)
    whole = cli("predict", as_fasta, "-o", tmp_path / "out.json", "--json")
    assert whole.out == "" and (tmp_path / "out.json").read_text() == cli("predict", as_fasta, "--json").out


def test_output_through_a_link_leaves_the_link(cli, as_fasta, tmp_path):
    (tmp_path / "real.tsv").write_text("old")
    (tmp_path / "link.tsv").symlink_to("real.tsv")
    assert cli("predict", as_fasta, "-o", tmp_path / "link.tsv").code == 0
    assert (tmp_path / "link.tsv").is_symlink()
    assert (tmp_path / "real.tsv").read_text().startswith("id\t")


def test_output_to_what_is_no_file_is_written_as_it_is(cli, as_fasta):
    assert cli("predict", as_fasta, "-o", "/dev/null").code == 0
    assert not stat.S_ISREG(Path("/dev/null").stat().st_mode)


def test_output_into_a_folder_that_is_not_there(cli, as_fasta, tmp_path):
    done = cli("predict", as_fasta, "-o", tmp_path / "none" / "out.tsv")
    assert done.code == 3 and "the folder does not exist" in done.err and "make it" in done.err


def test_ids_are_kept_whatever_they_look_like(cli, registry, tmp_path):
    names = ["chr1:1-30(+)", "[bold]x", "é", "a,b;c"]
    (tmp_path / "in.fa").write_text(fasta(dict.fromkeys(names, "ACGTACGT")), encoding="utf-8")
    assert [row["id"] for row in cli("predict", tmp_path / "in.fa").table] == names
    assert [row["id"] for row in cli("predict", tmp_path / "in.fa", "--json").json["sequences"]] == names


def test_letters_that_were_not_taken_as_they_stand_are_counted(cli, registry, tmp_path):
    path = tmp_path / "in.fa"
    path.write_text(">a\n" + "ACGTRYN" * 8 + "ACGTA\n>b\n" + "ACGT" * 15 + "K\n")
    done = cli("predict", path, "--device", "cpu")
    assert (done.code, done.err) == (0, "17 IUPAC letters were read as N\n")
    tiled = cli("predict", path, "--device", "cpu", "--tile", 10, "--json")
    assert "17 IUPAC letters" in tiled.err and "note" not in tiled.err


def test_a_name_can_do_nothing_to_a_terminal(cli, registry):
    done = cli("predict", "-", "--device", "cpu", stdin=b">evil\x1b[31m\n" + b"ACGT" * 15 + b"A\n")
    assert done.table[0]["id"] == "evil\ufffd[31m"


def test_a_folder_is_no_input(cli, registry, tmp_path):
    done = cli("predict", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "this is a folder" in done.err
