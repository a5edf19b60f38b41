"""Power cuts: recorded changes, replayed with any part of what was not synced lost."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from harness.disk import Contents, History, chances, extremes, materialise, missed
from harness.studio import Trace

__all__ = ["Survey", "judge", "survey", "without_each_sync"]


@dataclass
class Survey:
    """What was found.

    Attributes:
        states: how many were looked at.
        distinct: how many of them differ, leftovers in `tmp/` aside.
        bad: what was wrong, with the trace and the moment.
    """

    states: int = 0
    seen: set[bytes] = field(default_factory=set)
    bad: list[str] = field(default_factory=list)

    @property
    def distinct(self) -> int:
        return len(self.seen)


def survey(traces: Sequence[Trace], count: int, scratch: Path, seed: int = 0) -> Survey:
    """Look at `count` states: first what is lost and kept at the end of each trace, then by chance."""
    found = Survey()
    draw = random.Random(seed)
    histories = [trace.history() for trace in traces]
    endings = (
        (trace, history, *next(extremes(history, [history.length])))
        for trace, history in zip(traces, histories, strict=True)
    )
    for trace, history, moment, contents in _limited(endings, _drawn(traces, histories, draw), count):
        found.states += 1
        found.seen.add(_digest(trace, moment, history, contents))
        wrong = judge(trace, history, moment, contents, scratch)
        found.bad += [f"{trace.name}, after {moment} of {history.length}: {what}" for what in wrong[:1]]
    return found


def _limited(first: Iterator[tuple], then: Iterator[tuple], count: int) -> Iterator[tuple]:
    for _ in range(count):
        yield next(first, None) or next(then)


def _drawn(traces: Sequence[Trace], histories: Sequence[History], draw: random.Random) -> Iterator[tuple]:
    sources = [chances(history, draw) for history in histories]
    while True:
        at = draw.randrange(len(traces))
        yield (traces[at], histories[at], *next(sources[at]))


def _digest(trace: Trace, moment: int, history: History, contents: Contents) -> bytes:
    """Two states are the same if the same is visible and the same was promised."""
    seal = sha256(repr((trace.name, history.promised(moment))).encode())
    for path, data in contents.tree():
        if "/tmp/" not in f"/{path}/":
            seal.update(f"\n{path}\n".encode() + (data or b""))
    return seal.digest()


def judge(trace: Trace, history: History, moment: int, contents: Contents, scratch: Path) -> list[str]:
    """What is wrong with one state."""
    folder = scratch / "state"
    materialise(contents, folder)
    try:
        return trace.check(folder, history.promised(moment))
    finally:
        shutil.rmtree(folder)


def without_each_sync(traces: Sequence[Trace], scratch: Path) -> dict[str, str]:
    """For every place that syncs: the first bad state that is found without it; empty if there is none."""
    sites = sorted(set().union(*(trace.sites() for trace in traces)))
    return {site: _first_bad(site, [trace for trace in traces if site in trace.sites()], scratch) for site in sites}


def _first_bad(site: str, traces: Sequence[Trace], scratch: Path) -> str:
    for trace in traces:
        history = trace.history(without=site)
        for moment, contents in missed(history, trace.history()):
            wrong = judge(trace, history, moment, contents, scratch)
            if wrong:
                return f"{trace.name}: {wrong[0]}"
    return ""
