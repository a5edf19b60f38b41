from __future__ import annotations

from collections.abc import Callable

import h5py
import numpy as np
import pytest

from tfbs_hub.errors import InputError, IntegrityError
from tfbs_hub.sequences.hdf5_tree import Limits, Tree
from tfbs_hub.sequences.safe_hdf5 import build, read_tree, write_array

LIMITS = Limits(size=1 << 20, objects=10, depth=2, records=True)
RECORDS = np.array([(b"a", 1.5, 2)], [("name", "S3"), ("value", "<f8"), ("count", "<i8")])


def read(fill: Callable[[h5py.File], object], limits: Limits = LIMITS, **options) -> Tree:
    return read_tree(build("x", 1, fill, **options), "x", 1, limits, where="file")


@pytest.mark.parametrize("libver", [None, ("v110", "v110")])
def test_what_was_written_is_read(libver):
    long = np.arange(100_000, dtype=np.float64)

    def fill(file: h5py.File) -> None:
        file.attrs["text"] = np.bytes_("größer".encode())
        file.attrs["number"] = np.int64(-3)
        file.attrs["fraction"] = np.float64(0.1)
        group = file.create_group("one/two")
        group.attrs["here"] = np.bytes_(b"x")
        write_array(group, "long", long)
        write_array(group, "none", long[:0])
        write_array(file, "records", RECORDS)

    tree = read(fill, libver=libver)
    assert tree.attributes == {
        "format": b"x",
        "format_version": 1,
        "text": "größer".encode(),
        "number": -3,
        "fraction": 0.1,
    }
    assert tree.arrays["records"].tolist() == RECORDS.tolist()
    assert list(tree.groups) == ["one"]
    inner = tree.groups["one"].groups["two"]
    assert inner.attributes == {"here": b"x"}
    assert inner.arrays["long"].tobytes() == long.tobytes()
    assert inner.arrays["none"].shape == (0,)


def test_attributes_of_variable_length_are_passed_over():
    def fill(file: h5py.File) -> None:
        file.attrs["text"] = "of variable length"
        file.attrs["list"] = [1, 2]
        file.attrs["number"] = 1

    assert read(fill).attributes == {"format": b"x", "format_version": 1, "number": 1}


def refusals():
    def arrays(count: int, size: int = 1, group: str = "") -> Callable[[h5py.File], object]:
        return lambda file: [
            file.create_dataset(f"{group.format(number)}a{number}", (size,), "u1", chunks=(min(size, 1 << 16),))
            for number in range(count)
        ]

    yield arrays(11), LIMITS, "more than 10 objects"
    # Counted over the whole file, not group by group.
    yield arrays(6, group="g{0}/"), LIMITS, "more than 10 objects"
    yield arrays(1, 2 << 20), LIMITS, "more than 1,048,576 bytes"
    yield arrays(4, 300 << 10, "g{0}/"), LIMITS, "more than 1,048,576 bytes"
    yield lambda file: file.create_group("a/b/c"), LIMITS, "/a/b/c: a group that does not belong"
    yield lambda file: write_array(file, "r", RECORDS), Limits(1 << 20, 10, 2), "array of numbers was expected"
    yield lambda file: file.__setitem__("type", np.dtype("f8")), LIMITS, "neither a group nor an array"


@pytest.mark.parametrize(("fill", "limits", "what"), list(refusals()))
def test_what_is_beyond_the_limits_is_refused(fill, limits, what):
    with pytest.raises(IntegrityError, match=what) as caught:
        data = build("x", 1, fill)
        read_tree(data, "x", 1, limits, where="file")
    assert caught.value.where.startswith("file")


def test_another_format_and_another_version():
    data = build("x", 2, lambda file: None)
    with pytest.raises(InputError, match="not a file of format y"):
        read_tree(data, "y", 2, LIMITS, where="file")
    with pytest.raises(InputError, match="format version 2; this tfbs-hub reads 1"):
        read_tree(data, "x", 1, LIMITS, where="file")
