from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tfbs_hub.cards import DataFile
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, TfbsHubError
from tfbs_hub.sequences import hdf5, readers
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.hdf5 import from_bytes, open_dataset, save, to_bytes


@pytest.fixture
def dataset(random_codes) -> SequenceDataset:
    return SequenceDataset(
        codes=random_codes(3000, 101, letters=5),
        labels=np.arange(3000, dtype=np.int8) % 2,
        ids=["", "größer\n", *(f"id {row}" for row in range(2998))],
        files=(DataFile(name="x.seq.gz", sha256="a" * 64, rows=3000),),
        source="encode",
        simulated=True,
        ambiguous=17,
        note="a note",
    )


def test_a_data_set_comes_back_as_it_was(dataset: SequenceDataset, tmp_path: Path) -> None:
    split = (np.arange(3000) % 5 == 0).astype(np.int8)
    matrix = np.arange(6000, dtype=np.float32).reshape(3000, 2)
    path = tmp_path / "set.h5"
    save(dataset, path, arrays={"split": split, "matrix": matrix})
    back, arrays = open_dataset(path)
    assert np.array_equal(back.codes, dataset.codes)
    assert np.array_equal(back.labels, dataset.labels)
    for name in ("ids", "files", "source", "simulated", "ambiguous", "note", "digest"):
        assert getattr(back, name) == getattr(dataset, name)
    assert sorted(arrays) == ["matrix", "split"]
    assert arrays["split"].dtype == np.int8
    assert np.array_equal(arrays["split"], split)
    assert np.array_equal(arrays["matrix"], matrix)
    assert [each.name for each in tmp_path.iterdir()] == ["set.h5"]


def test_unlabelled_and_tiny() -> None:
    tiny = SequenceDataset(np.zeros((1, 1), np.uint8), None, ["a"])
    back, arrays = from_bytes(to_bytes(tiny), where="x")
    assert back.labels is None
    assert back.ids == ["a"]
    assert arrays == {}


def test_equal_data_gives_equal_bytes_at_any_time(dataset: SequenceDataset) -> None:
    arrays = {"b": np.arange(3000), "a": np.ones(3000)}
    first = to_bytes(dataset, arrays=arrays)
    time.sleep(1.1)
    assert to_bytes(dataset, arrays=dict(reversed(arrays.items()))) == first


def test_the_file_says_what_it_is_and_every_array_has_checksums(dataset: SequenceDataset, tmp_path: Path) -> None:
    save(dataset, tmp_path / "a.h5", arrays={"split": np.zeros(3000, np.int8)})
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert file.attrs["format"] == b"tfbs-hub-sequences"
        assert file.attrs["format_version"] == 1
        arrays = []
        file.visititems(lambda name, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        assert {item.name for item in arrays} == {"/codes", "/labels", "/ids", "/origin", "/arrays/split"}
        assert all(item.fletcher32 for item in arrays)


def test_flipped_bits_in_the_data_are_seen(dataset: SequenceDataset, reader) -> None:
    data = to_bytes(dataset)
    rng = np.random.default_rng(0)
    with h5py.File(h5py.h5f.open_file_image(data)) as file:
        chunks = [file["codes"].id.get_chunk_info(number) for number in range(file["codes"].id.get_num_chunks())]
    for chunk in chunks:
        broken = bytearray(data)
        broken[chunk.byte_offset + int(rng.integers(chunk.size))] ^= 1 << int(rng.integers(8))
        with pytest.raises(IntegrityError, match="damaged") as caught:
            from_bytes(bytes(broken), where="set.h5", read=reader.read)
        assert caught.value.where == "set.h5"


@pytest.mark.parametrize(
    ("change", "arrays"),
    [
        ({"codes": np.empty((0, 9), np.uint8), "ids": [], "labels": None}, {}),
        ({"ids": ["a\0b", *["x"] * 2999]}, {}),
        ({}, {"split": np.zeros(7)}),
        ({}, {"../split": np.zeros(3000)}),
        ({}, {"split": np.array(["x"] * 3000)}),
    ],
)
def test_what_cannot_be_saved(dataset: SequenceDataset, change: dict, arrays: dict) -> None:
    from dataclasses import replace

    with pytest.raises(InputError):
        to_bytes(replace(dataset, **change), arrays=arrays)


def test_not_there_and_not_hdf5(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_dataset(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("ACGT")
    with pytest.raises(InputError, match="not an HDF5 file"):
        open_dataset(tmp_path / "text.h5")


def change(dataset: SequenceDataset, tmp_path: Path, edit: Callable[[h5py.File], object]) -> Path:
    path = tmp_path / "foreign.h5"
    path.write_bytes(to_bytes(dataset))
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def replaced(name: str, **options) -> Callable[[h5py.File], object]:
    def edit(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **options)

    return edit


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(3000, 101), dtype=np.uint8)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(3000, 101))
    del file["codes"]
    file.create_virtual_dataset("codes", layout)


def linked(link: object) -> Callable[[h5py.File], object]:
    def edit(file: h5py.File) -> None:
        del file["codes"]
        file["codes"] = link

    return edit


def unknown_filter(file: h5py.File) -> None:
    del file["codes"]
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((3000, 101))
    settings.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(file.id, b"codes", h5py.h5t.STD_U8LE, h5py.h5s.create_simple((3000, 101)), settings)


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (linked(h5py.ExternalLink("/etc/passwd", "x")), "link to another place"),
        (linked(h5py.SoftLink("/labels")), "link to another place"),
        (virtual, "another file"),
        (replaced("codes", shape=(3000, 101), dtype="u1", external=[("/etc/passwd", 0, 303_000)]), "another file"),
        (unknown_filter, "filter"),
        (replaced("codes", shape=(1 << 40, 101), dtype="u1", chunks=(1, 101)), "more than"),
        (replaced("codes", shape=(1 << 33,), dtype="u1"), "more than"),
        (replaced("codes", shape=(20 << 20, 1), dtype="u1", chunks=(20 << 20, 1)), "chunks"),
        (replaced("codes", data=np.zeros((3000, 101), "i8")), "uint8"),
        (replaced("codes", data=np.full((3000, 101), 9, "u1")), "0 to 4"),
        (replaced("codes", data=np.zeros((2999, 101), "u1")), "rows"),
        (replaced("codes", data="text"), "array of numbers"),
        (replaced("labels", data=np.full(3000, 2, "i1")), "labels"),
        (replaced("ids", data=np.full(9, 255, "u1")), "ids or origin"),
        (replaced("origin", data=np.frombuffer(b'{"files":[]}', "u1")), "ids or origin"),
        (lambda file: file.__delitem__("ids"), "arrays of this format"),
        (lambda file: file.create_group("more"), "does not belong"),
        (lambda file: file.create_group("arrays/deep"), "does not belong"),
        (lambda file: file.create_dataset("arrays", data=[1]), "arrays of this format"),
        (lambda file: [file.create_dataset(f"a{n}", data=[1]) for n in range(70)], "objects"),
        (lambda file: file.attrs.__setitem__("format_version", 2), "version 2"),
        (lambda file: file.attrs.__setitem__("format", "x"), "not a file of format"),
        (lambda file: file.attrs.__delitem__("format"), "not a file of format"),
    ],
)
def test_foreign_files_are_refused_for_what_they_are(dataset, tmp_path: Path, reader, edit, what: str) -> None:
    path = change(dataset, tmp_path, edit)
    with pytest.raises(TfbsHubError, match=what) as caught:
        open_dataset(path, read=reader.read)
    assert caught.value.exit_code in {2, 4}
    assert str(path) in caught.value.where


def test_a_file_that_is_too_large_is_not_read(dataset: SequenceDataset, tmp_path: Path, monkeypatch) -> None:
    save(dataset, tmp_path / "a.h5")
    monkeypatch.setattr(hdf5, "MAX_STORED_BYTES", 1000)
    with pytest.raises(IntegrityError, match="may have 1000 bytes"):
        open_dataset(tmp_path / "a.h5")


def test_readers_take_a_data_set_with_all_it_says_of_its_origin(tmp_path):
    dataset = SequenceDataset(
        codes=np.arange(40, dtype=np.uint8).reshape(8, 5) % 5,
        labels=np.array([1, 0] * 4, np.int8),
        ids=[f"row{row}" for row in range(8)],
        files=(DataFile(name="peaks.fa", sha256="a" * 64, rows=8),),
        cell="K562",
        licence="free",
        citation="somebody",
    )
    hdf5.save(dataset, tmp_path / "set.h5")
    whole = readers.load(tmp_path / "set.h5")
    assert (whole.codes == dataset.codes).all()
    assert (whole.labels == dataset.labels).all()
    told = ("ids", "files", "cell", "licence", "citation")
    assert [getattr(whole, name) for name in told] == [getattr(dataset, name) for name in told]
    assert len(readers.load(tmp_path / "set.h5", max_rows=3)) == 3
    batches = list(readers.read_batches(tmp_path / "set.h5", rows=3))
    assert [len(batch) for batch in batches] == [3, 3, 2]
    assert np.concatenate([batch.bases for batch in batches]).tolist() == dataset.codes.ravel().tolist()
