"""The files that explanations and their seqlets can be written to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from tfbs_hub.attribution.files.arrays import Hdf5, Npz
from tfbs_hub.attribution.files.genome import BedGraph, BigWig
from tfbs_hub.attribution.files.tables import Bed, SeqletTable, Tsv
from tfbs_hub.attribution.files.writer import Found, Writer
from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_hub.files import storing, write_whole
from tfbs_hub.workflows.side_by_side import Explained, panels, together

__all__ = ["SHOWN", "check_listing", "check_target", "format_that_places", "save", "written"]

SUFFIXES: Final = (".h5", ".npz", ".tsv", ".bedGraph", ".bw", ".png", ".svg")
"""Endings of files that explanations can be written to."""
SHOWN: Final = 5
"""Sequences that are drawn unless somebody asks for more."""

_READABLE: Final = 100
"""Dots per inch at which letters can be told apart."""


def check_target(path: Path, tracks: int = 1) -> None:
    """Raise before anything is computed: an ending that is not known, several tracks for one, no such folder."""
    known = {suffix.lower(): suffix for suffix in SUFFIXES}
    if path.suffix.lower() not in known:
        raise UsageError(
            f"no format is known by the ending {path.suffix!r}",
            where=str(path),
            hint=f"end the name with one of {', '.join(SUFFIXES)}",
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


def written(
    parts: Iterable[Explained],
    target: Path | None,
    listed: Path | None = None,
    *,
    chromosomes: Mapping[str, int] | None = None,
    own_scale: bool = False,
    name: str = "",
) -> Generator[Explained, None, None]:
    """Hand parts on, and after the last one write what they hold; each file whole or not at all.

    In memory there is no more than a part of it, but for figures.

    Args:
        target: explanations, in the format that the name's ending says.
        listed: seqlets: BED6 if the name ends in `.bed`, else a table.
        chromosomes: their lengths, for a bigWig to carry.
        own_scale: figures give each track its own scale.
        name: the input's, for the record in HDF5.

    Raises:
        UsageError, NotFoundError: see `check_target` and `check_listing`; a .png would be too large to read.
        InputError: coordinates are needed, and nobody said any.
        StorageError: the file system refused.
    """
    with ExitStack() as stack:
        files: list[tuple[Path, Writer]] = []
        if target is not None:
            check_target(target)
            with storing(target):
                writer = _writer(target, chromosomes, own_scale, name)
                files.append((target, stack.enter_context(writer)))
        if listed is not None:
            check_listing(listed)
            with storing(listed):
                kind = Bed if listed.suffix.lower() == ".bed" else SeqletTable
                files.append((listed, stack.enter_context(kind(_folder(listed)))))
        for part in parts:
            for path, writer in files:
                with storing(path):
                    writer.add(part.found)
            yield part
        for path, writer in files:
            with storing(path):
                write_whole(path, writer.pieces())


def save(parts: Iterable[Explained], target: Path) -> None:
    """Write explanations in the format that the file's ending names; raises as `written`."""
    with closing(written(parts, target)) as handed:
        for _ in handed:
            pass


class _Figure(Writer):
    """A drawing of all tracks, which are few."""

    def __init__(self, path: Path, own_scale: bool) -> None:
        super().__init__(_folder(path))
        self._path, self._own_scale = path, own_scale
        self._parts: list[Explained] = []

    def add(self, found: Sequence[Found]) -> None:
        """Keep them."""
        self._parts.append(
            Explained(tuple((explanation, tuple(seqlets)) for explanation, seqlets in found), more=False)
        )

    def pieces(self) -> Iterator[bytes]:
        """The picture; raises `UsageError` if it would be too large to read."""
        from tfbs_hub.report.figures import dots_per_inch, to_bytes  # noqa: PLC0415 - matplotlib is slow to import
        from tfbs_hub.report.logos import track_figure  # noqa: PLC0415

        explained, kind = together(self._parts), self._path.suffix.lower()[1:]
        first = explained.found[0][0]
        figure = track_figure(list(zip(first.ids, panels(explained), strict=True)), own_scale=self._own_scale)
        if kind == "png" and dots_per_inch(figure) < _READABLE:
            raise UsageError(
                f"{len(explained):,} sequences of {len(first.codes):,} bp are too much for one readable .png",
                where=str(self._path),
                hint="draw fewer with --limit, or write .svg",
            )
        yield to_bytes(figure, kind)


def _writer(path: Path, chromosomes: Mapping[str, int] | None, own_scale: bool, name: str) -> Writer:
    """The one for the ending of the file's name."""
    folder = _folder(path)
    make: Mapping[str, Callable[[], Writer]] = {
        ".h5": lambda: Hdf5(folder, name),
        ".npz": lambda: Npz(folder),
        ".tsv": lambda: Tsv(folder),
        ".bedgraph": lambda: BedGraph(folder),
        ".bw": lambda: BigWig(folder, chromosomes),
        ".png": lambda: _Figure(path, own_scale),
        ".svg": lambda: _Figure(path, own_scale),
    }
    return make[path.suffix.lower()]()


def _folder(path: Path) -> Path:
    return path.absolute().parent


def _check_folder(path: Path) -> None:
    if not _folder(path).is_dir():
        raise NotFoundError("the folder does not exist", where=str(_folder(path)), hint="make it first")
