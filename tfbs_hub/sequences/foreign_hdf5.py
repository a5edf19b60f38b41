"""HDF5 from elsewhere: read in a process of its own, so that a file made for it can crash or hang only that.

What is foreign: data sets and evaluations that a user names, the evaluations in a registry (no digest of theirs is
kept), gate sets in packages and in bundles that are imported. What is not: gate sets of the user's own registry, whose
digests its generations record, and the finished parts of an evaluation in the user's own cache, which are named by
theirs; these are read by `safe_hdf5.read_tree`, in this process, after their digest was checked.

The process has limits on memory, on processor time and on the time it takes, and can open no file (`hdf5_child`); it
runs as the same user all the same, so this keeps tfbs-hub alive and is no sandbox.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from tfbs_hub.errors import InputError, IntegrityError, TfbsHubError
from tfbs_hub.files import storage_error
from tfbs_hub.limits import (
    HDF5_BYTES_PER_SECOND,
    HDF5_MEMORY_BYTES,
    HDF5_SECONDS,
    HDF5_START_SECONDS,
    MAX_ANSWER_BYTES,
)
from tfbs_hub.sequences.hdf5_tree import Limits, Tree, check_start
from tfbs_hub.sequences.hdf5_wire import PREFIX, READY, Answer, Layout, Request, assembled, framed, length_of

__all__ = ["ForeignReader", "read_foreign"]

_CHILD: Final = "import sys; sys.path[:] = sys.argv[1:]; from tfbs_hub.sequences.hdf5_child import main; main()"
_AGAIN: Final = "get the file again from where it came, or make it again"
_ERRORS: Final = {error.__name__: error for error in (InputError, IntegrityError)}


class _EndedError(Exception):
    """The process has ended before it answered; never leaves this module."""


class ForeignReader:
    """A process that reads files from elsewhere, one after another; as a context manager it does not outlive its block.

    It is started for the first file, and again for the next after one that it did not survive.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):  # what it was not told any more
                        stream.close()
            process.wait()

    def read(self, data: bytes, kind: str, version: int, limits: Limits, *, where: str) -> Tree:
        """Everything in a file, given its bytes; arguments as of `safe_hdf5.read_tree`.

        Raises:
            InputError: not a file of this format, or of another version of it.
            IntegrityError: too large, damaged, or made to do harm: also if reading it crashes, or takes too much time
                or memory.
            TfbsHubError: the process cannot be started.
        """
        check_start(data, limits, where)
        process = self._process = self._process or _started()
        seconds = HDF5_SECONDS + len(data) / HDF5_BYTES_PER_SECOND
        unpacked = limits.unpacked(len(data))
        request = Request(len(data), kind, version, limits, seconds, HDF5_MEMORY_BYTES + 2 * len(data) + unpacked)
        answered = False
        try:
            with _deadline(process, seconds) as late:
                _send(process, framed(request), data)
                answer = _received(process)
                layout = Layout({}, {}, {}) if answer.layout is None else answer.layout
                tree = assembled(layout, lambda memory: _fill(process, memory), limits, unpacked, where=where)
                answered = True
        except _EndedError as ended:
            raise IntegrityError(f"damaged: {_death(process, late=late.is_set())}", where=where, hint=_AGAIN) from ended
        except msgspec.MsgspecError as error:
            raise IntegrityError("damaged: it made the HDF5 reader talk nonsense", where=where, hint=_AGAIN) from error
        finally:
            if not answered:
                self.close()
        if answer.error is not None:
            name, what, place, hint = answer.error
            raise _ERRORS.get(name, IntegrityError)(what, where=f"{where}{place}", hint=hint)
        return tree


def read_foreign(data: bytes, kind: str, version: int, limits: Limits, *, where: str) -> Tree:
    """Everything in one file from elsewhere, read in a process of its own; as `ForeignReader.read`."""
    with ForeignReader() as reader:
        return reader.read(data, kind, version, limits, where=where)


def _started() -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HDF5_")}
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter and our own module
            # -I: neither the current folder nor the environment says what is imported; what we have imported does.
            [sys.executable, "-I", "-c", _CHILD, *(str(Path(part).absolute()) for part in sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # "::" turns the loading of HDF5 plug-ins off; one thread takes little memory.
            env={**kept, "HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            cwd="/",
            # A Ctrl-C of the terminal reaches us alone, and we end it.
            start_new_session=True,
        )
    except OSError as error:
        raise storage_error(error, "a process to read HDF5") from error
    ready = False
    try:
        with _deadline(process, HDF5_START_SECONDS):
            if _taken(process, len(READY)) != READY:
                raise _EndedError
            ready = True
    except _EndedError as ended:
        raise TfbsHubError(
            "the process that reads HDF5 files cannot be started",
            hint="does `python -I -c 'import h5py'` work? A limit on memory (ulimit -v) may be too low",
        ) from ended
    finally:
        if not ready:
            process.kill()
            process.communicate()
    return process


@contextmanager
def _deadline(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Kill a process after some time; the event says whether that was done."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _send(process: subprocess.Popen[bytes], *parts: bytes) -> None:
    try:
        for part in parts:
            _stream(process.stdin).write(part)
        _stream(process.stdin).flush()
    except BrokenPipeError as error:
        raise _EndedError from error


def _received(process: subprocess.Popen[bytes]) -> Answer:
    size = length_of(_taken(process, PREFIX))
    if size > MAX_ANSWER_BYTES:
        raise msgspec.ValidationError("an answer that is too long")
    return msgspec.msgpack.decode(_taken(process, size), type=Answer)


def _taken(process: subprocess.Popen[bytes], size: int) -> bytes:
    data = _stream(process.stdout).read(size)
    if len(data) < size:
        raise _EndedError
    return data


def _fill(process: subprocess.Popen[bytes], memory: memoryview) -> None:
    while memory:
        count = _stream(process.stdout).readinto(memory)  # type: ignore[attr-defined]
        if not count:
            raise _EndedError
        memory = memory[count:]


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise _EndedError
    return stream


def _death(process: subprocess.Popen[bytes], *, late: bool) -> str:
    code = process.wait()
    if late or code == -signal.SIGXCPU:
        return "the HDF5 reader took too long over it and was stopped"
    if code < 0:
        return f"it crashed the HDF5 reader ({signal.Signals(-code).name})"
    return f"it made the HDF5 reader end (exit status {code})"
