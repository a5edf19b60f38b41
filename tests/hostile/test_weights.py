"""Weights from elsewhere: every digest fits, and what they hold is not a network's numbers."""

from __future__ import annotations

import io
import json
import math
import pickle
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch


class Evil:
    """Unpickled, it writes the canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return (Path.write_text, (self.canary, "ran"))


def split(data):
    """The header as plain values, and the body, of a safetensors file."""
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def names(header):
    return [name for name in header if name != "__metadata__"]


def changed(**keys):
    """A change of the hub's own metadata."""

    def edit(header, body):
        told = json.loads(header["__metadata__"]["tfbs_hub"]) | keys
        header["__metadata__"]["tfbs_hub"] = json.dumps(told)
        return header, body

    return edit


def entry(**keys):
    """A change of the first tensor's entry."""

    def edit(header, body):
        header[names(header)[0]] |= keys
        return header, body

    return edit


def number(value):
    """Another value in the place of the last weight."""
    return lambda header, body: (header, body[:-4] + struct.pack("<f", value))


def renamed(new):
    def edit(header, body):
        header[new] = header.pop(names(header)[0])
        return header, body

    return edit


def overlapping(header, body):
    _, second = sorted(names(header), key=lambda name: header[name]["data_offsets"])[:2]
    begin, end = header[second]["data_offsets"]
    header[second]["data_offsets"] = [begin - 4, end - 4]
    return header, body


def shared(header, body):
    """Two tensors of one size that lie in the same place."""
    sizes = {}
    for name in names(header):
        begin, end = header[name]["data_offsets"]
        sizes.setdefault(end - begin, []).append(name)
    one, other = next(pair for pair in sizes.values() if len(pair) > 1)[:2]
    header[other]["data_offsets"] = header[one]["data_offsets"]
    return header, body


def halves(header, body):
    """Every number as float16, and the header says so."""
    kept = {"__metadata__": header["__metadata__"]}
    parts, position = [], 0
    for name in sorted(names(header), key=lambda name: header[name]["data_offsets"]):
        begin, end = header[name]["data_offsets"]
        parts.append(np.frombuffer(body[begin:end], "<f4").astype("<f2").tobytes())
        shape = header[name]["shape"]
        kept[name] = {"dtype": "F16", "shape": shape, "data_offsets": [position, position + len(parts[-1])]}
        position += len(parts[-1])
    return kept, b"".join(parts)


def transposed(header, body):
    """A matrix on its side: the same bytes, another shape."""
    name = next(name for name in names(header) if len(set(header[name]["shape"])) > 1)
    header[name]["shape"] = header[name]["shape"][::-1]
    return header, body


def left_out(header, body):
    name = max(names(header), key=lambda name: header[name]["data_offsets"])
    begin = header.pop(name)["data_offsets"][0]
    return header, body[:begin]


def one_more(header, body):
    header["hook"] = {"dtype": "U8", "shape": [4], "data_offsets": [len(body), len(body) + 4]}
    return header, body + b"evil"


def crowd(header, body):
    for place in range(10_001):
        header[f"x{place}"] = {"dtype": "U8", "shape": [0], "data_offsets": [len(body), len(body)]}
    return header, body


# id: what becomes of header and body, words; each is an IntegrityError, exit code 4
HEADERS = {
    "no metadata": (
        lambda header, body: ({k: header[k] for k in names(header)}, body),
        "the metadata must hold exactly",
    ),
    "metadata of another": (
        lambda h, b: ({**h, "__metadata__": {"format": "pt"}}, b),
        "the metadata must hold exactly",
    ),
    "metadata beside ours": (
        lambda h, b: ({**h, "__metadata__": {**h["__metadata__"], "x": "y"}}, b),
        "the metadata must hold exactly",
    ),
    "metadata that is no JSON": (lambda h, b: ({**h, "__metadata__": {"tfbs_hub": "{"}}, b), "not valid JSON"),
    "metadata that is a list": (lambda h, b: ({**h, "__metadata__": {"tfbs_hub": "[]"}}, b), "not a JSON object"),
    "metadata of brackets": (lambda h, b: ({**h, "__metadata__": {"tfbs_hub": "[" * 99_999}}, b), "not valid JSON"),
    "a key twice in it": (
        lambda h, b: ({**h, "__metadata__": {"tfbs_hub": '{"a": 1, "a": 1}'}}, b),
        "a key stands twice",
    ),
    "another window": (changed(window=62), "the network has window"),
    "a window of -1": (changed(window=-1), "the network has window"),
    "a window of a petabyte": (changed(window=1 << 50), "the network has window"),
    "a window of words": (changed(window="wide"), "not an expert's weights"),
    "a width of 10^12": (changed(config={"detectors": 10**12, "width": 12}), "the configuration cannot be built"),
    "a gigabyte of activations": (
        changed(config={"window": 1 << 20, "detectors": 4096}),
        "the configuration cannot be",
    ),
    "a width of 0": (changed(config={"detectors": 0, "width": 12}), "the configuration cannot be built"),
    "a width of NaN": (changed(config={"detectors": math.nan, "width": 12}), "the configuration cannot be built"),
    "a setting of its own": (
        changed(config={"detectors": 8, "hook": "os:system"}),
        "the configuration cannot be built",
    ),
    "a later format": (changed(format=2), "update tfbs-hub"),
    "a key of its own": (changed(hook="os:system"), "unknown keys ['hook']"),
    "a type of nobody": (entry(dtype="F4"), "a tensor's type, shape and place do not fit together"),
    "a type that is a list": (entry(dtype=["F32"]), "a tensor's type, shape and place do not fit together"),
    "a negative shape": (entry(shape=[-1, 4]), "a tensor's type, shape and place do not fit together"),
    "a shape beyond 64 bits": (entry(shape=[1 << 62, 1 << 62, 0]), "a tensor's type, shape and place do not fit"),
    "a shape of fractions": (entry(shape=[8.0, 4.0, 12.0]), "a tensor's type, shape and place do not fit together"),
    "a shape of 100,000 sides": (entry(shape=[1] * 100_000), "a tensor's type, shape and place do not fit together"),
    "a place before the file": (entry(data_offsets=[-8, 0]), "a tensor's type, shape and place do not fit together"),
    "a place behind the file": (entry(data_offsets=[1 << 60, (1 << 60) + 32]), "tensors overlap or leave a gap"),
    "a place that ends before it begins": (entry(data_offsets=[32, 0]), "a tensor's type, shape and place do not"),
    "an entry of nothing": (lambda h, b: ({**h, names(h)[0]: None}, b), "a tensor's type, shape and place do not"),
    "tensors that overlap": (overlapping, "tensors overlap or leave a gap"),
    "two tensors in one place": (shared, "tensors overlap or leave a gap"),
    "bytes that no tensor has": (lambda h, b: (h, b + b"\0\0\0\0"), "the tensors need"),
    "bytes that are not there": (lambda h, b: (h, b[:-4]), "the tensors need"),
    "ten thousand tensors more": (crowd, "tensors are more than the"),
    "a tensor less": (left_out, "the tensors are not this network's (missing:"),
    "a tensor more": (one_more, "the tensors are not this network's"),
    "a tensor called ..": (renamed("../../../etc/passwd"), "the tensors are not this network's"),
    "a tensor called an escape": (renamed("\x1b]0;x\x07"), "the tensors are not this network's"),
    "a matrix on its side": (transposed, "where the network has"),
    "numbers of half the size": (halves, "a tensor's type, shape and place do not fit together"),
    "NaN": (number(math.nan), "a weight is not a finite number"),
    "infinity": (number(math.inf), "a weight is not a finite number"),
    "minus infinity": (number(-math.inf), "a weight is not a finite number"),
    "another number": (number(1e30), "golden prediction 0 is"),
}


@pytest.fixture
def imports(here, parts, refused):
    """Import a bundle of these weights, in which every digest fits; it must be refused."""

    def check(weights, says):
        forged = replace(parts, files={**parts.files, "weights.safetensors": weights})
        (here / "evil.tfbs").write_bytes(forged.bundle())
        refused("import evil.tfbs", "IntegrityError", 4, says)

    return check


@pytest.mark.parametrize("row", HEADERS)
def test_a_header_or_number_that_is_not_the_networks_is_refused(parts, safetensors, imports, row):
    edit, says = HEADERS[row]
    header, body = edit(*split(parts.files["weights.safetensors"]))
    imports(safetensors(header, body), says)


def test_an_architecture_that_no_package_brings_is_not_imported(here, parts, safetensors, refused):
    header, body = changed(architecture="os:system")(*split(parts.files["weights.safetensors"]))
    forged = replace(parts, files={**parts.files, "weights.safetensors": safetensors(header, body)})
    (here / "evil.tfbs").write_bytes(forged.bundle())
    refused("import evil.tfbs", "NotFoundError", 3, "the architecture os:system is not registered")


# id: the bytes of the file from (the good one, safetensors), words
FILES = {
    "empty": (lambda good, forge: b"", "it is too short"),
    "seven bytes": (lambda good, forge: b"1234567", "it is too short"),
    "text": (lambda good, forge: b"no weights here\n", "its header claims"),
    "a header of exabytes": (lambda good, forge: forge(b"{}", claim=1 << 62), "its header claims"),
    "a header beyond the file": (lambda good, forge: forge(b"{}", claim=99), "its header claims"),
    "a header of 2 MB": (lambda good, forge: forge(b" " * (2 << 20)), "its header claims"),
    "a header of zeros": (lambda good, forge: forge(bytes(64)), "not a valid safetensors header"),
    "a header of brackets": (lambda good, forge: forge(b"[" * 500_000), "not a valid safetensors header"),
    "a header that is a list": (lambda good, forge: forge(b"[]"), "it is not an object"),
    "a header that is no UTF-8": (lambda good, forge: forge(b"\xff\xfe{}"), "not a valid safetensors header"),
    "a number of a million digits": (lambda good, forge: forge(b'{"a":' + b"9" * 900_000 + b"}"), "not a valid"),
    "a tensor twice": (
        lambda good, forge: forge(good[8 : 8 + int.from_bytes(good[:8], "little")].rstrip(b" }") + b'},"x":1,"x":1}'),
        "a key stands twice",
    ),
    "half": (lambda good, forge: good[: len(good) // 2], "the tensors need"),
    "twice": (lambda good, forge: good + good, "the tensors need"),
    "a zip": (lambda good, forge: b"PK\x03\x04" + bytes(99), "its header claims"),
    "gzip": (lambda good, forge: b"\x1f\x8b\x08" + bytes(99), "its header claims"),
    "HDF5": (lambda good, forge: b"\x89HDF\r\n\x1a\n" + bytes(99), "its header claims"),
}


@pytest.mark.parametrize("row", FILES)
def test_a_file_that_is_no_safetensors_is_refused(parts, safetensors, imports, row):
    make, says = FILES[row]
    imports(make(parts.files["weights.safetensors"], safetensors), says)


def torch_file(canary):
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(2), "evil": Evil(canary)}, buffer)
    return buffer.getvalue()


def legacy_torch_file(canary):
    buffer = io.BytesIO()
    torch.save({"evil": Evil(canary)}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def numpy_file(canary):
    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil(canary)], object), allow_pickle=True)
    return buffer.getvalue()


def zipped_numpy(canary):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights.npy", numpy_file(canary))
    return buffer.getvalue()


PICKLES = {
    "a pickle": lambda canary: pickle.dumps(Evil(canary)),
    "an old pickle": lambda canary: pickle.dumps(Evil(canary), protocol=0),
    "a file of PyTorch": torch_file,
    "an old file of PyTorch": legacy_torch_file,
    "a file of numpy": numpy_file,
    "a zip of numpy": zipped_numpy,
    "a pickle behind a header": lambda canary: struct.pack("<Q", 2) + b"{}" + pickle.dumps(Evil(canary)),
}


@pytest.mark.parametrize("row", PICKLES)
def test_no_pickle_is_opened_whatever_it_is_called(imports, canary, row):
    imports(PICKLES[row](canary), "metadata" if row == "a pickle behind a header" else "its header claims")


def test_the_trap_would_snap(tmp_path):
    pickle.loads(pickle.dumps(Evil(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()
