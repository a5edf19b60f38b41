"""Explanations by several models and methods side by side, and the files they can be written to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfbs_hub.attribution import formats
from tfbs_hub.attribution.annotate import Named, by_sequence
from tfbs_hub.attribution.drawing import Panel
from tfbs_hub.attribution.tracks import Explanation, joined
from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_hub.files import write_whole
from tfbs_hub.progress import Report, silent
from tfbs_hub.sequences.batch import SequenceBatch
from tfbs_hub.workflows.explain import Explainer

__all__ = [
    "SHOWN",
    "Explained",
    "check_listing",
    "check_target",
    "explain_all",
    "format_that_places",
    "panels",
    "save",
    "save_seqlets",
]

SHOWN = 5
"""Sequences that are drawn unless somebody asks for more."""

_READABLE = 100
"""Dots per inch at which letters can be told apart."""


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
) -> Explained:
    """Explain sequences with every explainer; the input is read once.

    Args:
        limit: explain no more than so many sequences.
        seqlets: call and name seqlets too.
        placed_for: a format, if any, that needs to know where in a genome each sequence lies.

    Raises:
        InputError: there is no sequence, one is longer than a window and its explainer does not slide, or nobody said
            where one lies and `placed_for` needs it; the last before that batch is explained.
    """
    parts: list[list[Explanation]] = [[] for _ in explainers]
    taken, more = 0, False
    for batch in batches:
        room = len(batch) if limit is None else min(len(batch), limit - taken)
        more = room < len(batch)
        if room:
            part = batch.part(0, room)
            if placed_for:
                for name, length in zip(part.ids, part.lengths, strict=True):
                    formats.placed(name, int(length), placed_for)
            for explainer, mine in zip(explainers, parts, strict=True):
                mine.append(explainer.explain(part, report))
        taken += room
        if more:
            break
    whole = [joined(mine) for mine in parts]
    return Explained(
        tuple(
            (explanation, tuple(explainer.seqlets(explanation, report)) if seqlets else ())
            for explainer, explanation in zip(explainers, whole, strict=True)
        ),
        more,
    )


def panels(explained: Explained) -> list[list[Panel]]:
    """The tracks of each sequence, ready to be drawn."""
    stacks: list[list[Panel]] = [[] for _ in range(len(explained))]
    for explanation, seqlets in explained.found:
        for index, marks in enumerate(by_sequence(seqlets, len(explanation))):
            stacks[index].append(Panel(explanation.track(index), marks))
    return stacks


def check_target(path: Path, tracks: int = 1) -> None:
    """Raise before anything is computed: an ending that is not known, several tracks for one, no such folder."""
    known = {suffix.lower(): suffix for suffix in formats.SUFFIXES}
    if path.suffix.lower() not in known:
        raise UsageError(
            f"no format is known by the ending {path.suffix!r}",
            where=str(path),
            hint=f"end the name with one of {', '.join(formats.SUFFIXES)}",
        )
    if path.suffix.lower() in {".bedgraph", ".bw"} and tracks > 1:
        raise UsageError(
            f"{known[path.suffix.lower()]} holds one track, and {tracks} are asked for",
            where=str(path),
            hint="name one --model and one --method, or write .h5, .npz or .tsv",
        )
    _check_folder(path)


def check_listing(path: Path, tracks: int = 1) -> None:
    """As `check_target`, for a list of seqlets."""
    if path.suffix.lower() == ".bed" and tracks > 1:
        raise UsageError(
            f".bed does not say which of {tracks} tracks a seqlet is from",
            where=str(path),
            hint="name one --model and one --method, or write .tsv",
        )
    _check_folder(path)


def format_that_places(target: Path | None, listed: Path | None) -> str:
    """A format, of explanations or of seqlets, that needs to know where each sequence lies; empty if none does."""
    known = {".bedgraph": "bedGraph", ".bw": "bigWig"}
    if target is not None and target.suffix.lower() in known:
        return known[target.suffix.lower()]
    return "BED" if listed is not None and listed.suffix.lower() == ".bed" else ""


def save(
    explained: Explained,
    path: Path,
    *,
    chromosomes: Mapping[str, int] | None = None,
    own_scale: bool = False,
    name: str = "",
) -> None:
    """Write explanations in the format that the file's ending names; whole or not at all.

    Args:
        chromosomes: their lengths, for a bigWig to carry.
        own_scale: figures give each track its own scale.
        name: the input's, for the record in HDF5.

    Raises:
        UsageError, NotFoundError: see `check_target`; a .png would be too large to read.
        InputError: coordinates are needed, and nobody said any.
        StorageError: the file system refused.
    """
    found = explained.found
    check_target(path, len(found))
    write: dict[str, Callable[[], bytes | Iterator[bytes]]] = {
        ".h5": lambda: formats.hdf5(found, name),
        ".npz": lambda: formats.npz(found),
        ".tsv": lambda: _text(formats.tsv(found)),
        ".bedgraph": lambda: _text(formats.bedgraph(found)),
        ".bw": lambda: formats.bigwig(found, chromosomes),
        ".png": lambda: _figure(explained, path, own_scale),
        ".svg": lambda: _figure(explained, path, own_scale),
    }
    write_whole(path, write[path.suffix.lower()]())


def save_seqlets(explained: Explained, path: Path) -> None:
    """Write the seqlets: BED6 if the name ends in `.bed`, else a table; raises as `save` does."""
    check_listing(path, len(explained.found))
    write_whole(path, _text(formats.seqlet_table(explained.found, bed=path.suffix.lower() == ".bed")))


def _check_folder(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise NotFoundError("the folder does not exist", where=str(path.absolute().parent), hint="make it first")


def _text(lines: Iterator[str]) -> Iterator[bytes]:
    return (line.encode("utf-8", "replace") for line in lines)


def _figure(explained: Explained, path: Path, own_scale: bool) -> bytes:
    from tfbs_hub.report.figures import dots_per_inch, to_bytes  # noqa: PLC0415 - matplotlib is slow to import
    from tfbs_hub.report.logos import track_figure  # noqa: PLC0415

    first, kind = explained.found[0][0], path.suffix.lower()[1:]
    figure = track_figure(list(zip(first.ids, panels(explained), strict=True)), own_scale=own_scale)
    if kind == "png" and dots_per_inch(figure) < _READABLE:
        raise UsageError(
            f"{len(explained):,} sequences of {len(first.codes):,} bp are too much for one readable .png",
            where=str(path),
            hint="draw fewer with --limit, or write .svg",
        )
    return to_bytes(figure, kind)
