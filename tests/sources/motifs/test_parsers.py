from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tfbs_hub.errors import InputError, NotFoundError
from tfbs_hub.sources.motifs import read_motifs

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies (from uniform background):
A 0.25000 C 0.25000 G 0.25000 T 0.25000

MOTIF MA0001.1 FIRST
letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
 0.100000  0.200000  0.300000  0.400000
 1.000000  0.000000  0.000000  0.000000
URL http://example.org/MA0001.1

MOTIF SECOND

log-odds matrix: alength= 4 w= 1
 -10 20 30 -40
letter-probability matrix: w=1
0.25 0.25 0.25 0.25
"""

JASPAR = """>MA0001.1 FIRST
A  [ 1  5 ]
C  [ 2  0 ]
G  [ 3  0 ]
T  [ 4  0 ]
>MA0002.2
1\t1
1\t1
2\t0
0\t2
"""

COUNTS = arrays.arrays(
    np.float64, st.tuples(st.just(4), st.integers(1, 9)), elements=st.integers(0, 1000).map(float)
).filter(lambda counts: (counts.sum(axis=0) > 0).all())
NAMES = st.lists(st.text("ABCxyz019.:-()", min_size=1, max_size=8), min_size=1, max_size=4)


@pytest.fixture
def written(tmp_path):
    def write(text, name="motifs.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_meme(written):
    first, second = read_motifs(written(MEME, "found.meme"))
    assert (first.id, first.name, first.width, first.sites, first.source) == ("MA0001.1", "FIRST", 2, 20, "found.meme")
    np.testing.assert_allclose(first.probabilities, [[0.1, 1], [0.2, 0], [0.3, 0], [0.4, 0]])
    assert (second.id, second.name, second.sites) == ("SECOND", "SECOND", 0)
    assert second.information().tolist() == [0]


def test_jaspar(written):
    first, second = read_motifs(written(JASPAR))
    assert (first.id, first.name, first.sites) == ("MA0001.1", "FIRST", 10)
    np.testing.assert_allclose(first.probabilities, [[0.1, 1], [0.2, 0], [0.3, 0], [0.4, 0]])
    assert (second.id, second.name) == ("MA0002.2", "MA0002.2")
    np.testing.assert_allclose(second.probabilities, [[0.25, 0.25], [0.25, 0.25], [0.5, 0], [0, 0.5]])


@pytest.mark.parametrize(
    "text",
    [
        "1 5\n2 0\n3 0\n4 0\n",
        "# counts\nA 1 5\nC 2 0\nG 3 0\nT 4 0\n",
        "T: 4 0\nG: 3 0\nC: 2 0\nA: 1 5\n",
        "A | 1e0 5.0E+0\r\nC | 2 0\r\nG | 3 0\r\nT | 4 0\r\n",
        "[1 5]\n[2 0]\n[3 0]\n[4 0]",
    ],
)
def test_a_bare_matrix_is_named_after_its_file(written, text):
    (motif,) = read_motifs(written(text, "mine.pfm"))
    assert (motif.id, motif.name) == ("mine", "mine")
    np.testing.assert_allclose(motif.probabilities, [[0.1, 1], [0.2, 0], [0.3, 0], [0.4, 0]])


@given(st.lists(COUNTS, min_size=1, max_size=4), NAMES)
def test_meme_round_trip(tmp_path_factory, matrices, names):
    text = "MEME version 5.5.2\n\nALPHABET= ACGT\n"
    names = [names[place % len(names)] for place in range(len(matrices))]
    for place, (counts, name) in enumerate(zip(matrices, names, strict=True)):
        share = counts / counts.sum(axis=0)
        rows = "\n".join(" ".join(f"{value:.6f}" for value in column) for column in share.T)
        text += (
            f"\nMOTIF M{place} {name}\nletter-probability matrix: alength= 4 w= {len(share.T)} nsites= 7 E= 0\n{rows}\n"
        )
    path = tmp_path_factory.mktemp("meme") / "some.meme"
    path.write_text(text)
    motifs = read_motifs(path)
    assert [(motif.id, motif.name) for motif in motifs] == [(f"M{place}", name) for place, name in enumerate(names)]
    for motif, counts in zip(motifs, matrices, strict=True):
        np.testing.assert_allclose(motif.probabilities, counts / counts.sum(axis=0), atol=1e-5)


@given(COUNTS, st.booleans(), st.permutations(range(4)))
def test_jaspar_round_trip(tmp_path_factory, counts, lettered, order):
    order = order if lettered else range(4)
    lines = [
        " ".join([*(["ACGT"[row], "["] if lettered else []), *map(str, counts[row]), "]" * lettered]) for row in order
    ]
    path = tmp_path_factory.mktemp("jaspar") / "some.jaspar"
    path.write_text("\n".join([">M1 NAME", *lines]))
    (motif,) = read_motifs(path)
    np.testing.assert_allclose(motif.probabilities, counts / counts.sum(axis=0))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("MEME version 4\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n", 2, "only motifs of DNA"),
        ("MEME version 4\nALPHABET= ACGU\n", 2, "only motifs of DNA"),
        ("MEME version 4\nMOTIF\n", 2, "needs a name"),
        ("MEME version 4\nletter-probability matrix: w= 1\n.25 .25 .25 .25\n", 2, "without a MOTIF"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: alength= 20 w= 1\n", 3, "not 20"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix:\n", 3, "needs its width"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: w= 0\n", 3, "no rows"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: w= 2\n.25 .25 .25 .25\n", 3, "1 rows, 2 were announced"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: w= 1\n.25 .25 .5\n", 4, "4 probabilities"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: w= 1\n.5 .5 .5 .5\n", 4, "sum 1"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: w= 1\n.5 .5 -.5 .5\n", 4, "sum 1"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: w= 1\n.5 .5 x 0\n", 4, "not numbers"),
        ("MEME version 4\nMOTIF M\nletter-probability matrix: w= 1\ninf 0 0 0\n", 4, "infinite"),
        (">M\n1 2\n1 2\n1 2\n", 1, "no row for T"),
        (">M\nA 1 2\nC 1 2\nG 1 2\nA 1 2\n", 5, "second row for A"),
        (">M\n1 2\n1 2\n1 2\n1 2\n1 2\n", 6, "fifth"),
        (">M\n1 2\n1 2\n1 2\n1 2 3\n", 1, "differ in length"),
        (">M\n1 2\n1 2\n1 2\n-1 2\n", 1, "negative"),
        (">M\n1 0\n1 0\n1 0\n1 0\n", 1, "column 2"),
        (">\n1 0\n", 1, "needs a name"),
        (">M\n1 2\n1 zwei\n", 3, "not a motif file"),
        (">M\n1 2\n1 2-3-\n", 3, "not numbers"),
        ("ACGTACGT\n", 1, "not a motif file"),
    ],
)
def test_errors_name_the_line(written, text, line, said):
    path = written(text)
    with pytest.raises(InputError, match=said) as caught:
        read_motifs(path)
    assert caught.value.where == f"{path}:{line}"


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "MEME version 4\n", MEME.partition("MOTIF")[0]])
def test_files_without_a_motif(written, text):
    with pytest.raises(InputError, match="no motif"):
        read_motifs(written(text))


def test_a_hostile_line_is_refused_at_once(written):
    with pytest.raises(InputError, match="not a motif file"):
        read_motifs(written("e1" * 100_000 + "x"))


def test_files_that_are_not_text(written, tmp_path):
    with pytest.raises(InputError, match="not a motif file"):
        read_motifs(written(b"\x1f\x8b\xff\x00"))
    with pytest.raises(NotFoundError, match="no such motif file"):
        read_motifs(tmp_path / "missing.meme")
    with pytest.raises(InputError, match="this is a folder"):
        read_motifs(tmp_path)


@given(st.binary(max_size=200) | st.text("ACGT>[] 0123456789.-MOTIFMEMEversion\n", max_size=200).map(str.encode))
def test_nothing_but_an_input_error_escapes(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("junk") / "junk"
    path.write_bytes(data)
    try:
        assert read_motifs(path)
    except InputError as error:
        assert str(path) in str(error)
