"""Bundles that climb out, link, lie about sizes, repeat themselves, or blow up."""

from __future__ import annotations

import stat
import struct
import zipfile

import pytest

CARD, SET, WEIGHTS, MANIFEST = "card.json", "gate-set.h5", "weights.safetensors", "bundle.json"


def member(name, *, kind=0, method=zipfile.ZIP_STORED, extra=b""):
    """How a member is called and kept; `kind` is its type of file."""
    info = zipfile.ZipInfo("placeholder", (1980, 1, 1, 0, 0, 0))
    # Not given to ZipInfo itself: that would tidy the name up.
    info.filename = info.orig_filename = name
    info.compress_type = method
    info.extra = extra
    if kind:
        info.external_attr = (kind | 0o777) << 16
    return info


def more(name, data=b"evil"):
    """Another member in the place of the gate set."""
    return lambda good: [*((each, kept) for each, kept in good.items() if each != SET), (member(name), data)]


def kept(name, **how):
    """A member that is kept in another way."""
    return lambda good: [(member(each, **how) if each == name else each, data) for each, data in good.items()]


def less(name):
    return lambda good: {each: data for each, data in good.items() if each != name}


def instead(name, data):
    return lambda good: {**good, name: data}


def bomb(name, size):
    return lambda good: [
        (member(each, method=zipfile.ZIP_DEFLATED), bytes(size)) if each == name else (each, data)
        for each, data in good.items()
    ]


ZIP64 = struct.pack("<HHQQ", 1, 16, 1 << 40, 1 << 40)

# id: what becomes of the good members, words; each is an IntegrityError, exit code 4
MEMBERS = {
    "a path upwards": (more("../../evil.py"), "a bundle has no member '../../evil.py'"),
    "an absolute path": (more("/etc/cron.d/evil"), "a bundle has no member '/etc/cron.d/evil'"),
    "a path of Windows": (more("..\\..\\evil.py"), "a bundle has no member"),
    "a drive of Windows": (more("C:evil.py"), "a bundle has no member 'C:evil.py'"),
    "a folder": (more("folder/"), "a bundle has no member 'folder/'"),
    "a file in a folder": (more("x/card.json"), "a bundle has no member 'x/card.json'"),
    "a hook": (more("hooks.py"), "a bundle has no member 'hooks.py'"),
    "a pickle": (more("weights.pkl"), "a bundle has no member 'weights.pkl'"),
    "another case": (more("CARD.JSON"), "a bundle has no member 'CARD.JSON'"),
    "a look-alike": (more("\u0441ard.json"), "a bundle has no member"),
    "a name with an escape": (more("\x1b[2Jx"), "a bundle has no member"),
    "a name of 60,000 letters": (more("a" * 60_000), "a bundle has no member"),
    "no name": (more(""), "a bundle has no member"),
    "the card twice": (more(CARD, b"{}"), "the member 'card.json' is there twice"),
    "a thousand members": (lambda good: {**good, **{f"x{number}": b"" for number in range(1000)}}, "directory is not"),
    "a link": (kept(CARD, kind=stat.S_IFLNK), "'card.json' is not a regular file"),
    "a folder for a card": (kept(CARD, kind=stat.S_IFDIR), "'card.json' is not a regular file"),
    "a pipe": (kept(WEIGHTS, kind=stat.S_IFIFO), "'weights.safetensors' is not a regular file"),
    "a device": (kept(WEIGHTS, kind=stat.S_IFCHR), "'weights.safetensors' is not a regular file"),
    "bzip2": (kept(WEIGHTS, method=zipfile.ZIP_BZIP2), "is encrypted or packed in an unknown way"),
    "LZMA": (kept(WEIGHTS, method=zipfile.ZIP_LZMA), "is encrypted or packed in an unknown way"),
    "a bomb": (bomb(SET, 50 << 20), "the member 'gate-set.h5' is too large"),
    "a bomb of cards": (bomb(CARD, 4 << 20), "the member 'card.json' is too large"),
    "a card of 5 MB": (instead(CARD, b" " * (5 << 20)), "the member 'card.json' is too large"),
    "no manifest": (less(MANIFEST), "bundle.json"),
    "no card": (less(CARD), "the bundle's files are not those that it lists"),
    "no weights": (less(WEIGHTS), "the bundle's files are not those that it lists"),
    "a file that is not listed": (instead(SET, b"x"), "these bytes differ from their digest"),
    "weights with another digest": (instead(WEIGHTS, b"x"), "these bytes differ from their digest"),
    "a card with another digest": (instead(CARD, b"{}"), "these bytes differ from their digest"),
    "a manifest that is no JSON": (instead(MANIFEST, b"{"), "bundle.json"),
    "a manifest of brackets": (instead(MANIFEST, b"[" * 60_000), "bundle.json"),
    "a manifest of 1 MB": (instead(MANIFEST, b" " * (1 << 20)), "the member 'bundle.json' is too large"),
    "a manifest that is a list": (instead(MANIFEST, b"[]"), "bundle.json"),
}


@pytest.fixture
def imports(here, refused):
    """Import a file; it must be refused."""

    def check(data, says, error="IntegrityError", code=4):
        (here / "evil.tfbs").write_bytes(data)
        refused("import evil.tfbs", error, code, says)

    return check


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("row", MEMBERS)
def test_a_member_that_does_not_belong_is_refused(parts, forge_zip, imports, row):
    edit, says = MEMBERS[row]
    imports(forge_zip(edit(parts.members())), says)


# id: changes of the manifest, words
MANIFESTS = {
    "another format": ({"format": "zip"}, "bundle.json"),
    "a later version": ({"format_version": 2}, "bundle.json"),
    "a version of words": ({"format_version": "1"}, "bundle.json"),
    "a gate": ({"kind": "gate"}, "bundle.json"),
    "another name": ({"name": "OTHER"}, "the card is not that of this expert"),
    "a name that is a path": ({"name": "../../x"}, "the card is not that of this expert"),
    "no files": ({"files": {}}, "the bundle's files are not those that it lists"),
    "files that are a list": ({"files": []}, "bundle.json"),
    "a size of -1": ({"files": {CARD: {"sha256": "0" * 64, "size": -1}}}, "bundle.json"),
    "a size of exabytes": ({"files": {CARD: {"sha256": "0" * 64, "size": 1 << 62}}}, "bundle.json"),
    "a digest of words": ({"files": {CARD: {"sha256": "evil", "size": 1}}}, "bundle.json"),
}


@pytest.mark.parametrize("row", MANIFESTS)
def test_a_manifest_that_lies_is_refused(parts, imports, row):
    changes, says = MANIFESTS[row]
    imports(parts.bundle(**changes), says)


def replaced(old, new, count=-1):
    def edit(data):
        assert old in data
        return data.replace(old, new, count)

    return edit


def listed_as(old, new):
    """Another name in the directory alone."""

    def edit(data):
        place = data.index(b"PK\x01\x02")
        return data[:place] + data[place:].replace(old, new)

    return edit


def patched(place, data):
    """Other bytes at a place, counted from the end of the file."""
    return lambda good: good[:place] + data + good[place + len(data) or None :]


# id: what becomes of the bytes of a good bundle, error, exit code, words
BYTES = {
    "empty": (lambda good: b"", "InputError", 2, "evil.tfbs: this is not a bundle"),
    "text": (lambda good: b"hello\n", "InputError", 2, "evil.tfbs: this is not a bundle"),
    "tar": (lambda good: bytes(257) + b"ustar\x0000", "InputError", 2, "this is not a bundle"),
    "a script before it": (lambda good: b"#!/bin/sh\nrm -rf ~\n" + good, "InputError", 2, "this is not a bundle"),
    "a head alone": (lambda good: good[:4], "IntegrityError", 4, "evil.tfbs: this bundle is cut short"),
    "half": (lambda good: good[: len(good) // 2], "IntegrityError", 4, "this bundle is cut short"),
    "something behind it": (lambda good: good + b"evil", "IntegrityError", 4, "something behind its end"),
    "two of them": (lambda good: good + good, "IntegrityError", 4, "directory is not that of a bundle"),
    "a comment": (patched(-2, b"\x04\x00"), "IntegrityError", 4, "this bundle"),
    "a directory elsewhere": (patched(-6, b"\x00\x00\x00\x00"), "IntegrityError", 4, "directory is not that"),
    "a directory beyond the file": (patched(-6, b"\xff\xff\xff\x7f"), "IntegrityError", 4, "directory is not that"),
    "65,535 members": (patched(-14, b"\xff\xff\xff\xff"), "IntegrityError", 4, "directory is not that of a bundle"),
    "many disks": (patched(-18, b"\x01\x00\x01\x00"), "IntegrityError", 4, "directory is not that of a bundle"),
    "a NUL in a name": (listed_as(b"card.json", b"card\0json"), "IntegrityError", 4, "a bundle has no member"),
    "other names in front": (
        replaced(b"weights.safetensors", b"../../../etc/passwd", 1),
        "IntegrityError",
        4,
        "this bundle is damaged",
    ),
    "encrypted": (lambda good: flagged(good, 1), "IntegrityError", 4, "is encrypted or packed in an unknown way"),
    "patched data": (lambda good: flagged(good, 32), "IntegrityError", 4, "is encrypted or packed in an unknown way"),
}


def flagged(good, flag):
    """The first member's entry of the directory with a flag set."""
    place = good.index(b"PK\x01\x02") + 8
    return good[:place] + bytes([good[place] | flag]) + good[place + 1 :]


@pytest.mark.parametrize("row", BYTES)
def test_bytes_that_are_no_plain_bundle_are_refused(parts, imports, row):
    edit, error, code, says = BYTES[row]
    imports(edit(parts.bundle()), says, error, code)


def test_a_bomb_that_lies_about_its_size_is_refused(parts, forge_zip, imports):
    data = forge_zip(bomb(SET, 1 << 20)(parts.members()))
    imports(data.replace(struct.pack("<L", 1 << 20), struct.pack("<L", 2000)), "this bundle is damaged")


def test_a_bundle_in_a_bundle_is_only_a_wrong_digest(parts, imports):
    files = {**parts.files, WEIGHTS: parts.bundle()}
    imports(type(parts)(parts.card, files).bundle(), "its header claims")


GATE_SETS = {
    "no HDF5": (b"ACGT", "InputError", 2, "not an HDF5 file"),
    "damaged HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(999), "IntegrityError", 4, "damaged"),
}


@pytest.mark.parametrize("row", GATE_SETS)
def test_a_gate_set_that_cannot_be_read_keeps_the_expert_out(parts, imports, row):
    data, error, code, says = GATE_SETS[row]
    imports(type(parts)(parts.card, {**parts.files, SET: data}).bundle(), says, error, code)


def test_what_is_no_file_at_all_is_refused(here, refused):
    refused("import none.tfbs", "NotFoundError", 3, "none.tfbs: there is no such file")
    refused(["import", here], "BadParameter", 2, "is a directory")
    refused("import /dev/null", "IntegrityError", 4, "/dev/null: this is not a regular file")
    refused("import /dev/zero", "IntegrityError", 4, "/dev/zero: this is not a regular file")
