"""How one process hands to another what it found in an HDF5 file.

A request is a `Request` and the file's bytes. An answer is an `Answer` and the bytes of the arrays, in the order of its
layout. Before each message stands its length, eight bytes, the lowest first. Whoever receives an answer believes
nothing: what it promises is checked before memory is taken for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import numpy as np

from tfbs_hub.errors import IntegrityError
from tfbs_hub.sequences.hdf5_tree import Limits, Tree

__all__ = [
    "PREFIX",
    "READY",
    "Answer",
    "Layout",
    "Request",
    "assembled",
    "framed",
    "layout_of",
    "length_of",
    "raw_bytes",
]

READY: Final = b"tfbs-hub-hdf5 1\n"
"""What the process that reads says first."""
PREFIX: Final = 8
"""Bytes of a message's length."""
_KIND: Final = re.compile(r"[<>|][iufS][0-9]{1,9}")


class Request(msgspec.Struct, array_like=True):
    """What to read.

    Attributes:
        size: bytes of the file.
        kind, version, limits: arguments of `read_tree`.
        seconds: processor time that may be spent on it.
        memory: bytes of address space that the process may take meanwhile.
    """

    size: int
    kind: str
    version: int
    limits: Limits
    seconds: float
    memory: int


class _Shape(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """An array without its values: its columns by name (a single one without a name: plain numbers), and its sides."""

    columns: list[tuple[str, str]]
    sides: list[int]


class Layout(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A tree without the values of its arrays."""

    attributes: dict[str, bytes | int | float]
    arrays: dict[str, _Shape]
    groups: dict[str, Layout]


class Answer(msgspec.Struct, array_like=True):
    """What was found: a layout, or an error.

    Attributes:
        layout: of the tree; None if there is an error.
        error: the name of its class, what is wrong, where in the file (what follows the file's name), and a hint.
    """

    layout: Layout | None = None
    error: tuple[str, str, str, str | None] | None = None


def framed(message: msgspec.Struct) -> bytes:
    """A message with its length before it."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(PREFIX, "little") + data


def length_of(prefix: bytes) -> int:
    """The length of the message behind a prefix."""
    return int.from_bytes(prefix, "little")


def layout_of(tree: Tree) -> Layout:
    """The layout of a tree; `raw_bytes` gives what it leaves out."""
    return Layout(
        attributes=tree.attributes,
        arrays={name: _Shape(_columns(array.dtype), list(array.shape)) for name, array in tree.arrays.items()},
        groups={name: layout_of(group) for name, group in tree.groups.items()},
    )


def raw_bytes(tree: Tree) -> Iterator[memoryview]:
    """The bytes of all arrays, row by row and column by column, in the order in which `assembled` asks for them."""
    for array in tree.arrays.values():
        if array.nbytes:
            packed = np.ascontiguousarray(array, dtype=_dtype(_columns(array.dtype)))
            yield packed.reshape(-1).view(np.uint8).data
    for group in tree.groups.values():
        yield from raw_bytes(group)


def assembled(layout: Layout, fill: Callable[[memoryview], None], limits: Limits, unpacked: int, *, where: str) -> Tree:
    """The tree of a layout that somebody else has made.

    Args:
        layout: what the arrays shall be.
        fill: fills memory with the next bytes.
        limits: of the file.
        unpacked: bytes that all arrays and attributes may have.
        where: names the file in errors.

    Raises:
        IntegrityError: the layout is none that these limits allow; said before anything is filled.
    """
    check = _Check(limits, where)
    check.group(layout, 0)
    if check.size > unpacked:
        raise IntegrityError(f"arrays of more than {unpacked:,} bytes", where=where)
    return _filled(layout, fill)


class _Check:
    """One look at a layout, counting what it promises."""

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits = limits
        self._where = where
        self._objects = 0
        self.size = 0

    def group(self, layout: Layout, depth: int) -> None:
        self._objects += len(layout.arrays) + len(layout.groups)
        if self._objects > self._limits.objects or depth > self._limits.depth:
            raise IntegrityError("more groups or arrays than belong here", where=self._where)
        self.size += sum(len(value) for value in layout.attributes.values() if isinstance(value, bytes))
        for shape in layout.arrays.values():
            self._array(shape)
        for group in layout.groups.values():
            self.group(group, depth + 1)

    def _array(self, shape: _Shape) -> None:
        plain = len(shape.columns) == 1 and not shape.columns[0][0] and shape.columns[0][1][1:2] != "S"
        named = all(name for name, _ in shape.columns)
        fits = bool(shape.columns) and all(_KIND.fullmatch(kind) for _, kind in shape.columns)
        if not fits or not (plain or (named and self._limits.records)) or any(side < 0 for side in shape.sides):
            raise IntegrityError("an array of another kind than belongs here", where=self._where)
        try:
            kind = _dtype(shape.columns)
        except (TypeError, ValueError) as error:
            raise IntegrityError("an array of another kind than belongs here", where=self._where) from error
        # Python's whole numbers: a product of hostile sizes does not overflow.
        self.size += math.prod(shape.sides) * int(kind.itemsize)


def _columns(kind: np.dtype[Any]) -> list[tuple[str, str]]:
    return [("", kind.str)] if kind.names is None else [(name, kind[name].str) for name in kind.names]


def _dtype(columns: list[tuple[str, str]]) -> np.dtype[Any]:
    return np.dtype(columns if columns[0][0] else columns[0][1])


def _filled(layout: Layout, fill: Callable[[memoryview], None]) -> Tree:
    tree = Tree(attributes=dict(layout.attributes))
    for name, shape in layout.arrays.items():
        kind = _dtype(shape.columns)
        size = math.prod(shape.sides) * kind.itemsize
        raw = np.empty(size, np.uint8)
        if size:
            fill(raw.data)
        tree.arrays[name] = raw.view(kind).reshape(shape.sides) if size else np.empty(shape.sides, kind)
    for name, group in layout.groups.items():
        tree.groups[name] = _filled(group, fill)
    return tree
