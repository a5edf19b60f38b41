"""A small limit on the size of files, which cuts writes short and then refuses them."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import steps
from harness.commands import Bench, Command
from harness.figures import Figures
from harness.health import complaints, files
from harness.steps import Step

from tfbs_hub.errors import StorageError

__all__ = ["limit_command", "limit_steps"]

REFUSED, DONE = 3, 0


def limit_steps(folder: Path, sizes: Callable[[int], Sequence[int]]) -> Figures:
    """Let every small change meet a limit; `sizes` chooses limits up to the largest file."""
    found = Figures("file-size limit (storage layer)")
    base = folder / "base"
    steps.make_base(base)
    before = files(base)
    refused = 0
    for step in steps.STEPS:
        if step.name == "collect":  # it writes nothing
            continue
        for limit in sizes(3000):
            place = folder / "limited"
            shutil.copytree(base, place)
            code = _limited(step, place, limit)
            refused += code == REFUSED
            found.count(f"{step.name}, {limit} bytes", _wrong(step, place, before, code))
            shutil.rmtree(place)
    found.note = f"{refused} were refused"
    return found


def _limited(step: Step, place: Path, limit: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            step.run(place)
            code = DONE
        except StorageError:
            code = REFUSED
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _wrong(step: Step, place: Path, before: dict[str, bytes], code: int) -> list[str]:
    found = complaints(place, before)
    if found:
        return found
    if code not in {DONE, REFUSED}:
        return [f"it ended with {code}"]
    registry = steps.open_folder(place)
    if step.done(registry) != (code == DONE):
        return ["done and not said" if code else "said and not done"]
    if code == DONE:
        return []
    step.run(place)
    return complaints(place, before) if step.done(registry) else ["it cannot be done again"]


def limit_command(bench: Bench, command: Command, sizes: Callable[[int], Sequence[int]]) -> Figures:
    """Let a command meet limits up to the largest file that it makes."""
    found = Figures(f"file-size limit: {command.name}")
    bench.anew()
    bench.run(*bench.typed(command))
    made = files(bench.registry)
    largest = max(len(data) for path, data in made.items() if path not in bench.before)
    refused = 0
    for limit in sizes(largest):
        bench.anew()
        ended = bench.run(*bench.typed(command), limit=limit)
        refused += ended.code != 0
        found.count(f"{limit} bytes", bench.wrong(command, ended))
    found.note = f"{refused} were refused"
    return found
