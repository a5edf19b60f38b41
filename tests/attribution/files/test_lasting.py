"""HDF5 crashes the process if it cannot write while it closes a file; so it never learns that it cannot."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.attribution.files.lasting import LastingFile

_FULL_DISK = """
import resource, sys, tempfile
from pathlib import Path
import numpy as np
from tfbs_hub.attribution.files.arrays import Hdf5
from tfbs_hub.attribution.tracks import Explanation

noise = np.random.default_rng(0)
def part(rows, length=101):
    bases = rows * length
    return Explanation("moe", "gradient", tuple(map(str, range(rows))), np.arange(rows + 1) * length,
        noise.integers(0, 5, bases).astype(np.uint8), noise.random(bases, np.float32),
        noise.random((bases, 4), np.float32), noise.random(bases, np.float32), length)

for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with Hdf5(Path(sys.argv[1])) as writer:
            for _ in range(3):
                writer.add([(part(300), ())])
            size = sum(map(len, writer.pieces()))
        print("whole", size)
    except OSError as error:
        print("refused", error.errno)
"""


def test_a_disk_that_is_full_at_any_byte_is_an_error_and_no_crash(tmp_path):
    limits = [0, 1, 95, 96, 500, 1000, 2000, 4096, 10_000, 50_000, 200_000, 500_000, 900_000, 1 << 30]
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path), *map(str, limits)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    *refused, whole = done.stdout.splitlines()
    assert refused == [f"refused {errno.EFBIG}"] * (len(limits) - 1)
    assert whole.startswith("whole ") and int(whole.split()[1]) > limits[-2]


_INTERRUPTED = """
import signal, sys
from pathlib import Path
import numpy as np
from tfbs_hub.attribution.files.arrays import Hdf5
from tfbs_hub.attribution.files.lasting import LastingFile
from tfbs_hub.attribution.tracks import Explanation

calls, write = 0, LastingFile.write
def counted(self, data):
    global calls
    calls += 1
    if calls == at:
        signal.raise_signal(signal.SIGINT)
    return write(self, data)
LastingFile.write = counted

part = Explanation("moe", "gradient", ("a",), np.array([0, 4]), np.zeros(4, np.uint8),
    np.ones(4, np.float32), np.ones((4, 4), np.float32), np.ones(4, np.float32), 4)
at, ended = 0, 0
while True:
    at, calls = at + 1, 0
    try:
        with Hdf5(Path(sys.argv[1])) as writer:
            for _ in range(2):
                writer.add([(part, ())])
            b"".join(writer.pieces())
    except KeyboardInterrupt:
        ended += 1
    else:
        break
print(ended, calls)
"""


def test_ctrl_c_at_any_write_is_an_interrupt_and_no_crash(tmp_path):
    """HDF5 crashed, or hung, where a `KeyboardInterrupt` came out of what it calls."""
    command = [sys.executable, "-c", _INTERRUPTED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    ended, calls = map(int, done.stdout.split())
    assert ended == calls > 20


@given(st.data())
def test_it_is_a_file_until_the_system_refuses_and_after_that(data):
    """Against plain bytes; from some write on the system takes nothing any more."""
    steps = data.draw(st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=20)), max_size=12))
    refused_from = data.draw(st.integers(0, 13))
    expected = bytearray()
    with tempfile.TemporaryFile() as spool, pytest.MonkeyPatch.context() as patched:
        file = LastingFile(spool.fileno())
        for number, (place, piece) in enumerate(steps):
            if number == refused_from:
                patched.setattr("os.pwrite", _refuse)
            expected.extend(bytes(max(place + len(piece) - len(expected), 0)))
            expected[place : place + len(piece)] = piece
            assert file.seek(place) == place and file.write(piece) == len(piece) and file.tell() == place + len(piece)
        assert file.seek(0, 2) == len(expected)
        buffer = bytearray(b"x" * 64)
        file.seek(0)
        assert file.readinto(buffer) == 64 and bytes(buffer) == bytes(expected).ljust(64, b"\0")
        if refused_from < len(steps):
            with pytest.raises(OSError, match="No space"):
                file.check()
        else:
            file.check()


def _refuse(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_hdf5_reads_back_what_it_wrote():
    values = np.arange(100_000)
    with tempfile.TemporaryFile() as spool:
        file = LastingFile(spool.fileno())
        with h5py.File(file, "w") as written:
            written.create_dataset("a", data=values, chunks=(1000,), compression="gzip")
        file.check()
        with h5py.File(spool, "r") as read:
            assert np.array_equal(read["a"][:], values)
