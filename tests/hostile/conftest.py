"""Bad input meets the real command line: one clear error, the right exit code, and nothing written anywhere.

Every test module here is a table of one kind of bad input. A row says how the input is made, and the class, the exit
code and the words of the error that it must end in; `refused` does the rest. One registry serves all rows, for none of
them may change it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tfbs_hub.cards import canonical_json
from tfbs_hub.cli.text import plain

AT_MOST = 2500
"""Letters of an error, whatever the input quotes."""
ROOT = Path(__file__).resolve().parents[2]


def controls(text: str) -> set[str]:
    """The control and direction-changing characters in a text, but for the line feed."""
    return {letter for letter in text if letter != "\n" and unicodedata.category(letter)[0] == "C"}


def state(top: Path, *, to_the_folder: bool = False) -> dict[str, tuple[object, ...]]:
    """All that lies in a folder: kind, mode, time of change, and digest or target of everything.

    With `to_the_folder` the times of folders count too: not even a file that was removed again goes unseen.
    """
    found: dict[str, tuple[object, ...]] = {}
    for path in (top, *sorted(top.rglob("*"))) if top.exists() else ():
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        told = (kind, stat.S_IMODE(status.st_mode))
        if kind == stat.S_IFLNK:
            found[str(path)] = (*told, str(path.readlink()))
        elif kind == stat.S_IFREG:
            content = digest(path.read_bytes()) if status.st_size < 1 << 30 else "too large to be read"
            found[str(path)] = (*told, status.st_mtime_ns, status.st_size, content)
        else:
            found[str(path)] = (*told, status.st_mtime_ns if to_the_folder else 0)
    return found


@pytest.fixture(scope="session")
def shared_registry(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the trained registry for all rows of all tables."""
    folder = tmp_path_factory.mktemp("hostile") / "registry"
    shutil.copytree(trained.registry, folder)
    return folder


@pytest.fixture
def here(tmp_path: Path, shared_registry: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test: empty, with folders for temporary files and for the user's home beside it."""
    folder, temporary = tmp_path / "here", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("TFBS_HUB_REGISTRY", str(shared_registry))
    return folder


@pytest.fixture
def watched(here: Path, shared_registry: Path) -> Callable[[], dict[str, tuple[object, ...]]]:
    """The state of the registry, of the current folder, of temporary files, and of all of the user's own folders.

    Nothing is exempt, the cache neither; but only the registry's folders show files that came and went again.
    """
    home = Path(os.environ["HOME"])

    def look() -> dict[str, tuple[object, ...]]:
        elsewhere = (here, here.parent / "temporary", home)
        found = state(shared_registry, to_the_folder=True)
        return found | {path: told for folder in elsewhere for path, told in state(folder).items()}

    return look


@pytest.fixture
def cli(here: Path, cli: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command as the console script does, in the folder of the test."""
    return cli


@pytest.fixture
def refused(cli: Callable[..., Any], watched: Callable[[], object]) -> Callable[..., None]:
    """Run a command with `--json` and as text, and check that it ends in one error and leaves nothing behind.

    `text=False` leaves the second out, where each run costs a process.
    """

    def check(
        arguments: str | list[object], error: str, code: int, says: str, *, stdin: bytes = b"", text: bool = True
    ) -> None:
        words = arguments.split() if isinstance(arguments, str) else arguments
        before = watched()
        as_json = cli(*words[:1], "--json", *words[1:], stdin=stdin)
        as_text = cli(*words, stdin=stdin) if text else None
        assert watched() == before, "something was written"
        check_json(as_json, error, code, says)
        if as_text is not None:
            check_text(as_text, code, says)

    return check


def check_json(done: Any, error: str, code: int, says: str) -> None:
    """One JSON document with the error, and nothing else but perhaps narration on stderr."""
    assert "Traceback" not in done.err, done.err
    assert not controls(done.err), done.err
    assert not controls(done.out), done.out
    report = done.json
    assert (report["schema_version"], set(report)) == (1, {"schema_version", "error"})
    found = report["error"]
    place = "" if found["where"] is None else f"{found['where']}: "
    assert (found["type"], done.code, found["exit_code"]) == (error, code, code), found
    assert says in plain(f"{place}{found['what']}\n{found['hint'] or ''}"), found


def check_text(done: Any, code: int, says: str) -> None:
    """Nothing on stdout; on stderr one error that says what it must."""
    assert (done.code, done.out) == (code, ""), done
    assert "Traceback" not in done.err, done.err
    assert not controls(done.err), done.err
    assert len(done.err) < AT_MOST, "what is foreign is quoted without end"
    assert done.err.lower().count("error: ") == 1, done.err
    assert says in done.err, done.err


# -- processes --------------------------------------------------------------------------------------


@pytest.fixture
def process(here: Path, outcome: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command in a process of its own; a variable that is None is taken out of its environment."""

    def call(*arguments: object, stdin: Any = subprocess.DEVNULL, **variables: str | None) -> Any:
        changed = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        done = subprocess.run(
            [sys.executable, "-m", "tfbs_hub.cli", *map(str, arguments)],
            env={name: value for name, value in changed.items() if value is not None},
            stdin=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


# -- forged bundles ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """What a bundle is made of: the card as plain values, and the bytes of the other files by name."""

    card: dict[str, Any]
    files: dict[str, bytes]

    def bundle(self, **changes: Any) -> bytes:
        """A bundle in which every digest fits what is in it; `changes` go into its manifest."""
        return zipped(self.members(**changes))

    def members(self, **changes: Any) -> dict[str, bytes]:
        """The members of such a bundle."""
        card = {**self.card, "weights_sha256": digest(self.files["weights.safetensors"])}
        return listed({**self.files, "card.json": canonical_json(card)}, self.card.get("name", "NEW"), **changes)


def digest(data: bytes) -> str:
    """The sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def listed(given: Mapping[str, bytes], called: str = "NEW", /, **changes: Any) -> dict[str, bytes]:
    """Files, and before them the manifest that lists them."""
    rows = {each: {"sha256": digest(data), "size": len(data)} for each, data in given.items()}
    manifest = {"format": "tfbs-hub-bundle", "format_version": 1, "kind": "expert", "name": called, "files": rows}
    return {"bundle.json": canonical_json(manifest | changes), **given}


def zipped(members: Mapping[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    """A zip of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def parts(shared_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """The parts of a good bundle, of an expert called NEW that the registry does not have."""
    from tfbs_hub import Hub

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFBS_HUB_PLUGINS", "")
        path = Hub.open(shared_registry).export_expert("EBOX", tmp_path_factory.mktemp("bundle") / "EBOX.tfbs")
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    card = json.loads(files.pop("card.json"))
    del files["bundle.json"]
    return Parts({**card, "name": "NEW"}, files)


@pytest.fixture(scope="session")
def forge_bundle() -> Callable[..., bytes]:
    """A bundle of these files, in which every digest fits; keywords change its manifest."""
    return lambda files, **changes: zipped(listed(files, **changes))


@pytest.fixture(scope="session")
def forge_zip() -> Callable[..., bytes]:
    """A zip of members: names, or how a member is kept, and bytes."""
    return zipped


@pytest.fixture(scope="session")
def safetensors() -> Callable[..., bytes]:
    """A safetensors file with this header (JSON text, or an object), whatever its body holds."""

    def forge(header: bytes | object, body: bytes = b"", *, claim: int | None = None) -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text) if claim is None else claim) + text + body

    return forge


@pytest.fixture
def canary(here: Path) -> Iterator[Path]:
    """A file that only foreign code would write."""
    path = here.parent / "foreign code ran"
    yield path
    assert not path.exists(), "foreign code ran"


# -- little memory ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def fork_server() -> Iterator[subprocess.Popen[str]]:
    """The process that `forked.py` describes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    script = Path(__file__).with_name("forked.py")
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as server:
        yield server
        server.stdin.close()


@pytest.fixture
def starved(
    fork_server: subprocess.Popen[str],
    here: Path,
    watched: Callable[[], object],
    tmp_path: Path,
    outcome: Callable[..., Any],
) -> Callable[..., None]:
    """As `refused`, in a process that may take only so many more megabytes than loading tfbs-hub takes, and seconds."""

    def check(
        arguments: list[object],
        error: str,
        code: int,
        says: str,
        *,
        megabytes: int = 256,
        seconds: int = 60,
        stdin: Path = Path(os.devnull),
    ) -> None:
        before = watched()
        request = {
            "arguments": [*map(str, arguments[:1]), "--json", *map(str, arguments[1:])],
            "folder": str(here),
            "environment": {**os.environ, "PYTHONPATH": str(ROOT)},
            "stdin": str(stdin),
            "stdout": str(tmp_path / "stdout"),
            "stderr": str(tmp_path / "stderr"),
            "megabytes": megabytes,
            "seconds": seconds,
        }
        fork_server.stdin.write(json.dumps(request) + "\n")
        fork_server.stdin.flush()
        ended = int(fork_server.stdout.readline())
        done = outcome(ended, (tmp_path / "stdout").read_text(), (tmp_path / "stderr").read_text())
        assert watched() == before, "something was written"
        assert ended == code, done
        check_json(done, error, code, says)

    return check
