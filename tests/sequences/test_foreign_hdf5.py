"""Files that crash, hang or swell the HDF5 library, and processes that misbehave as such a file could make them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from tfbs_hub.errors import InputError, IntegrityError, StorageError, TfbsHubError
from tfbs_hub.sequences import foreign_hdf5
from tfbs_hub.sequences.foreign_hdf5 import ForeignReader, read_foreign
from tfbs_hub.sequences.hdf5_tree import Limits, Tree
from tfbs_hub.sequences.hdf5_wire import Request, framed
from tfbs_hub.sequences.safe_hdf5 import build, read_tree, write_array

CRASHES = Path(__file__).resolve().parents[1] / "data" / "crashes-the-library.h5"
LIMITS = Limits(1 << 30, 10, 2, records=True)
START = "import sys, os, time; sys.path[:] = sys.argv[1:]\n"
ANSWER = (
    START + "from tfbs_hub.sequences.hdf5_wire import *\n"
    "def answer(data, *more):\n"
    "    sys.stdout.buffer.write(READY); sys.stdout.flush()\n"
    "    sys.stdin.buffer.read(length_of(sys.stdin.buffer.read(PREFIX)))\n"
    "    sys.stdout.buffer.write(data); sys.stdout.flush()\n"
)
DEEP = "empty = Layout({}, {}, {})\nanswer(framed(Answer(Layout({}, {}, {'a': Layout({}, {}, {'b': empty})}))))"
SHORT = (
    "import msgspec\n"
    "layout = [{}, {'a': [[('', '|u1')], [99]]}, {}]\n"
    "answer(framed(msgspec.convert([layout], Answer)) + b'too few')"
)


def made(fill=lambda file: None) -> bytes:
    return build("x", 1, fill)


def same(one: Tree, other: Tree) -> bool:
    return (
        one.attributes == other.attributes
        and list(one.arrays) == list(other.arrays)
        and all(
            (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
            for a, b in zip(one.arrays.values(), other.arrays.values(), strict=True)
        )
        and list(one.groups) == list(other.groups)
        and all(map(same, one.groups.values(), other.groups.values()))
    )


def test_the_other_process_finds_what_this_one_finds(reader):
    def fill(file: h5py.File) -> None:
        file.attrs["text"] = np.bytes_("größer".encode())
        file.attrs["fraction"] = np.float64(0.1)
        file.attrs["small"] = np.float32(0.1)
        file.attrs["wide"] = np.uint64((1 << 64) - 1)
        write_array(file, "größer/zwei", np.arange(5, dtype=">i4"))
        write_array(file, "records", np.array([(b"a", 1.5)], [("name", "S3"), ("value", "<f8")]))
        write_array(file, "none", np.zeros((0, 3)))
        write_array(file, "long", np.random.default_rng(0).normal(size=(1000, 40)))

    data = made(fill)
    expected = read_tree(data, "x", 1, LIMITS, where="file")
    assert same(reader.read(data, "x", 1, LIMITS, where="file"), expected)
    assert same(read_foreign(data, "x", 1, LIMITS, where="file"), expected)


def test_errors_arrive_with_class_place_and_hint(reader):
    with pytest.raises(InputError, match="format version 1; this tfbs-hub reads 2") as caught:
        reader.read(made(), "x", 2, LIMITS, where="a\udcff/run.h5")
    assert (caught.value.where, caught.value.hint) == ("a\udcff/run.h5", "update tfbs-hub")
    linked = made(lambda file: file.__setitem__("a/b", h5py.SoftLink("/c")))
    with pytest.raises(IntegrityError, match="link to another place") as caught:
        reader.read(linked, "x", 1, LIMITS, where="run.h5")
    assert caught.value.where == "run.h5: /a/b"


def test_names_that_are_no_text_are_refused(reader):
    for fill in (
        lambda file: file.create_group(b"\xff"),
        lambda file: file.__setitem__(b"\xff", h5py.SoftLink("/")),
        lambda file: file.attrs.create(b"\xff", 1),
    ):
        with pytest.raises(IntegrityError, match="damaged") as caught:
            reader.read(made(fill), "x", 1, LIMITS, where="run.h5")
        assert caught.value.where == "run.h5"


def test_what_is_no_hdf5_needs_no_process(monkeypatch):
    monkeypatch.setattr(foreign_hdf5, "_started", lambda: pytest.fail("a process was started"))
    with pytest.raises(InputError, match="not an HDF5 file"):
        read_foreign(b"text", "x", 1, LIMITS, where="file")
    with pytest.raises(IntegrityError, match="larger than"):
        read_foreign(made(), "x", 1, Limits(100, 1, 1), where="file")


def test_a_file_that_crashes_the_library_ends_its_reader_alone():
    data = CRASHES.read_bytes()
    with ForeignReader() as reader:
        for _ in range(2):
            with pytest.raises(IntegrityError, match="damaged") as caught:
                reader.read(data, "tfbs-hub-sequences", 1, LIMITS, where="a.h5")
            assert caught.value.where == "a.h5"
            assert reader.read(made(), "x", 1, LIMITS, where="b.h5").attributes["format"] == b"x"
    script = (
        "import sys; from tfbs_hub.sequences.safe_hdf5 import read_tree\n"
        "from tfbs_hub.sequences.hdf5_tree import Limits\n"
        "read_tree(sys.stdin.buffer.read(), 'tfbs-hub-sequences', 1, Limits(1 << 30, 10, 2), where='')"
    )
    here = subprocess.run([sys.executable, "-c", script], input=data, stderr=subprocess.DEVNULL, check=False)
    if here.returncode >= 0:
        pytest.skip("this HDF5 library survives the file: the crash itself was not shown")
    assert "crashed the HDF5 reader (SIG" in caught.value.what


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("answer(b''); os.kill(os.getpid(), 11)", r"crashed the HDF5 reader \(SIGSEGV\)"),
        ("answer(b''); os.abort()", r"crashed the HDF5 reader \(SIGABRT\)"),
        ("answer(b''); os._exit(3)", r"end \(exit status 3\)"),
        ("answer(b''); time.sleep(60)", "took too long"),
        ("answer(b'x'); time.sleep(60)", "took too long"),
        ("answer(b'\\xff' * 8); time.sleep(60)", "talk nonsense"),
        ("answer(b'\\1' + b'\\0' * 7 + b'\\xc1'); time.sleep(60)", "talk nonsense"),
        ("answer((10).to_bytes(8, 'little') + b'\\x93' + b'\\x91' * 9)", "talk nonsense"),
        (DEEP, "than belong here"),
        (SHORT, r"end \(exit status 0\)"),
    ],
)
def test_a_process_that_misbehaves_is_ended_and_means_damage(monkeypatch, script, what):
    monkeypatch.setattr(foreign_hdf5, "_CHILD", ANSWER + script)
    monkeypatch.setattr(foreign_hdf5, "HDF5_SECONDS", 0.5)
    reader = ForeignReader()
    with pytest.raises(IntegrityError, match=what) as caught:
        reader.read(made(), "x", 1, Limits(1 << 20, 10, 1), where="file")
    assert caught.value.where == "file"
    assert reader._process is None


def test_a_process_that_does_not_start_says_nothing_of_the_file(monkeypatch):
    for script in ("raise SystemExit(1)", "print('hello, this is not what was expected')"):
        monkeypatch.setattr(foreign_hdf5, "_CHILD", script)
        with pytest.raises(TfbsHubError, match="cannot be started") as caught:
            read_foreign(made(), "x", 1, LIMITS, where="file")
        assert caught.value.exit_code == 1
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(StorageError):
        read_foreign(made(), "x", 1, LIMITS, where="file")


@pytest.fixture(scope="module")
def swelling() -> bytes:
    """A small file with an array of 48 MiB."""
    return made(lambda file: file.create_dataset("a", data=np.zeros(48 << 20, "u1"), chunks=(1 << 20,), compression=9))


def test_time_runs_out(monkeypatch, swelling):
    monkeypatch.setattr(foreign_hdf5, "HDF5_SECONDS", 0.001)
    monkeypatch.setattr(foreign_hdf5, "HDF5_BYTES_PER_SECOND", 1 << 40)
    with pytest.raises(IntegrityError, match="took too long"):
        read_foreign(swelling, "x", 1, LIMITS, where="file")


def test_memory_runs_out(monkeypatch, swelling):
    monkeypatch.setattr(foreign_hdf5, "HDF5_MEMORY_BYTES", 0)
    with pytest.raises(IntegrityError, match="damaged"):
        read_foreign(swelling, "x", 1, LIMITS, where="file")


def test_a_small_file_may_not_swell_beyond_the_ratio(monkeypatch, swelling):
    monkeypatch.setattr("tfbs_hub.sequences.hdf5_tree.RATIO_FREE_BYTES", 1 << 20)
    assert 250 * len(swelling) < 48 << 20
    with pytest.raises(IntegrityError, match="arrays of more than"):
        read_tree(swelling, "x", 1, LIMITS, where="file")


def test_processor_time_runs_out_even_if_nobody_waits():
    """Whoever started it may have been killed: then no clock of theirs ends it."""
    script = START + (
        "from tfbs_hub.sequences import hdf5_child\n"
        "def spin(*_, **__):\n"
        "    while True: pass\n"
        "confine = hdf5_child.confine\n"
        "def then_spin():\n"
        "    confine(); hdf5_child.read_tree = spin\n"
        "hdf5_child.confine = then_spin; hdf5_child.main()"
    )
    request = framed(Request(0, "x", 1, LIMITS, seconds=0.0, memory=1 << 31))
    done = subprocess.run([sys.executable, "-c", script, *sys.path], input=request, capture_output=True, check=False)
    assert done.returncode == -signal.SIGXCPU


def test_the_process_can_open_nothing_and_imports_little():
    script = START + (
        "import json, resource, socket\n"
        "from tfbs_hub.sequences.hdf5_child import confine\n"
        "confine(); failed = []\n"
        "for open_something in (lambda: open('/dev/null'), socket.socket, os.pipe):\n"
        "    try: open_something()\n"
        "    except OSError as error: failed.append(error.errno)\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "kinds = (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC)\n"
        "print(json.dumps([failed, sorted(heavy), [resource.getrlimit(kind) for kind in kinds]]))"
    )
    done = subprocess.run([sys.executable, "-c", script, *sys.path], capture_output=True, text=True, check=True)
    failed, heavy, limits = json.loads(done.stdout)
    assert failed == [24] * 3
    assert heavy == []
    assert limits == [[0, 0]] * 3


def test_the_process_knows_no_plugins_and_no_folder_of_ours(monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HDF5_PLUGIN_PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    told = "json.dumps([sorted(n for n in os.environ if 'HDF5' in n), os.getcwd(), sys.flags.isolated])"
    monkeypatch.setattr(
        foreign_hdf5, "_CHILD", ANSWER + f"import json; answer(framed(Answer(error=('InputError', {told}, '', None))))"
    )
    with pytest.raises(InputError) as caught:
        read_foreign(made(), "x", 1, LIMITS, where="file")
    assert json.loads(caught.value.what) == [["HDF5_PLUGIN_PRELOAD"], "/", 1]


def test_an_interrupt_takes_the_process_along(monkeypatch):
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with ForeignReader() as reader:
        reader.read(made(), "x", 1, LIMITS, where="file")
        process = reader._process
        monkeypatch.setattr(foreign_hdf5, "_received", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reader.read(made(), "x", 1, LIMITS, where="file")
        assert process.returncode == -signal.SIGKILL


def test_the_process_ends_with_whoever_started_it():
    script = (
        "from tfbs_hub.sequences.foreign_hdf5 import ForeignReader\n"
        "from tfbs_hub.sequences.hdf5_tree import Limits\n"
        "from tfbs_hub.sequences.safe_hdf5 import build\n"
        "reader = ForeignReader()\n"
        "reader.read(build('x', 1, lambda file: None), 'x', 1, Limits(1 << 20, 9, 1), where='')\n"
        "import os; os.write(1, str(reader._process.pid).encode()); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    for _ in range(500):
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{done.stdout}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return  # it has ended, and waits for somebody to ask how
        time.sleep(0.01)
    pytest.fail("the process is still there")
