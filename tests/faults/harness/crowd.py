"""Several writers and readers at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest import mock

from harness import steps
from harness.commands import Bench
from harness.figures import Figures
from harness.health import complaints

from tfbs_hub.registry import history

__all__ = ["crowd_of_commands", "crowd_of_writers"]

READERS = 2


def crowd_of_writers(folder: Path, writers: int, changes: int, *, locks: bool) -> Figures:
    """Writers through the storage layer, with readers beside them, with or without a lock that holds."""
    found = Figures(f"{writers} writers at once, {'with the lock' if locks else 'without any lock'} (storage layer)")
    registry = folder / "registry"
    steps.make_base(registry)
    first = steps.open_folder(registry).head().number
    patch = nullcontext() if locks else mock.patch.object(history, "advisory_lock", lambda path: nullcontext())
    with patch, _reading(registry, folder / "enough") as read:
        codes = _codes([_start(_write, registry, writer, changes) for writer in range(writers)])
    found.cases = writers * changes
    wrong = complaints(registry, {})
    wrong += [f"a writer ended with {code}" for code in codes if code] + [
        f"{bad} readers failed" for bad in read if bad
    ]
    wrong += _missing(registry, first, writers, changes)
    found.bad += wrong
    found.note = f"{found.cases - len(wrong)} of {found.cases} changes are there; {READERS} readers"
    return found


def _write(registry: Path, writer: int, changes: int) -> None:
    """One change of each kind after another; each leaves its own trace, and none undoes another's."""
    for place in range(changes):
        name = f"W{writer}_{place // 4 * 4}"
        kind = place % 4
        if kind == 0:
            steps.add(registry, name)
        elif kind == 1:
            steps.open_folder(registry).set_enabled(name, False)
        elif kind == 2:
            steps.open_folder(registry).set_enabled(name, True)
        else:
            steps.open_folder(registry).place_evaluation(name, name.encode() * 20)


def _missing(registry: Path, first: int, writers: int, changes: int) -> list[str]:
    """What of all the changes is not in the history, or not in the state."""
    opened = steps.open_folder(registry)
    actions = Counter(info.action.partition("@")[0] for info in opened.generations() if info.number > first)
    runs = {path.stem: path.read_bytes() for path in opened.evaluations()}
    wrong = []
    expected: Counter[str] = Counter()
    for writer in range(writers):
        for place in range(changes):
            name = f"W{writer}_{place // 4 * 4}"
            if place % 4 == 3:
                wrong += [] if runs.get(name) == name.encode() * 20 else [f"the run {name} is not there"]
            else:
                expected[f"{('add-expert', 'disable', 'enable')[place % 4]} {name}"] += 1
    wrong += [
        f"{action}: {actions[action]} times" for action in expected | actions if actions[action] != expected[action]
    ]
    experts = opened.head().experts
    return wrong + [f"{action} is not in the state" for action in expected if action.split()[1] not in experts]


def crowd_of_commands(bench: Bench, writers: int, changes: int) -> Figures:
    """Commands that add, disable and enable experts, `writers` at any time; `verify` and `experts` run beside them."""
    found = Figures(f"{writers} commands at once")
    bench.anew()
    first = steps.open_folder(bench.registry).head().number
    names = [f"W{writer}" for writer in range(writers)]
    lines = {name: _commands(bench, name, changes) for name in names}
    for turn in range(changes):
        running = [bench.start(*lines[name][turn]) for name in names]
        running += [bench.start("experts"), bench.start("verify")]
        for pid in running:
            ended = bench.wait(pid)
            found.bad += [f"turn {turn}: {ended.code} {ended.said[-300:]}"] if ended.code else []
    found.cases = writers * changes
    actions = Counter(each.action for each in steps.open_folder(bench.registry).generations() if each.number > first)
    there = sum(actions.values())
    found.bad += [f"{there} generations instead of {found.cases}"] if there != found.cases else []
    for name in names:
        told = [count for action, count in actions.items() if action.partition("@")[0].split()[1] == name]
        found.bad += [f"{name}: {told}"] if sum(told) != changes else []
    found.bad += complaints(bench.registry, bench.before)
    found.note = f"{there} of {found.cases} changes are there"
    return found


def _commands(bench: Bench, name: str, changes: int) -> list[tuple[str, ...]]:
    path = bench.folder / f"{name}.meme"
    rows = "\n".join(" ".join("1" if letter == base else "0" for base in "ACGT") for letter in "CACGTGAC")
    header = f"MEME version 4\n\nALPHABET= ACGT\n\nMOTIF {name} {name}\n"
    path.write_text(f"{header}letter-probability matrix: alength= 4 w= 8\n{rows}\n")
    adding = ("add-expert", name, "--motif", str(path), "--window", "61", "--no-gate-data")
    return [adding, *((("disable", "enable")[place % 2], name) for place in range(changes - 1))]


@contextmanager
def _reading(registry: Path, enough: Path) -> Iterator[list[int | None]]:
    """Readers that go on until the block ends; the list says then how each of them ended."""
    codes: list[int | None] = []
    readers = [_start(_read, registry, enough) for _ in range(READERS)]
    try:
        yield codes
    finally:
        enough.touch()
        codes += _codes(readers)


def _read(registry: Path, enough: Path) -> None:
    newest = 0
    while not enough.exists():
        opened = steps.open_folder(registry)
        number = opened.head().number
        if number < newest:
            raise RuntimeError("the registry went back")
        newest = number
        for spec in opened.experts():
            opened.read_weights(spec)
        gate = opened.gate()
        if gate is None or any(finding.severity == "error" for finding in opened.verify()):
            raise RuntimeError("the registry is damaged")


def _start(work: Callable[..., None], *arguments: object) -> BaseProcess:
    """A copy of this process, locks and all, that does some work and ends."""
    child = get_context("fork").Process(target=work, args=arguments)
    child.start()
    return child


def _codes(children: list[BaseProcess]) -> list[int | None]:
    """How each of them ended."""
    for child in children:
        child.join()
    return [child.exitcode for child in children]
