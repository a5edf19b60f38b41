"""Text from data that would like to do something to the terminal it is shown on: it is shown, and does nothing."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DNA = b"ACGT" * 15 + b"A"

TEXTS = {
    "clears the screen": "\x1b[2J\x1b[H",
    "sets the title": "\x1b]0;root@bank\x07",
    "fills the clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "makes a link": "\x1b]8;;http://example.org\x1b\\click\x1b]8;;\x1b\\",
    "asks the terminal": "\x1b[6n\x1b[c\x05",
    "defines a key": '\x1b[0;59;"rm -rf ~";13p',
    "is a C1 control": "\x9b31m\x9d0;x\x9c\x90q\x9c",
    "goes back": "good\rEVIL\x08\x08",
    "changes the direction": "\u202egpj.exe\u2066x\u2069\u200f",
    "cannot be seen": "a\u200bb\ufeffc\u00ad\U000e0041",
    "rings": "\x07" * 50,
    "is markup": "[bold red][@click=app.quit()]x[/] [link=file:///etc/passwd]y[/link] [/nonsense]",
    "is HTML": "<script>alert(1)</script>&amp;<img src=x onerror=alert(1)>",
    "is half a letter": "\udc9b\udcff",
    "is a tower of accents": "a" + "\u0301" * 2000,
}
CONTROLS = {row for row in TEXTS if any(unicodedata.category(each)[0] == "C" for each in TEXTS[row])}


def safe(text):
    """True if no character of a text does anything but be shown (or end a line, or a column)."""
    return all(unicodedata.category(each)[0] != "C" for each in text.replace("\n", "").replace("\t", ""))


@pytest.fixture
def harmless(cli):
    """Run a command, as text and as JSON, and check that what it shows does nothing."""

    def check(*arguments, code=0, stdin=b""):
        for words in (arguments, (*arguments[:1], "--json", *arguments[1:])):
            done = cli(*words, stdin=stdin)
            assert done.code == code, done
            assert safe(done.out) and safe(done.err), done
            assert "Traceback" not in done.err

    return check


def raw(row):
    return TEXTS[row].encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("row", TEXTS)
def test_the_id_of_a_sequence(here, harmless, row):
    word = raw(row).replace(b" ", b"_").replace(b"\r", b"_")
    (here / "in.fa").write_bytes(b">" + word + b"\n" + DNA + b"\n")
    harmless("predict", "in.fa")
    (here / "long.fa").write_bytes(b">" + word + b"\n" + DNA * 9 + b"\n")
    harmless("predict", "long.fa", code=2)


@pytest.mark.parametrize("row", TEXTS)
def test_the_id_of_an_event(here, harmless, row):
    word = raw(row).replace(b"\t", b"_")
    (here / "in.seq").write_bytes(b"A\t" + word + b"\t" + DNA + b"\t1\n")
    harmless("predict", "in.seq")


@pytest.mark.parametrize("row", TEXTS)
def test_the_name_of_a_file(here, harmless, row):
    name = os.fsdecode(raw(row).replace(b"/", b"_")[:200] + b".fa")
    Path(name).write_bytes(b">a\n" + DNA + b"\n")
    harmless("predict", name)
    Path(name).write_bytes(b">a\nX\n")
    harmless("predict", name, code=2)
    harmless("predict", f"{name}.none", code=3)
    harmless("predict", "-", "-o", f"none/{name}", code=3, stdin=DNA)


@pytest.mark.parametrize("row", TEXTS)
def test_what_a_package_says_of_itself(here, harmless, package_that_says, row):
    package_that_says(TEXTS[row].encode("utf-8", "backslashreplace").decode())
    for command in (["experts"], ["show", "NEW"], ["plugins"]):
        harmless(*command)


@pytest.mark.parametrize("row", sorted(CONTROLS))
def test_what_a_plugin_raises(here, cli, package_that_says, row):
    package_that_says(None, raises=TEXTS[row])
    done = cli("plugins")
    assert done.code == 0 and safe(done.out) and safe(done.err)
    traced = cli("plugins", "--traceback")
    assert traced.code == 0 and safe(traced.out) and safe(traced.err)
    assert safe(cli("plugins", "--json").out)


@pytest.fixture
def package_that_says(here, monkeypatch, parts):
    """Install a package whose card holds a text wherever there is room for one, or whose hooks raise it."""
    site = here.parent / "site"
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("TFBS_HUB_PLUGINS", "evil")

    def write(text, raises=None):
        folder = site / "evil"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        info = site / "evil-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 0.1\n")
        group, value = ("tfbs_hub.manifest", "evil") if raises is None else ("tfbs_hub", "evil.hooks")
        (info / "entry_points.txt").write_text(f"[{group}]\nevil = {value}\n")
        if raises is not None:
            (folder / "hooks.py").write_text(f"raise RuntimeError({raises!a})\n")
            return
        card = talking(parts.card, text)
        row = {"name": "NEW", "tf": card["tf"], "architecture": card["architecture"], "card": "card.json"}
        row |= {"weights": "weights.safetensors", "sha256": card["weights_sha256"]}
        lines = [
            "api_version = 1",
            "[[expert]]",
            *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items()),
        ]
        (folder / "tfbs_hub.toml").write_text("\n".join(lines).replace("\x7f", "\\u007f"), encoding="utf-8")
        (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
        (folder / "weights.safetensors").write_bytes(parts.files["weights.safetensors"])

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "evil"]:
        del sys.modules[name]


def talking(card, text):
    """A card that says `text` wherever it may say anything."""
    file = {"name": text, "sha256": "0" * 64, "rows": 1}
    said = {"tf": text, "family": text, "cell": text, "licence": text, "citation": text}
    said["provenance"] = {**card["provenance"], "source": text, "note": text, "negatives": text, "files": [file]}
    said["metrics"] = [{"name": text, "value": 0.5, "data": text, "rows": 1}]
    said["gate_set"] = {**card["gate_set"], "kind": "none", "digest": ""}
    said["versions"] = {text: text}
    said["extra"] = {text: text}
    return {**card, **said}


def test_a_bundle_that_talks_is_quoted(here, harmless, parts):
    for row in ("clears the screen", "is a C1 control", "changes the direction"):
        name = TEXTS[row].encode("utf-8", "backslashreplace").decode()
        (here / "in.tfbs").write_bytes(replace(parts, card={**parts.card, "name": name}).bundle())
        harmless("import", "in.tfbs", code=2)


@pytest.mark.parametrize("row", ["fills the clipboard", "is a C1 control"])
def test_on_a_real_terminal(here, row):
    """What reaches a terminal has, besides line ends, only the colours that tfbs-hub gives itself."""
    (here / "in.fa").write_bytes(b">" + raw(row).replace(b" ", b"_") + b"\nX\n")
    leader, follower = pty.openpty()
    got = []

    def listen():
        try:
            while data := os.read(leader, 65536):
                got.append(data)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=listen)
    reader.start()
    command = [sys.executable, "-m", "tfbs_hub.cli", "predict", "in.fa", "--model", TEXTS[row]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "NO_COLOR": "1"}
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        assert process.wait(60) == 3
    os.close(follower)
    reader.join(10)
    os.close(leader)
    shown = b"".join(got).decode()
    assert "there is no expert" in shown
    assert safe(shown.replace("\r\n", "\n"))
