"""Packages whose manifest climbs out of them, lies, or whose hooks misbehave."""

from __future__ import annotations

import importlib
import json
import os
import sys
import textwrap

import pytest

from tfbs_hub.errors import PluginError


@pytest.fixture
def package(here, monkeypatch, canary):
    """Write an installed package `evil`, with a manifest or with hooks; nothing of it is imported by that."""
    site = here.parent / "site"
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("TFBS_HUB_PLUGINS", "evil")

    def write(*, manifest=None, hooks=None, files=None, group="tfbs_hub.manifest", value="evil"):
        info = site / "evil-0.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[{group}]\nevil = {value}\n")
        folder = site / "evil"
        folder.mkdir()
        # Whoever imports a package that only brings data has been led astray.
        touch = f"import pathlib\npathlib.Path({str(canary)!r}).touch()\n"
        (folder / "__init__.py").write_text(touch if hooks is None else "")
        if manifest is not None:
            (folder / "tfbs_hub.toml").write_bytes(manifest if isinstance(manifest, bytes) else manifest.encode())
        if hooks is not None:
            body = "from tfbs_hub.hookspecs import hookimpl\n" + textwrap.dedent(hooks)
            (folder / "hooks.py").write_text(body)
        for name, data in (files or {}).items():
            (folder / name).write_bytes(data)
        importlib.invalidate_caches()
        return folder

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "evil"]:
        del sys.modules[name]


@pytest.fixture
def one_warning(cli, watched, refused, monkeypatch):
    """A command goes on with one line of warning that says what it must, and a strict one stops; neither writes."""

    def check(command, says):
        before = watched()
        done = cli(command, "--json")
        assert done.code == 0, done
        assert {row["name"] for row in cli("experts", "--json").json["experts"]} == {"EBOX", "ETS"}
        (line,) = done.err.splitlines()
        assert line.startswith("warning: plug-in evil 0.1 failed (") and says in line, line
        assert len(line) < 500 and line.isprintable() and "[" not in line
        assert watched() == before
        monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
        stopped = cli(command, "--json")
        assert (stopped.code, stopped.json["error"]["type"]) == (PluginError.exit_code, "PluginError")
        assert says in stopped.json["error"]["what"]
        assert watched() == before

    return check


ROW = {
    "name": "NEW",
    "tf": "EBOX",
    "architecture": "tfbs_hub.experts.deepbind:DeepBind",
    "weights": "weights.safetensors",
    "sha256": "",
    "card": "card.json",
}

# id: the manifest, words
MANIFESTS = {
    "no TOML": ("api_version = ", "not valid TOML"),
    "no UTF-8": (b"api_version = 1 # \xff", "not valid TOML"),
    "a NUL": (b"api_version = 1\0", "not valid TOML"),
    "brackets": ("api_version = 1\nx = " + "[" * 99_999, "not valid TOML"),
    "a key twice": ("api_version = 1\napi_version = 1", "not valid TOML"),
    "2 MB": ("#" * (2 << 20), "may have"),
    "empty": ("", "api_version: missing"),
    "version 2": ("api_version = 2", "not the version that this tfbs-hub reads"),
    "version 10^4000": ("api_version = " + "9" * 4000, "not the version that this tfbs-hub reads"),
    "version 10^5000": ("api_version = " + "9" * 5000, "not valid TOML"),
    "a key of its own": ("api_version = 1\nhook = 'os:system'", "unknown field `hook`"),
    "experts that are a number": ("api_version = 1\nexpert = 7", "Expected `array`"),
}


@pytest.mark.parametrize("row", MANIFESTS)
def test_a_manifest_that_is_none_is_one_warning(package, one_warning, row):
    manifest, says = MANIFESTS[row]
    package(manifest=manifest)
    one_warning("experts", says)


# id: changes of the row of a good manifest, words
ROWS = {
    "weights upwards": ({"weights": "../../../../etc/passwd"}, "is not a path inside the package"),
    "absolute weights": ({"weights": "/etc/passwd"}, "is not a path inside the package"),
    "weights of Windows": ({"weights": "..\\x"}, "is not a path inside the package"),
    "weights with a NUL": ({"weights": "weights.safetensors\0"}, "is not a path inside the package"),
    "weights of nothing": ({"weights": ""}, "is not a path inside the package"),
    "weights that are a folder": ({"weights": "."}, "is not a path inside the package"),
    "weights of 100,000 letters": ({"weights": "x" * 100_000}, "there is no file 'xxxx"),
    "weights through a link": ({"weights": "out/passwd"}, "leads out of the package through a link"),
    "weights that are a link": ({"weights": "secret"}, "leads out of the package through a link"),
    "weights that are a pipe": ({"weights": "pipe"}, "there is no file"),
    "weights in a circle": ({"weights": "circle"}, "there is no file 'circle'"),
    "a card upwards": ({"card": "../evil-0.1.dist-info/METADATA"}, "is not a path inside the package"),
    "a card that is a link": ({"card": "secret"}, "leads out of the package through a link"),
    "a card that is weights": ({"card": "weights.safetensors"}, "not a valid card"),
    "a gate set upwards": ({"gate_set": "../../x.h5"}, "is not a path inside the package"),
    "a name that is a path": ({"name": "../../EBOX"}, "cannot be the name of an expert"),
    "a name of escapes": ({"name": "\x1b[2JEBOX"}, "cannot be the name of an expert"),
    "a name of markup": ({"name": "[@click=app.quit()]x"}, "cannot be the name of an expert"),
    "a name of 10,000 letters": ({"name": "A" * 10_000}, "cannot be the name of an expert"),
    "another's name": ({"name": "OTHER"}, "the manifest says 'OTHER', the card 'NEW'"),
    "another architecture": ({"architecture": "os:system"}, "the manifest says 'os:system'"),
    "an architecture of code": ({"architecture": "__import__('os')"}, "is not a reference of the form"),
    "a digest of words": ({"sha256": "evil"}, "is not a sha256 digest"),
    "another digest": ({"sha256": "0" * 64}, "the manifest says '0000"),
    "a key of its own": ({"hook": "os:system"}, "unknown field `hook`"),
}


@pytest.fixture
def data(package, parts):
    """Write a package of data alone, with changes to its row."""

    def write(changes, **more):
        card = {**parts.card, "gate_set": {**parts.card["gate_set"], "kind": "none", "digest": ""}, **more}
        row = {**ROW, "sha256": card["weights_sha256"], **changes}
        lines = ["api_version = 1", "[[expert]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
        files = {"card.json": json.dumps(card).encode(), "weights.safetensors": parts.files["weights.safetensors"]}
        folder = package(manifest="\n".join(lines), files=files)
        (folder / "out").symlink_to("/etc")
        (folder / "secret").symlink_to("/etc/passwd")
        (folder / "circle").symlink_to("circle")
        os.mkfifo(folder / "pipe")
        return folder

    return write


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_climbs_out_or_lies_is_one_warning(data, one_warning, row):
    changes, says = ROWS[row]
    data(changes)
    one_warning("experts", says)


def test_the_same_package_without_a_lie_is_taken(data, cli):
    data({})
    done = cli("experts", "--json")
    assert (done.code, done.err) == (0, "")
    assert {row["name"] for row in done.json["experts"]} == {"EBOX", "ETS", "NEW"}


IMPLEMENTATION = "@hookimpl\ndef tfbs_architectures():\n    "
# id: source of the hooks, words
HOOKS = {
    "raise": ("raise RuntimeError('\\x1b[2J[red]bang\\u202e')", "bang"),
    "raise from their own words": (
        "class Evil(Exception):\n    def __str__(self):\n        1 / 0\nraise Evil()",
        "Evil",
    ),
    "exit": ("import sys\nsys.exit('gone')", "tried to exit (status 'gone')"),
    "are no Python": ("def (", "SyntaxError"),
    "import what is not there": ("import nowhere_to_be_found", "nowhere_to_be_found"),
    "recurse": ("def f():\n    return f()\nf()", "RecursionError"),
    "implement nothing": ("x = 1", "it implements no hook"),
    "return a list": (IMPLEMENTATION + "return ['x']", "must return a mapping, not list"),
    "return nothing": (IMPLEMENTATION + "pass", "tfbs_architectures returned None"),
    "return code": (IMPLEMENTATION + "return {'x': '__import__(\"os\").system(\"touch evil\")'}", "is not a reference"),
    "return names of escapes": (IMPLEMENTATION + "return {'\\x1b[2J': 'a:b'}", "tfbs_architectures"),
    "return numbers for names": (IMPLEMENTATION + "return {7: 'a:b'}", "tfbs_architectures"),
    "take the name of ours": (IMPLEMENTATION + "return {'residual': 'evil:x'}", "is taken by"),
    "raise when called": (IMPLEMENTATION + "raise ValueError('later')", "later"),
    "exit when called": (IMPLEMENTATION + "raise SystemExit(0)", "tried to exit (status 0)"),
}


@pytest.mark.parametrize("row", HOOKS)
def test_hooks_that_misbehave_are_one_warning(package, one_warning, row):
    source, says = HOOKS[row]
    package(hooks=source, group="tfbs_hub", value="evil.hooks")
    one_warning("plugins", says)


VALUES = {
    "a dotted name": ("os.path", "is not the name of a top-level package"),
    "a reference": ("os:system", "is not the name of a top-level package"),
    "a path": ("../evil", "is not the name of a top-level package"),
    "a single module": ("this", "is a single module"),
    "what is not there": ("nowhere_to_be_found", "is not installed"),
}


@pytest.mark.parametrize("row", VALUES)
def test_an_entry_point_that_is_no_package_is_one_warning(package, one_warning, row):
    value, says = VALUES[row]
    package(value=value)
    one_warning("experts", says)


# id: changes of the card, error, exit code, words
CARDS = {
    "another architecture": ({"architecture": "os:system"}, "IntegrityError", 4, "describe different networks"),
    "other golden logits": ({"golden": {"sequences": ["ACGT"], "logits": [9.0]}}, "IntegrityError", 4, "golden"),
    "another window": ({"window": 999}, "IntegrityError", 4, "describe different networks"),
}


@pytest.mark.parametrize("row", CARDS)
def test_a_package_whose_card_lies_does_not_come_in(data, refused, row):
    card, error, code, says = CARDS[row]
    data({key: value for key, value in card.items() if key in ROW}, **card)
    refused("enable NEW", error, code, says)


def test_damaged_weights_of_a_package_do_not_come_in(data, refused):
    folder = data({})
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    refused("enable NEW", "IntegrityError", 4, "these bytes differ from their digest")
