"""A process that has imported everything and forks a child for each command: a second of imports is paid once.

Reads one order a line as JSON on stdin and answers each with one line on stdout:

    {"start": {"words": [...], "environment": {...}, "hold": true}}   -> {"pid": 123}
    {"wait": 123}                                                     -> {"code": 0, "said": "..."}

A child runs `tfbs-hub WORDS`, or the worker if the first word is `worker`; its stderr is collected, and a worker's
stdout. `hold` lets it stop before it does anything, so that a tracer can be attached; SIGCONT lets it go on. `limit` is
the largest file it may write, and `record` a file for what the recorder sees of it. A code below zero is the signal
that ended it.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from harness.recorder import recording

MODULES = (
    "tfbs_hub.worker",
    "tfbs_hub.cli.app",
    *(
        f"tfbs_hub.cli.commands.{name}_"
        for name in ("add_expert", "disable", "enable", "evaluate", "export", "import", "retrain_gate", "rollback")
    ),
    *(
        f"tfbs_hub.workflows.{name}"
        for name in ("add_expert", "admission", "evaluate", "make_expert", "newcomer", "retrain_gate", "shelf")
    ),
    "tfbs_hub.builtin",
    "tfbs_hub.sources.jaspar",
    "torch._dynamo",
    "pyjaspar",
    "rich.progress",
    "rich.table",
    "scipy.optimize",
    "scipy.stats",
    "encodings.cp437",
)


def main() -> None:
    for name in MODULES:
        importlib.import_module(name)
    said: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            pid, said_by = _start(order["start"])
            said[pid] = said_by
            answer: dict[str, Any] = {"pid": pid}
        else:
            pid = order["wait"]
            with os.fdopen(said.pop(pid), "rb") as stream:
                text = stream.read().decode(errors="replace")
            answer = {"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "said": text}
        print(json.dumps(answer), flush=True)


def _start(order: dict[str, Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _become(order, writing)
    os.close(writing)
    if order.get("hold"):
        os.waitpid(pid, os.WUNTRACED)
    return pid, reading


def _become(order: dict[str, Any], said: int) -> NoReturn:
    code = 70
    try:
        for number in range(3):
            signal.signal((signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)[number], signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for handle, source in ((0, nothing), (1, said if order["words"][0] == "worker" else nothing), (2, said)):
            os.dup2(source, handle)
        sys.stdin, sys.stdout, sys.stderr = (open(number, mode) for number, mode in enumerate("rww"))  # noqa: SIM115, PTH123
        os.environ.update(order["environment"])
        os.chdir(order["environment"]["HOME"])
        if "limit" in order:
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], order["limit"]))
        if order.get("hold"):
            os.kill(os.getpid(), signal.SIGSTOP)
        code = _recorded(order) if "record" in order else _run(order["words"])
    finally:
        sys.stderr.flush()
        os._exit(code)


def _recorded(order: dict[str, Any]) -> int:
    with recording(Path(order["environment"]["TFBS_HUB_REGISTRY"])) as recorder:
        code = _run(order["words"])
    Path(order["record"]).write_text(json.dumps([[each.kind, each.other or each.path] for each in recorder.events]))
    return code


def _run(words: list[str]) -> int:
    try:
        if words[0] == "worker":
            from tfbs_hub import worker

            os.dup2(os.pipe()[0], 0)  # its end would stop the worker
            return worker.main(words[1:])
        from tfbs_hub.cli import main as command_line

        sys.argv = ["tfbs-hub", *words]
        command_line()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


if __name__ == "__main__":
    main()
