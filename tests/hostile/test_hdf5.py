"""HDF5 that is damaged, points elsewhere, claims petabytes, or asks for code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.hdf5 import to_bytes

ROWS, LENGTH = 8, 61
INTEGRITY = ("IntegrityError", 4)
INPUT = ("InputError", 2)


@pytest.fixture(scope="module")
def good():
    """The bytes of a small data set."""
    codes = np.random.default_rng(0).integers(0, 4, (ROWS, LENGTH)).astype(np.uint8)
    return to_bytes(SequenceDataset(codes, np.array([1, 0] * 4, np.int8), [f"row{row}" for row in range(ROWS)]))


@pytest.fixture
def set_h5(here, good):
    """That data set as a file."""
    (here / "set.h5").write_bytes(good)
    return here / "set.h5"


def instead(name, data=None, **options):
    """Put another array in the place of one; without data, its shape and type are among the options."""

    def edit(file):
        del file[name]
        file.create_dataset(name, data=data, **options)

    return edit


def link(target):
    def edit(file):
        del file["codes"]
        file["codes"] = target

    return edit


def virtual(source):
    def edit(file):
        layout = h5py.VirtualLayout(shape=(ROWS, LENGTH), dtype=np.uint8)
        layout[:] = h5py.VirtualSource(source, "codes", shape=(ROWS, LENGTH))
        del file["codes"]
        file.create_virtual_dataset("codes", layout)

    return edit


def filtered(number):
    """An array that goes through the filter `number`, whatever it is."""

    def edit(file):
        del file["codes"]
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((ROWS, LENGTH))
        settings.set_filter(number, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((ROWS, LENGTH))
        made = h5py.h5d.create(file.id, b"codes", h5py.h5t.STD_U8LE, space, settings)
        made.write_direct_chunk((0, 0), bytes(ROWS * LENGTH))

    return edit


def deep(file):
    group = file
    for _ in range(50):
        group = group.create_group("g")


# id: what is done to a good file, (error, exit code), words
EDITS = {
    "an external link": (
        link(h5py.ExternalLink("/etc/passwd", "/codes")),
        INTEGRITY,
        "set.h5: /codes: a link to another",
    ),
    "a soft link": (link(h5py.SoftLink("/labels")), INTEGRITY, "set.h5: /codes: a link to another place is refused"),
    "external storage": (
        instead("codes", shape=(ROWS, LENGTH), dtype="u1", external=[("/etc/passwd", 0, ROWS * LENGTH)]),
        INTEGRITY,
        "set.h5: /codes: data that lies in another file",
    ),
    "a virtual data set": (virtual("/etc/passwd"), INTEGRITY, "data that lies in another file is refused"),
    "a filter that nobody knows": (filtered(32015), INTEGRITY, "a filter other than gzip"),
    "another filter": (
        instead("codes", np.zeros((ROWS, LENGTH), "u1"), compression="lzf"),
        INTEGRITY,
        "a filter other than gzip",
    ),
    "petabytes in chunks": (
        instead("codes", shape=(1 << 40, LENGTH), dtype="u1", chunks=(1, LENGTH)),
        INTEGRITY,
        "more than",
    ),
    "more than 64 bits of bytes": (
        instead("codes", shape=(1 << 62, 1 << 62), dtype="f8", chunks=(1, 1)),
        INTEGRITY,
        "more than",
    ),
    "one enormous chunk": (
        instead("codes", shape=(50 << 20, 1), dtype="u1", chunks=(50 << 20, 1)),
        INTEGRITY,
        "chunks",
    ),
    "a bomb of zeros": (
        instead("codes", np.zeros((1 << 15, 1 << 12), "u1"), chunks=(256, 1 << 12), compression="gzip"),
        INTEGRITY,
        "set.h5: /codes: arrays of more than",
    ),
    "no codes": (lambda file: file.__delitem__("codes"), INTEGRITY, "not the arrays of this format"),
    "a group for an array": (lambda file: (file.__delitem__("codes"), file.create_group("codes")), INTEGRITY, "group"),
    "groups in groups": (deep, INTEGRITY, "a group that does not belong here"),
    "text for numbers": (instead("codes", data="ACGT"), INTEGRITY, "an array of numbers was expected"),
    "text of variable length": (
        instead("codes", data=np.array(["ACGT"] * ROWS, dtype=h5py.string_dtype())),
        INTEGRITY,
        "an array of numbers was expected",
    ),
    "fractions for codes": (instead("codes", np.zeros((ROWS, LENGTH))), INTEGRITY, "codes must be uint8"),
    "codes of 9": (instead("codes", np.full((ROWS, LENGTH), 9, "u1")), INTEGRITY, "codes must be uint8"),
    "one row less": (instead("codes", np.zeros((ROWS - 1, LENGTH), "u1")), INTEGRITY, "rows of codes need"),
    "ids that are no text": (instead("ids", np.full(9, 255, "u1")), INTEGRITY, "ids or origin cannot be read"),
    "an origin that is no JSON": (instead("origin", np.full(9, 65, "u1")), INTEGRITY, "ids or origin cannot be read"),
    "an origin of brackets": (
        instead("origin", np.full(100_000, ord("["), "u1")),
        INTEGRITY,
        "ids or origin cannot be read",
    ),
    "another format": (lambda file: file.attrs.__setitem__("format", np.bytes_("x")), INPUT, "not a file of format"),
    "a format of text without end": (
        lambda file: file.attrs.__setitem__("format", "tfbs-hub-sequences"),
        INPUT,
        "not a file of format",
    ),
    "no format": (lambda file: file.attrs.__delitem__("format"), INPUT, "not a file of format"),
    "longer than the window": (
        instead("codes", np.zeros((ROWS, LENGTH + 1), "u1")),
        INPUT,
        "row0 has 62 bp",
    ),
}


def flipped_codes(data):
    with h5py.File(h5py.h5f.open_file_image(data)) as file:
        place = file["codes"].id.get_chunk_info(0).byte_offset
    return data[: place + 20] + bytes([data[place + 20] ^ 1]) + data[place + 21 :]


# id: what is done to the bytes of a good file, (error, exit code), words
BYTES = {
    "empty": (lambda data: b"", INPUT, "set.h5: not an HDF5 file"),
    "text": (lambda data: b">a\nACGT\n", INPUT, "set.h5: not an HDF5 file"),
    "a pickle": (lambda data: b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os\x94.", INPUT, "not an HDF5 file"),
    "the signature alone": (lambda data: data[:8], INTEGRITY, "set.h5: damaged"),
    "all but a byte": (lambda data: data[:-1], INTEGRITY, "set.h5: damaged"),
    "zeros behind the signature": (lambda data: data[:8] + bytes(len(data) - 8), INTEGRITY, "set.h5: damaged"),
    "a flipped bit in the codes": (flipped_codes, INTEGRITY, "set.h5: damaged"),
}


@pytest.mark.parametrize("row", EDITS)
def test_a_file_that_is_more_than_numbers_is_refused(set_h5, refused, row):
    edit, expected, says = EDITS[row]
    with h5py.File(set_h5, "r+") as file:
        edit(file)
    refused("predict set.h5", *expected, says, text=False)


@pytest.mark.parametrize("row", BYTES)
def test_a_file_that_is_damaged_is_refused(set_h5, good, refused, row):
    edit, expected, says = BYTES[row]
    set_h5.write_bytes(edit(good))
    refused("predict set.h5", *expected, says, text=False)


def test_what_is_no_evaluation_is_refused(set_h5, here, refused):
    refused("evaluate --from set.h5", "InputError", 2, "set.h5: not a file of format tfbs-hub-evaluation")
    (here / "run.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(999))
    refused("evaluate --from run.h5", "IntegrityError", 4, "run.h5: damaged")


@pytest.fixture
def evaluation(here):
    """A good evaluation: the one that stays among the tests."""
    shutil.copy(Path(__file__).parents[1] / "data" / "evaluation-v1.h5", here / "run.h5")
    return here / "run.h5"


# id: what is done to a good evaluation, words; each is an IntegrityError
RUNS = {
    "a link out": (lambda file: file.__setitem__("datasets/x", h5py.ExternalLink("/etc/passwd", "/")), "a link to"),
    "no models": (lambda file: file.__delitem__("models"), "missing"),
    "a model of no name": (lambda file: file.attrs.__setitem__("models", np.bytes_(b'[""]')), "no list of names"),
    "a model called ..": (lambda file: file.attrs.__setitem__("models", np.bytes_(b'["../../x"]')), "missing"),
    "resamples by the million": (lambda file: file.attrs.__setitem__("trials", np.int64(10**6)), "resamples"),
    "versions that are brackets": (
        lambda file: file.attrs.__setitem__("versions", np.bytes_(b"[" * 60_000)),
        "versions is not JSON",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", RUNS)
def test_an_evaluation_that_does_not_fit_together_is_refused(evaluation, refused, row):
    edit, says = RUNS[row]
    with h5py.File(evaluation, "r+") as file:
        edit(file)
    refused("evaluate --from run.h5", "IntegrityError", 4, says, text=False)


PLUGIN = """
#include <stdio.h>
__attribute__((constructor)) static void ran(void) { FILE *file = fopen("%s", "w"); if (file) fclose(file); }
int H5PLget_plugin_type(void) { return 0; }
const void *H5PLget_plugin_info(void) { return 0; }
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc)")
def test_no_filter_is_loaded_from_the_plugin_path(set_h5, here, refused, canary, process):
    folder = here.parent / "filters"
    folder.mkdir()
    (folder / "evil.c").write_text(PLUGIN % canary)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libevil.so", folder / "evil.c"], check=True)
    with h5py.File(set_h5, "r+") as file:
        filtered(32015)(file)
    done = process("predict", "--json", set_h5, HDF5_PLUGIN_PATH=str(folder))
    assert (done.code, done.json["error"]["type"]) == (4, "IntegrityError")
    # HDF5 itself would have loaded it: the trap can snap.
    look = "import sys, h5py\nwith h5py.File(sys.argv[1]) as file:\n    file['codes'][...]"
    environment = {**os.environ, "HDF5_PLUGIN_PATH": str(folder)}
    subprocess.run([sys.executable, "-c", look, set_h5], env=environment, capture_output=True, check=False)
    assert canary.exists()
    canary.unlink()
