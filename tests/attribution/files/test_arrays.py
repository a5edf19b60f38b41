from __future__ import annotations

import io
import itertools
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfbs_hub.attribution.files import arrays
from tfbs_hub.attribution.files.arrays import Hdf5, Npz
from tfbs_hub.errors import InputError

EVIL = "x\t\x1b[31m\n[bold]\u202e"


def everything(data):
    """All data sets of an HDF5 file by name, and all attributes."""
    found = {}
    with h5py.File(io.BytesIO(data)) as file:

        def take(name, node):
            found.update({f"{name}.{key}": str(value) for key, value in node.attrs.items()})
            if isinstance(node, h5py.Dataset):
                found[name] = node[:].tolist()

        file.visititems(take)
    return found


def test_npz_gives_the_arrays_back(file_of, made):
    whole, other = (made(["ACG", "T"], [[1, 2, 3], [4]], method=name) for name in ("shiftsmooth", "gradient"))
    with np.load(io.BytesIO(file_of(Npz, [(whole, ())])), allow_pickle=False) as stored:
        assert stored["actual"].tolist() == [[1, 2, 3], [4, 0, 0]] and stored["hypothetical"].shape == (2, 4, 3)
        assert stored["hypothetical"][0, :, 1].tolist() == [0, 2, 0, 0]
        assert stored["ids"].tolist() == ["seq1", "seq2"] and stored["codes"].tolist() == [0, 1, 2, 3]
        assert stored["offsets"].tolist() == [0, 3, 4] and stored["logit"].dtype == np.float32
    with np.load(io.BytesIO(file_of(Npz, [(whole, ()), (other, ())])), allow_pickle=False) as stored:
        assert "moe/gradient/actual" in stored and "moe/shiftsmooth/logit" in stored and "actual" not in stored


def test_npz_takes_hostile_names(file_of, made):
    names = ["", EVIL, "\ud800", "é" * 40]
    data = file_of(Npz, [(made(["A"] * 4, [[1]] * 4, names), ())])
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        assert stored["ids"].tolist() == names


def test_hdf5_describes_itself_and_holds_everything(file_of, placed, made, named):
    other = made(["ACGT", "GTTA", "NNCA", "AA"], [[0] * 4, [0] * 4, [0] * 4, [0] * 2], placed.ids, model="GATA3")
    found = [(placed, [named(1, 0, 4), named(0, 1, 3, None)]), (other, ())]
    data = file_of(Hdf5, found, sequences_of="in.fa")
    assert data == file_of(Hdf5, found, sequences_of="in.fa")
    with h5py.File(io.BytesIO(data)) as file:
        assert (file.attrs["format"], file.attrs["format_version"]) == ("tfbs-hub-attribution", 1)
        assert file.attrs["input"] == "in.fa"
        assert file["sequences/ids"].asstr()[:].tolist() == list(placed.ids)
        offsets = file["sequences/offsets"][:]
        assert file["explanations/0/actual"][offsets[1] : offsets[2]].tolist() == [5, 6, 7, 8]
        assert file["explanations/0/hypothetical"].shape == (14, 4)
        assert file["explanations/0/hypothetical"].fletcher32
        assert file["explanations/1"].attrs["model"] == "GATA3"
        assert file["sequences/chromosome"].asstr()[2] == "chr10" and file["sequences/start"][2] == -2
        table = file["explanations/0/seqlets"]
        assert table["sequence"][:].tolist() == [1, 0] and table["name"].asstr()[:].tolist() == ["Gata3", ""]
        assert np.isnan(table["match_p_value"][1])
        assert len(file["explanations/1/seqlets/start"]) == 0


def test_hdf5_takes_hostile_names(file_of, made):
    with h5py.File(io.BytesIO(file_of(Hdf5, [(made(["A"], [[1]], [EVIL + "\0"]), ())]))) as file:
        assert file["sequences/ids"].asstr()[0] == EVIL + "\ufffd"
        assert "chromosome" not in file["sequences"]


def test_coordinates_may_begin_late(file_of, made):
    bare, placed = made(["AC", "G"], [[1, 2], [3]]), made(["TTT"], [[4, 5, 6]], ["chr3:9-12"])
    found = everything(file_of(Hdf5, [(bare, ())], [(placed, ())], [(bare, ())]))
    assert found["sequences/chromosome"] == [b"", b"", b"chr3", b"", b""]
    assert found["sequences/start"] == [-1, -1, 9, -1, -1]


@settings(max_examples=20)
@given(
    sequences=st.lists(st.text("ACGTN", min_size=1, max_size=7), min_size=1, max_size=6),
    cuts=st.sets(st.integers(1, 5)),
    bases=st.integers(1, 30),
)
def test_parts_are_the_whole(made, named, tmp_path_factory, sequences, cuts, bases):
    rows = [[0.0 if letter == "N" else place + len(row) for place, letter in enumerate(row)] for row in sequences]
    bounds = [0, *sorted(cut for cut in cuts if cut < len(sequences)), len(sequences)]

    def part(low, high):
        some = made(sequences[low:high], rows[low:high], [f"name {at}" for at in range(low, high)], window=8)
        return [(some, [named(at, 0, 1) for at in range(high - low)]), (replace(some, model="other"), ())]

    def written(kind, parts):
        with kind(tmp_path_factory.getbasetemp()) as writer:
            for each in parts:
                writer.add(each)
            return b"".join(writer.pieces())

    whole, parts = [part(0, len(sequences))], [part(*each) for each in itertools.pairwise(bounds)]
    assert everything(written(Hdf5, parts)) == everything(written(Hdf5, whole))
    with pytest.MonkeyPatch.context() as patched:
        expected = written(Npz, whole)
        patched.setattr(arrays, "_BASES", bases)
        found = written(Npz, parts)
    with np.load(io.BytesIO(expected)) as one, np.load(io.BytesIO(found)) as other:
        assert list(one) == list(other)
        for name in one:
            assert one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name])


@pytest.mark.parametrize("kind", [Hdf5, Npz])
def test_no_part_is_no_file(file_of, kind):
    with pytest.raises(InputError, match="no sequence"):
        file_of(kind)
