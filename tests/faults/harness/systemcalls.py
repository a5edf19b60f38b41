"""The system calls of a running process, as the kernel sees them: written down, made to fail, or deadly (strace)."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Call", "calls", "reason_to_skip", "traced"]

_CHANGING = """
creat write pwrite64 writev pwritev pwritev2 fsync fdatasync link linkat rename renameat renameat2 mkdir mkdirat unlink
unlinkat rmdir truncate ftruncate fallocate utime utimes utimensat copy_file_range sendfile symlink symlinkat mknod
mknodat chmod fchmod fchmodat setxattr fsetxattr
"""
_LOOKING = """
read pread64 readv stat lstat fstat newfstatat statx getdents64 access faccessat faccessat2 flock readlink
"""
CHANGING = frozenset(_CHANGING.split())
LOOKING = frozenset(_LOOKING.split())
OPENING = frozenset({"open", "openat", "openat2"})

_LINE = re.compile(r"(?:(?P<pid>\d+) +)?(?P<name>\w+)\((?P<told>.*)")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"|<((?:[^<>\\]|\\.)*)>')


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that touched a folder.

    Attributes:
        name: of the system call.
        turn: how many calls of this name the process had made, this one included.
        path: what it was about, relative to the folder; the new name of a link or a rename.
        changes: False if it only looked.
        failed: True if it had no effect.
        hit: True if it was made to fail.
    """

    name: str
    turn: int
    path: str
    changes: bool
    failed: bool
    hit: bool


def calls(log: Path, root: Path) -> list[Call]:
    """What a log says of the calls that touched `root` or anything in it."""
    turns: Counter[tuple[str | None, str]] = Counter()
    found: list[Call] = []
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name = match["name"]
        turns[match["pid"], name] += 1
        paths = _inside(match["told"], str(root))
        if paths:
            changes = name in CHANGING or (name in OPENING and "O_CREAT" in line)
            failed, hit = " = -1 " in line, "(INJECTED)" in line
            turn = turns[match["pid"], name]
            found.append(Call(name=name, turn=turn, path=paths[-1], changes=changes, failed=failed, hit=hit))
    return found


def _inside(told: str, root: str) -> list[str]:
    """The paths beneath `root` among a call's arguments; a name after an open folder is a name in it."""
    arguments = told.rpartition(") = ")[0] or told
    found: list[str] = []
    folder = ""
    for quoted, opened in _PATH.findall(arguments):
        path = quoted or opened
        if quoted and not path.startswith("/") and folder:
            path = f"{folder}/{path}"
            if found and found[-1] == os.path.relpath(folder, root):
                found.pop()
        folder = opened
        if path == root or path.startswith(f"{root}/"):
            found.append(os.path.relpath(path, root))
    return found


@contextmanager
def traced(pid: int, log: Path, *, fault: str = "", at: Call | None = None) -> Iterator[None]:
    """Follow a process that has stopped itself, let it go on, and see it to its end.

    Args:
        log: where to write what it calls; what its own processes and threads call, too, unless there is a fault.
        fault: the name of an error, or KILL: what happens to the call `at`. Others than this process meet none.
    """
    names = ",".join(f"?{name}" for name in sorted(CHANGING | LOOKING | OPENING))
    words = ["strace", "-y", "-s", "0", "-o", str(log), "-e", f"trace={names}", "-p", str(pid)]
    if at is None:
        words.append("-f")
    else:
        what = "signal=SIGKILL" if fault == "KILL" else f"error={fault}"
        words += ["-e", f"inject={at.name}:{what}:when={at.turn}"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            for line in tracer.stderr:
                if "attached" in line:
                    break
            else:
                raise OSError(errno.EPERM, "strace cannot attach to a process here")
            os.kill(pid, signal.SIGCONT)
            yield
            tracer.communicate(timeout=120)
        except BaseException:
            tracer.kill()
            raise


def reason_to_skip() -> str:
    """Why nothing can be traced here; empty if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            words = ["strace", "-o", os.devnull, "-p", str(process.pid)]
            with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
                said = tracer.stderr.readline()
                tracer.terminate()
        finally:
            process.kill()
    return "" if "attached" in said else f"strace cannot attach to a process here: {said.strip()}"
