from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, UsageError
from tfbs_hub.sources.encode_index import EncodeFile, choose, is_encode_name, near, parse_name, parse_sums, pinned

WORD = st.text("ABCXYZabcxyz0123456789-.()", min_size=1, max_size=8)
ANTIBODY = st.lists(WORD, min_size=1, max_size=3).map("_".join)


@given(tf=WORD, cell=WORD, antibody=ANTIBODY, lab=WORD, part=st.sampled_from(["AC", "B"]))
def test_a_name_is_read_as_it_was_written(tf, cell, antibody, lab, part):
    name = f"{tf}_{cell}_{antibody}_{lab}_{part}.seq.gz"
    file = parse_name(name)
    assert file == EncodeFile(name, tf, cell, antibody, lab, part)
    assert file.of_part("AC").of_part(part) == file
    assert file.of_part("B").experiment == file.experiment == f"{tf}_{cell}_{antibody}_{lab}"


@pytest.mark.parametrize(
    ("name", "tf", "cell", "antibody", "lab", "part"),
    [
        ("ARID3A_K562_ARID3A_(sc-8821)_Stanford_AC.seq.gz", "ARID3A", "K562", "ARID3A_(sc-8821)", "Stanford", "AC"),
        ("MYC_H1-hESC_c-Myc_Stanford_B.seq.gz", "MYC", "H1-hESC", "c-Myc", "Stanford", "B"),
        ("POLR2A_A549_Pol2_UT-A_B.seq.gz", "POLR2A", "A549", "Pol2", "UT-A", "B"),
    ],
)
def test_real_names(name, tf, cell, antibody, lab, part):
    assert parse_name(name) == EncodeFile(name, tf, cell, antibody, lab, part)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "README.md",
        "TF_cell_lab_AC.seq.gz",
        "A_B_C_D_E.seq.gz",
        "A_B_C_D_AC.seq",
        "../A_B_C_D_AC.seq.gz",
        "A_B_C_D_AC.seq.gz\n",
    ],
)
def test_other_names_are_refused(name):
    assert not is_encode_name(name)
    with pytest.raises(InputError, match="not the name of a file"):
        parse_name(name)


def test_pinned_digests():
    assert len(pinned()) == 32
    assert all(is_encode_name(name) for name in pinned())
    assert list(pinned()) == sorted(pinned())
    assert pinned()["STAT3_HeLa-S3_STAT3_Stanford_B.seq.gz"].startswith("58241d49f710")


def test_pinned_digests_are_those_of_the_files(encode_folder):
    sums = parse_sums((encode_folder / "SHA256SUMS").read_text(), "SHA256SUMS")
    assert {path.rpartition("/")[2]: digest for path, digest in sums.items()} == dict(pinned())


def test_sums():
    text = f"{'a' * 64}  train/x y.seq.gz\n\n{'b' * 64} *./z\n"
    assert parse_sums(text, "here") == {"train/x y.seq.gz": "a" * 64, "z": "b" * 64}


@pytest.mark.parametrize(
    "line", ["abc  file", f"{'a' * 64} file", f"{'a' * 64}  ../file", f"{'a' * 64}  /etc/passwd", f"{'A' * 64}  file"]
)
def test_sums_that_are_wrong_or_lead_elsewhere(line):
    with pytest.raises(IntegrityError) as caught:
        parse_sums(f"{'a' * 64}  good\n{line}\n", "SHA256SUMS")
    assert caught.value.where == "SHA256SUMS:2"


def files(*experiments):
    return [parse_name(f"{experiment}_AC.seq.gz") for experiment in experiments]


HEPG2, K562, K562_TOO = "T_HepG2_T_Stanford", "T_K562_T_(sc-1)_Stanford", "T_K562_T_Broad"


def test_one_candidate_needs_no_choice():
    assert choose(files(HEPG2)).experiment == HEPG2


def test_several_candidates_list_the_choices():
    with pytest.raises(UsageError, match="several experiments") as caught:
        choose(files(HEPG2, K562, K562_TOO))
    assert caught.value.exit_code == 2
    assert caught.value.hint.splitlines() == [
        "choose one of:",
        "  --cell HepG2",
        "  --cell K562 --file 'T_K562_T_(sc-1)_Stanford'",
        "  --cell K562 --file T_K562_T_Broad",
    ]


@pytest.mark.parametrize(
    ("cell", "file", "chosen"),
    [
        ("hepg2", None, HEPG2),
        ("K562", "T_K562_T_Broad", K562_TOO),
        (None, f"{K562}_AC.seq.gz", K562),
        (None, f"{K562}_B.seq.gz", K562),
        (None, "t_k562_t_b", K562_TOO),
    ],
)
def test_every_listed_choice_chooses(cell, file, chosen):
    assert choose(files(HEPG2, K562, K562_TOO), cell, file).experiment == chosen


def test_exact_name_wins_over_a_longer_one():
    assert choose(files("T_K562_T_Broad2", "T_K562_T_Broad"), None, "T_K562_T_Broad").experiment == "T_K562_T_Broad"


def test_cell_or_file_that_is_not_there():
    with pytest.raises(NotFoundError, match="not measured in 'HeLa'") as caught:
        choose(files(HEPG2, K562), cell="HeLa")
    assert "HepG2, K562" in caught.value.hint
    with pytest.raises(NotFoundError, match="no file 'U_x'") as caught:
        choose(files(HEPG2, K562), file="U_x")
    assert "--cell K562" in caught.value.hint


def test_near_names():
    known = ["GATA3", "GATA1", "STAT3", "CTCF"]
    assert near("gatta3", known) == "did you mean GATA3, GATA1?"
    assert near("zzz", known) == ""
