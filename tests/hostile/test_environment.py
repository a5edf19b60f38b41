"""Environments that lie, lack what is usual, or are closed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def a_file(path):
    path.write_text("not a registry")


def a_pipe(path):
    os.mkfifo(path)


def a_circle(path):
    path.symlink_to(path.name)


def a_dead_link(path):
    path.symlink_to("nowhere")


def an_empty_folder(path):
    path.mkdir()


def with_format(make):
    """A folder whose registry.json is made by `make`."""

    def folder(path):
        path.mkdir()
        make(path / "registry.json")

    return folder


def of(text):
    return lambda path: path.write_text(text)


# id: what TFBS_HUB_REGISTRY names, error, exit code, words
REGISTRIES = {
    "nothing": (lambda path: None, "NotFoundError", 3, "there is no registry here"),
    "a file": (a_file, "NotFoundError", 3, "there is no registry here"),
    "a pipe": (a_pipe, "NotFoundError", 3, "there is no registry here"),
    "a circle of links": (a_circle, "StorageError", 1, "Too many levels of symbolic links"),
    "a dead link": (a_dead_link, "NotFoundError", 3, "there is no registry here"),
    "an empty folder": (an_empty_folder, "NotFoundError", 3, "there is no registry here"),
    "a format that is a pipe": (with_format(a_pipe), "IntegrityError", 4, "this is not a regular file"),
    "a format that is a folder": (with_format(an_empty_folder), "IntegrityError", 4, "this is not a regular file"),
    "a format that is a circle": (with_format(a_circle), "StorageError", 1, "Too many levels of symbolic links"),
    "a format that is a device": (
        with_format(lambda path: path.symlink_to("/dev/zero")),
        "IntegrityError",
        4,
        "this is not a regular file",
    ),
    "an empty format": (with_format(of("")), "IntegrityError", 4, "registry.json"),
    "a format of another": (with_format(of('{"format": "x", "format_version": 1}')), "IntegrityError", 4, "format"),
    "a later format": (
        with_format(of('{"format": "tfbs-hub-registry", "format_version": 2}')),
        "IntegrityError",
        4,
        "update tfbs-hub",
    ),
    "a format of brackets": (with_format(of("[" * 60_000)), "IntegrityError", 4, "registry.json"),
    "a format of 1 MB": (with_format(of(" " * (1 << 20))), "IntegrityError", 4, "may have"),
    "no generations": (
        with_format(of('{"format": "tfbs-hub-registry", "format_version": 1}')),
        "IntegrityError",
        4,
        "all generations are missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", REGISTRIES)
def test_a_registry_that_is_none(here, refused, monkeypatch, row):
    make, *expected = REGISTRIES[row]
    make(here / "named")
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(here / "named"))
    refused("experts", *expected)


@pytest.fixture
def damaged(shared_registry, here, monkeypatch):
    """A copy of the registry to do harm to."""
    shutil.copytree(shared_registry, here / "registry")
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(here / "registry"))
    return here / "registry"


def newest(registry):
    return max((registry / "generations").iterdir())


def weights(registry):
    return next((registry / "experts" / "EBOX").glob("*/weights.safetensors"))


def card(registry):
    return next((registry / "experts" / "EBOX").glob("*/card.json"))


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def linked_away(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


# id: what is done to a good registry, command, error, exit code, words
DAMAGE = {
    "a flipped bit in the newest generation": (lambda r: flip(newest(r)), "experts", "IntegrityError", 4, "damaged"),
    "half a generation": (lambda r: os.truncate(newest(r), 99), "experts", "IntegrityError", 4, "damaged"),
    "a generation that is a link": (lambda r: linked_away(newest(r)), "experts", "IntegrityError", 4, "damaged"),
    "a generation from the future": (
        lambda r: shutil.copy(newest(r), r / "generations" / "99999999.json"),
        "experts",
        "IntegrityError",
        4,
        "this file holds generation",
    ),
    "a flipped bit in a card": (lambda r: flip(card(r)), "show EBOX", "IntegrityError", 4, "differ from their digest"),
    "no card": (lambda r: card(r).unlink(), "experts", "IntegrityError", 4, "this file is missing"),
    "a card that is a link": (lambda r: linked_away(card(r)), "experts", "IntegrityError", 4, "differ from their"),
    "a flipped bit in weights": (
        lambda r: flip(weights(r)),
        "predict in.fa",
        "IntegrityError",
        4,
        "differ from their digest",
    ),
    "no weights": (lambda r: weights(r).unlink(), "predict in.fa", "IntegrityError", 4, "this file is missing"),
    "weights that are a pipe": (
        lambda r: (weights(r).unlink(), os.mkfifo(weights_of(r))),
        "predict in.fa",
        "IntegrityError",
        4,
        "this is not a regular file",
    ),
    "weights of 300 GB": (
        lambda r: os.truncate(weights(r), 300 << 30),
        "predict in.fa",
        "IntegrityError",
        4,
        "may have",
    ),
    "damage that is exported": (lambda r: flip(weights(r)), "export EBOX out.tfbs", "IntegrityError", 4, "differ from"),
}


def weights_of(registry):
    return next((registry / "experts" / "EBOX").iterdir()) / "weights.safetensors"


@pytest.mark.parametrize("row", DAMAGE)
def test_a_registry_that_was_damaged(damaged, here, refused, row):
    harm, command, *expected = DAMAGE[row]
    (here / "in.fa").write_text(">a\nACGT\n")
    harm(damaged)
    refused(command, *expected)


MIRRORS = {
    "a folder that is not there": ("/none", "NotFoundError", 3),
    "a file": ("/etc/passwd", "NotFoundError", 3),
    "another protocol": ("ftp://127.0.0.1/x", "NotFoundError", 3),
    "a file by its address": ("file:///etc/passwd", "NotFoundError", 3),
    "no address at all": ("http://", "UsageError", 2),
    "an address with escapes": ("http://\x1b[2J/", "UsageError", 2),
}


@pytest.mark.parametrize("row", MIRRORS)
def test_a_mirror_that_is_none(refused, monkeypatch, row):
    mirror, *expected = MIRRORS[row]
    monkeypatch.setenv("TFBS_HUB_ENCODE_MIRROR", mirror)
    refused("add-expert GATA3 --cell K562", *expected, "")


# -- what must not matter ---------------------------------------------------------------------------

HARMLESS = {
    "no home": {"HOME": None, "XDG_DATA_HOME": None, "XDG_CACHE_HOME": None},
    "a home that is not there": {"HOME": "/nonexistent"},
    "a home that is a file": {"HOME": "/etc/passwd", "XDG_CACHE_HOME": None},
    "no folder for temporary files": {"TMPDIR": "/nonexistent"},
    "a cache that is a file": {"TFBS_HUB_CACHE": "/etc/passwd"},
    "a cache in a device": {"TFBS_HUB_CACHE": "/dev/null/x"},
    "no locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a locale of nobody": {"LC_ALL": "xx_XX.nonsense"},
    "ASCII alone": {"PYTHONIOENCODING": "ascii"},
    "no columns": {"COLUMNS": "0", "LINES": "0"},
    "fewer than no columns": {"COLUMNS": "-1"},
    "columns of words": {"COLUMNS": "wide"},
    "columns without end": {"COLUMNS": "9" * 30},
    "a dumb terminal": {"TERM": "dumb"},
    "no terminal": {"TERM": None},
    "a terminal of nobody": {"TERM": "\x1b[2J"},
    "no colours": {"NO_COLOR": "1", "FORCE_COLOR": None},
    "plug-ins of nobody": {"TFBS_HUB_PLUGINS": "../x,,os:system,\x1b[2J"},
    "threads of words": {"OMP_NUM_THREADS": "many"},
    "no path": {"PATH": ""},
}


@pytest.mark.parametrize("row", HARMLESS)
def test_listing_does_not_mind(process, watched, row):
    before = watched()
    done = process("experts", **HARMLESS[row])
    assert (done.code, "Traceback" in done.err) == (0, False), done
    assert "EBOX" in done.out and "\x1b" not in done.out + done.err
    assert watched() == before


def test_letters_that_the_terminal_lacks_do_not_stop_a_prediction(here, process):
    (here / "é\u202e.fa").write_text(">ä\nACGT\n", encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = process("predict", "é\u202e.fa", "--model", "EBOX", **ascii_only)
    assert (done.code, done.out.splitlines()[1][:4]) == (0, "\\xe4"), done


def test_a_file_whose_name_is_no_text_is_named_all_the_same(here, watched):
    before = watched()
    command = [sys.executable, "-m", "tfbs_hub.cli", "predict", b"\xff\xfe.fa"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode().startswith("error: ") and "no such file" in done.stderr.decode()
    assert watched() == before


CLOSED = {
    "stdin": ("<&-", "predict -", 2),
    "stdout": (">&-", "experts", 0),
    "stderr": ("2>&-", "show NOBODY", 3),
    "all three": ("<&- >&- 2>&-", "experts", 0),
    "all three, and an error": ("<&- >&- 2>&-", "show NOBODY --json", 3),
}


@pytest.mark.parametrize("row", CLOSED)
def test_streams_that_are_closed(here, watched, row):
    how, command, code = CLOSED[row]
    before = watched()
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {how}', "sh", sys.executable, "-m", "tfbs_hub.cli", *command.split()],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    assert watched() == before
