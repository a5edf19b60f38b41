from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tfbs_hub.errors import IntegrityError
from tfbs_hub.sequences.hdf5_tree import Limits, Tree
from tfbs_hub.sequences.hdf5_wire import Layout, assembled, layout_of, raw_bytes

LIMITS = Limits(size=1 << 20, objects=6, depth=1, records=True)


def handed_over(tree: Tree, limits: Limits = LIMITS) -> Tree:
    data = b"".join(raw_bytes(tree))
    layout = msgspec.msgpack.decode(msgspec.msgpack.encode(layout_of(tree)), type=Layout)
    place = 0

    def fill(memory: memoryview) -> None:
        nonlocal place
        memory[:] = data[place : place + len(memory)]
        place += len(memory)

    got = assembled(layout, fill, limits, limits.size, where="file")
    assert place == len(data)
    return got


KINDS = st.one_of(
    arrays.integer_dtypes(),
    arrays.unsigned_integer_dtypes(),
    arrays.floating_dtypes(sizes=(16, 32, 64)),
    st.lists(
        st.tuples(st.text(min_size=1, max_size=3), st.sampled_from(["S5", "<i4", ">f8", "u1"])),
        min_size=1,
        max_size=3,
        unique_by=lambda column: column[0],
    ).map(np.dtype),
)


@given(kind=KINDS, shape=arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4), data=st.data())
def test_arrays_arrive_to_the_last_bit(kind, shape, data):
    array = np.frombuffer(data.draw(st.binary(min_size=math.prod(shape) * kind.itemsize)), kind, math.prod(shape))
    tree = Tree(arrays={"a": array.reshape(shape), "b": np.arange(3.0)})
    got = handed_over(tree).arrays
    assert list(got) == ["a", "b"]
    assert (got["a"].dtype, got["a"].shape, got["a"].tobytes()) == (kind, shape, array.tobytes())
    assert got["a"].flags.writeable


@given(
    st.dictionaries(
        st.text(max_size=4),
        st.one_of(st.binary(), st.floats(allow_nan=False), st.integers(-(1 << 63), (1 << 64) - 1)),
        max_size=4,
    )
)
def test_attributes_and_groups_arrive_as_they_are(attributes):
    tree = Tree(attributes=attributes, groups={"z": Tree(attributes={"nan": math.nan}), "a": Tree()})
    got = handed_over(tree)
    assert got.attributes == attributes
    assert [type(value) for value in got.attributes.values()] == [type(value) for value in attributes.values()]
    assert list(got.groups) == ["z", "a"]
    assert math.isnan(got.groups["z"].attributes["nan"])


def test_padded_and_strided_arrays_are_packed():
    padded = np.zeros(5, np.dtype({"names": ["a", "b"], "formats": ["u1", "<f8"], "offsets": [0, 8]}))
    padded["b"] = np.arange(5)
    got = handed_over(Tree(arrays={"padded": padded[::2], "column": np.arange(12).reshape(3, 4)[:, 1]})).arrays
    assert got["padded"].dtype.itemsize == 9
    assert got["padded"]["b"].tolist() == [0, 2, 4]
    assert got["column"].tolist() == [1, 5, 9]


def array(columns: object, sides: object) -> list:
    return [{}, {"a": [columns, sides]}, {}]


@pytest.mark.parametrize(
    "layout",
    [
        array([["", "|u1"]], [(1 << 20) + 1]),
        array([["", "<f8"]], [1 << 62, 1 << 62]),
        array([["", "<f8"]], [-1, -1]),
        array([["", "|O8"]], [1]),
        array([["", "|S8"]], [1]),
        array([["", "|V8"]], [1]),
        array([["", "<f7"]], [1]),
        array([["", "<f8,<f8"]], [1]),
        array([], [1]),
        array([["a", "|O"]], [1]),
        array([["a", "<f8"], ["a", "<f8"]], [1]),
        array([["a", "<f8"], ["", "<f8"]], [1]),
        array([["a", "|S999999999"]], [1]),
        [{}, {str(number): [[["", "|u1"]], [1]] for number in range(7)}, {}],
        [{}, {}, {str(number): [{}, {}, {}] for number in range(7)}],
        [{}, {}, {"a": [{}, {}, {"b": [{}, {}, {}]}]}],
        [{"a": b"x" * ((1 << 20) + 1)}, {}, {}],
    ],
)
def test_what_was_not_asked_for_is_refused_before_memory_is_taken(layout):
    def fill(memory: memoryview) -> None:
        pytest.fail("memory was taken")

    with pytest.raises(IntegrityError) as caught:
        assembled(msgspec.convert(layout, Layout), fill, LIMITS, LIMITS.size, where="file")
    assert caught.value.where == "file"


def test_named_columns_only_where_they_belong():
    tree = Tree(arrays={"a": np.zeros(1, [("b", "u1")])})
    assert handed_over(tree).arrays["a"].dtype.names == ("b",)
    with pytest.raises(IntegrityError, match="another kind"):
        handed_over(tree, Limits(1 << 20, 6, 1))
