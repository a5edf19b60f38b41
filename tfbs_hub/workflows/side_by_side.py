"""Explanations of the same sequences by several models and methods, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfbs_hub.attribution.annotate import Named, by_sequence
from tfbs_hub.attribution.drawing import Panel
from tfbs_hub.attribution.files.writer import placed
from tfbs_hub.attribution.tracks import Explanation, joined
from tfbs_hub.errors import InputError
from tfbs_hub.progress import Report, silent
from tfbs_hub.sequences.batch import SequenceBatch
from tfbs_hub.workflows.explain import Explainer

__all__ = ["Explained", "explain_all", "panels", "together"]


@dataclass(frozen=True, eq=False)
class Explained:
    """The same sequences, explained several times.

    Attributes:
        found: one explanation and its seqlets (none if nobody asked for them) for each model and method, in order.
        more: there were further sequences, beyond the limit.
    """

    found: tuple[tuple[Explanation, tuple[Named, ...]], ...]
    more: bool

    def __len__(self) -> int:
        return len(self.found[0][0])


def explain_all(
    explainers: Sequence[Explainer],
    batches: Iterable[SequenceBatch],
    *,
    limit: int | None = None,
    seqlets: bool = True,
    placed_for: str = "",
    report: Report = silent,
) -> Iterator[Explained]:
    """Explain sequences with every explainer, batch by batch; the input is read once.

    Args:
        limit: explain no more than so many sequences.
        seqlets: call and name seqlets too.
        placed_for: a format, if any, that needs to know where in a genome each sequence lies.

    Raises:
        InputError: there is no sequence, one is longer than a window and its explainer does not slide, or nobody said
            where one lies and `placed_for` needs it; the last before that batch is explained.
    """
    left, source, begun = limit, iter(batches), False
    for batch in source:
        begun = True
        part = batch if left is None else batch.part(0, left)
        if placed_for:
            for name, length in zip(part.ids, part.lengths, strict=True):
                placed(name, int(length), placed_for)
        explanations = [explainer.explain(part, report) for explainer in explainers]
        found = tuple(
            (explanation, tuple(explainer.seqlets(explanation, report)) if seqlets else ())
            for explainer, explanation in zip(explainers, explanations, strict=True)
        )
        if left is None:
            yield Explained(found, more=False)
            continue
        left -= len(part)
        yield Explained(found, more=left == 0 and (len(part) < len(batch) or next(source, None) is not None))
        if left == 0:
            return
    if not begun:
        raise InputError("there is no sequence to explain", hint="give at least one sequence of at least one base")


def together(parts: Sequence[Explained]) -> Explained:
    """All parts, of which there is at least one, as one."""
    firsts = np.cumsum([0, *(len(part) for part in parts[:-1])]).tolist()
    found = [
        (
            joined([explanation for explanation, _ in same]),
            tuple(_moved(named, first) for first, (_, seqlets) in zip(firsts, same, strict=True) for named in seqlets),
        )
        for same in zip(*(part.found for part in parts), strict=True)
    ]
    return Explained(tuple(found), more=parts[-1].more)


def panels(explained: Explained) -> list[list[Panel]]:
    """The tracks of each sequence, ready to be drawn."""
    stacks: list[list[Panel]] = [[] for _ in range(len(explained))]
    for explanation, seqlets in explained.found:
        for index, marks in enumerate(by_sequence(seqlets, len(explanation))):
            stacks[index].append(Panel(explanation.track(index), marks))
    return stacks


def _moved(named: Named, first: int) -> Named:
    """The same, of a sequence with `first` others before it."""
    return replace(named, seqlet=replace(named.seqlet, sequence=first + named.seqlet.sequence))
