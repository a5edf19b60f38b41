"""Runs commands in forks of a process that has loaded everything: each with little memory and little time.

Reads a request (JSON) a line from stdin, and answers with a line: the exit code, or minus the signal that ended it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

# What the commands would load anyway: what is loaded before the fork is not counted as the command's own memory.
import h5py  # noqa: F401
import pyfaidx  # noqa: F401
import safetensors.torch  # noqa: F401
import torch

from tfbs_hub.cli.app import run
from tfbs_hub.workflows import admission, explain, predict, shelf  # noqa: F401


def address_space() -> int:
    """Bytes of address space that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def child(request: dict[str, Any]) -> NoReturn:
    """Become the command."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for descriptor, path, flags in (
        (0, request["stdin"], os.O_RDONLY),
        (1, request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        os.dup2(os.open(path, flags, 0o600), descriptor)
    limit = address_space() + (request["megabytes"] << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.alarm(request["seconds"])
    sys.argv = ["tfbs-hub", *request["arguments"]]
    sys.stdin = os.fdopen(0)
    try:
        run()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    else:
        code = 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Answer requests until stdin ends."""
    torch.set_num_threads(1)
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
