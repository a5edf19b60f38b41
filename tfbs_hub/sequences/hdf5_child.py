"""The process in which an HDF5 file from elsewhere is read: `foreign_hdf5` starts it and talks to it.

It says `READY` once everything it needs is loaded and it has given up what it does not: from then on it can open no
file, start no process, write no file and leave no core dump. Then it answers requests until its stdin ends, as
`hdf5_wire` says. If a file makes the HDF5 library crash, hang or take too much memory, this process alone comes to an
end.
"""

from __future__ import annotations

import math
import resource
import sys
from contextlib import suppress
from typing import BinaryIO, Final

import msgspec
import numpy as np

from tfbs_hub.errors import InputError, IntegrityError
from tfbs_hub.sequences.hdf5_tree import Limits, Tree
from tfbs_hub.sequences.hdf5_wire import PREFIX, READY, Answer, Request, framed, layout_of, length_of, raw_bytes
from tfbs_hub.sequences.safe_hdf5 import build, read_tree, write_array

__all__ = ["confine", "main"]

# No descriptor beyond stdin, stdout and stderr: nothing can be opened any more, whatever a file asks for.
_DESCRIPTORS: Final = 3


def main() -> None:
    """Answer requests on stdin until it ends."""
    confine()
    output = sys.stdout.buffer
    output.write(READY)
    output.flush()
    while prefix := sys.stdin.buffer.read(PREFIX):
        request = msgspec.msgpack.decode(sys.stdin.buffer.read(length_of(prefix)), type=Request)
        _answer(request, sys.stdin.buffer.read(request.size), output)
        output.flush()


def confine() -> None:
    """Give up what is not needed to read from memory, for good."""
    _read_one()
    _cap(resource.RLIMIT_CORE, 0)
    _cap(resource.RLIMIT_FSIZE, 0)
    _cap(resource.RLIMIT_NPROC, 0)
    _cap(resource.RLIMIT_NOFILE, _DESCRIPTORS)


def _read_one() -> None:
    """Read a small file, so that whatever Python or HDF5 loads at the first use is loaded."""
    data = build("warm-up", 1, lambda file: write_array(file, "a/b", np.zeros(3, [("name", "S1"), ("value", "<f8")])))
    tree = read_tree(data, "warm-up", 1, Limits(len(data), 8, 2, records=True), where="")
    framed(Answer(layout_of(tree)))
    list(raw_bytes(tree))


def _cap(kind: int, value: int) -> None:
    """Lower a limit, of which no more than the one in force can be had; never to be raised again."""
    _, most = resource.getrlimit(kind)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(kind, (value, value))


def _allow(kind: int, value: int) -> None:
    """Set the present limit; a later call may set another one."""
    _, most = resource.getrlimit(kind)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    # Not every system knows every limit; the one on time, which whoever started us watches, is left then.
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, most))


def _answer(request: Request, data: bytes, output: BinaryIO) -> None:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    _allow(resource.RLIMIT_CPU, math.ceil(spent.ru_utime + spent.ru_stime + request.seconds) + 1)
    _allow(resource.RLIMIT_AS, request.memory)
    answer, tree = _read(request, data)
    output.write(framed(answer))
    for piece in raw_bytes(tree):
        output.write(piece)


def _read(request: Request, data: bytes) -> tuple[Answer, Tree]:
    try:
        tree = read_tree(data, request.kind, request.version, request.limits, where="")
    except (InputError, IntegrityError) as error:
        return Answer(error=(type(error).__name__, error.what, error.where or "", error.hint)), Tree()
    except MemoryError:
        return Answer(error=("IntegrityError", "damaged: reading it takes too much memory", "", None)), Tree()
    return Answer(layout_of(tree)), tree
