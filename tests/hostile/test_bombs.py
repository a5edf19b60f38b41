"""Input that has no end, or far more of it than it shows: refused in little memory."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from pathlib import Path

import pytest

MEGABYTE = 1 << 20


def packed(head, piece, megabytes):
    """A gzip file whose text is `head` and then megabytes of `piece`, made without having them."""
    packer = zlib.compressobj(9, wbits=31)
    block = (piece * (MEGABYTE // len(piece) + 1))[:MEGABYTE]
    return b"".join([packer.compress(head), *(packer.compress(block) for _ in range(megabytes)), packer.flush()])


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)
    return path


GZIPS = {
    "one endless line": (lambda: packed(b">a\n", b"A", 160), "refused as a gzip bomb"),
    "one endless name": (lambda: packed(b">", b"a", 160), "refused as a gzip bomb"),
    "zeros": (lambda: packed(b"", b"\0", 160), "refused as a gzip bomb"),
    "many members": (lambda: gzip.compress(b">a\n") + gzip.compress(b"A" * MEGABYTE, 9) * 160, "gzip bomb"),
    "empty lines": (lambda: packed(b">a\nACGT", b"\n", 160), "refused as a gzip bomb"),
}


@pytest.mark.parametrize("row", GZIPS)
def test_gzip_that_blows_up(here, starved, row):
    make, says = GZIPS[row]
    data = make()
    assert len(data) < 3 * MEGABYTE
    (here / "in.fa.gz").write_bytes(data)
    starved(["predict", "in.fa.gz"], "IntegrityError", 4, says)


def test_a_zip_that_blows_up(here, starved, parts, forge_zip):
    info = zipfile.ZipInfo("gate-set.h5")
    info.compress_type = zipfile.ZIP_DEFLATED
    members = parts.members()
    members.pop("gate-set.h5")
    (here / "in.tfbs").write_bytes(forge_zip([*members.items(), (info, bytes(60 * MEGABYTE))]))
    starved(["import", "in.tfbs"], "IntegrityError", 4, "the member 'gate-set.h5' is too large", megabytes=64)


# id: command, error, exit code, words; the file is 300 GB and takes no room
SPARSE = {
    "FASTA": (["predict", "in.fa"], "IntegrityError", 4, "in.fa: a line or record of more than"),
    "gzip": (["predict", "in.seq.gz"], "InputError", 2, "in.seq.gz: not a gzip file"),
    "HDF5": (["predict", "in.h5"], "IntegrityError", 4, "in.h5"),
    "a genome": (["predict", "peaks.bed", "--genome", "in.fa"], "IntegrityError", 4, "in.fa: a line or record of"),
    "an evaluation": (["evaluate", "--from", "in.h5"], "IntegrityError", 4, "in.h5: this file may have"),
    "a bundle": (["import", "in.tfbs"], "IntegrityError", 4, "in.tfbs: this file may have"),
    "a matrix": (["add-expert", "X", "--motif", "in.meme"], "IntegrityError", 4, "in.meme"),
}


@pytest.mark.parametrize("row", SPARSE)
def test_a_file_of_300_gigabytes(here, starved, row):
    arguments, *expected = SPARSE[row]
    (here / "peaks.bed").write_text("chr1\t1\t9\n")
    name = next(word for word in arguments if word.startswith("in."))
    sparse(here / name, 300 << 30)
    starved(arguments, *expected, megabytes=1400 if "line or record" in expected[-1] else 256)


# id: command, error, exit code, words
DEVICES = {
    "zeros for sequences": (["predict", "/dev/zero"], "IntegrityError", 4, "/dev/zero: a line or record of more than"),
    "zeros for a bundle": (["import", "/dev/zero"], "IntegrityError", 4, "this is not a regular file"),
    "zeros for an evaluation": (["evaluate", "--from", "/dev/zero"], "NotFoundError", 3, "/dev/zero"),
    "zeros for a matrix": (["add-expert", "X", "--motif", "/dev/zero"], "IntegrityError", 4, "/dev/zero"),
    "zeros for a genome": (["predict", "p.bed", "--genome", "/dev/zero"], "NotFoundError", 3, "no such genome"),
    "noise for sequences": (["predict", "/dev/urandom"], "InputError", 2, "/dev/urandom:"),
    "nothing for sequences": (["predict", "/dev/null"], "InputError", 2, "/dev/null: the file is empty"),
}


@pytest.mark.parametrize("row", DEVICES)
def test_a_device_without_end(here, starved, row):
    arguments, *expected = DEVICES[row]
    (here / "p.bed").write_text("chr1\t1\t9\n")
    starved(arguments, *expected, megabytes=1400 if "line or record" in expected[-1] else 256)


def test_a_line_that_never_ends_from_a_pipe(here, starved):
    pipe = here.parent / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pour, args=(pipe,))
    writer.start()
    starved(["predict", "-"], "IntegrityError", 4, "stdin: a line or record of more than", megabytes=1400, stdin=pipe)
    writer.join(10)
    assert not writer.is_alive()


def pour(pipe: Path) -> None:
    """Write one line without an end, as long as somebody reads."""
    block = b"ACGT" * (MEGABYTE // 4)
    with pipe.open("wb", buffering=0) as file:
        file.write(b">a\n")
        try:
            while True:
                file.write(block)
        except BrokenPipeError:
            return


def test_a_pipe_in_which_nothing_comes_can_be_interrupted(here, watched):
    pipe = here.parent / "pipe"
    os.mkfifo(pipe)
    before = watched()
    command = [sys.executable, "-m", "tfbs_hub.cli", "predict", str(pipe), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        # Opening it for writing waits for the reader, which then waits for us.
        writer = pipe.open("wb")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        writer.close()
    assert process.returncode == 130
    assert b'"type": "InterruptedRunError"' in out
    assert b"Traceback" not in err
    assert watched() == before
