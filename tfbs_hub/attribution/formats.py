"""Attributions as files: HDF5, NPZ, TSV, bedGraph and bigWig; and seqlets as TSV or BED.

The formats are described in docs/formats/attribution.md. Coordinates are 0-based and half-open everywhere.
"""

from __future__ import annotations

import io
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.about import __version__
from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.tracks import Explanation, Locus, locus_of
from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.sequences.alphabet import UNKNOWN

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "SUFFIXES",
    "bedgraph",
    "bigwig",
    "hdf5",
    "npz",
    "placed",
    "seqlet_table",
    "spans",
    "tsv",
]

FORMAT: Final = "tfbs-hub-attribution"
FORMAT_VERSION: Final = 1
SUFFIXES: Final = (".h5", ".npz", ".tsv", ".bedGraph", ".bw", ".png", ".svg")
"""Endings of files that an explanation can be written to."""

Found = tuple[Explanation, Sequence[Named]]
"""An explanation and its seqlets."""


def hdf5(found: Sequence[Found], sequences_of: str = "") -> bytes:
    """All explanations (of the same sequences) and their seqlets as one self-describing HDF5 file.

    Args:
        found: models and methods in order.
        sequences_of: the input's name, for the record.
    """
    import h5py  # noqa: PLC0415 - slow to import, and one of many formats

    _not_empty(found)
    # The name only has to be free; it is never written anywhere.
    with h5py.File(uuid.uuid4().hex, "w", driver="core", backing_store=False) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = np.int64(FORMAT_VERSION)
        file.attrs["tfbs_hub"] = __version__
        file.attrs["input"] = sequences_of
        first = found[0][0]
        text = h5py.string_dtype()
        file.create_dataset("sequences/ids", data=np.array(_names(first.ids), object), dtype=text)
        _array(file, "sequences/codes", first.codes)
        _array(file, "sequences/offsets", first.offsets)
        loci = [first.locus(index) for index in range(len(first))]
        if any(loci):
            chromosomes = np.array(["" if locus is None else locus.chromosome for locus in loci], object)
            file.create_dataset("sequences/chromosome", data=chromosomes, dtype=text)
            starts = [-1 if locus is None else locus.start for locus in loci]
            _array(file, "sequences/start", np.array(starts, np.int64))
        for number, (explanation, seqlets) in enumerate(found):
            group = file.create_group(f"explanations/{number}")
            group.attrs["model"] = explanation.model
            group.attrs["method"] = explanation.method
            group.attrs["settings"] = canonical_json(explanation.settings).decode().strip()
            group.attrs["window"] = np.int64(explanation.window)
            _array(group, "logit", explanation.logit)
            _array(group, "actual", explanation.flat_actual)
            _array(group, "hypothetical", explanation.flat_hypothetical)
            table = group.create_group("seqlets")
            for name, values in _columns(seqlets).items():
                if isinstance(values, np.ndarray):
                    _array(table, name, values)
                else:
                    table.create_dataset(name, data=np.array(values, object), dtype=text)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image


def npz(found: Sequence[Found]) -> bytes:
    """The arrays of all explanations for numpy: `ids`, `codes`, `offsets`, and of each `MODEL/METHOD/actual`, ….

    Of a single explanation they are called `actual` (n, longest), `hypothetical` (n, 4, longest) and `logit` (n,).
    """
    _not_empty(found)
    first = found[0][0]
    arrays: dict[str, NDArray[Any]] = {"ids": np.array(first.ids), "codes": first.codes, "offsets": first.offsets}
    for explanation, _ in found:
        head = "" if len(found) == 1 else f"{explanation.model}/{explanation.method}/"
        arrays[f"{head}actual"] = explanation.actual
        arrays[f"{head}hypothetical"] = explanation.hypothetical
        arrays[f"{head}logit"] = explanation.logit
    body = io.BytesIO()
    np.savez_compressed(body, allow_pickle=False, **arrays)
    return body.getvalue()


def tsv(found: Sequence[Found]) -> Iterator[str]:
    """Lines: one a base of each sequence, model and method, under a header."""
    _not_empty(found)
    yield "id\tmodel\tmethod\tposition\tchromosome\tcoordinate\tbase\tcontribution\tA\tC\tG\tT\n"
    for explanation, _ in found:
        for index, name in enumerate(explanation.ids):
            track = explanation.track(index)
            head = f"{_cell(name)}\t{explanation.model}\t{_cell(explanation.method)}"
            letters = explanation.sequence(index)
            chromosome, start = ("", None) if track.locus is None else track.locus
            for place, letter in enumerate(letters):
                values = "\t".join(f"{value:.6g}" for value in (track.actual[place], *track.hypothetical[:, place]))
                coordinate = "" if start is None else str(start + place)
                yield f"{head}\t{place}\t{_cell(chromosome)}\t{coordinate}\t{letter}\t{values}\n"


def placed(name: str, length: int, where: str) -> Locus:
    """Where a sequence of that name and length lies, for a format that needs it; raises `InputError` if nobody said."""
    locus = locus_of(name, length)
    if locus is None:
        raise InputError(
            f"{name} has no coordinates, which {where} needs",
            hint="give a BED file with --genome or FASTA with names like chr1:1000-1101 (0-based, half-open), "
            "or write .tsv",
        )
    return locus


def spans(explanation: Explanation, where: str) -> Iterator[tuple[str, int, int, float]]:
    """Contributions of known bases as (chromosome, start, end, value), sorted; where windows overlap, their mean.

    Raises:
        InputError: a sequence whose place in the genome nobody said.
    """
    parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float32]]]] = defaultdict(list)
    for index, name in enumerate(explanation.ids):
        track = explanation.track(index)
        locus = placed(name, len(track), where)
        known = np.flatnonzero(track.codes != UNKNOWN)
        parts[locus.chromosome].append((locus.start + known, track.actual[known]))
    for chromosome in sorted(parts):
        everywhere, values = (np.concatenate(each) for each in zip(*parts[chromosome], strict=True))
        places, which, counts = np.unique(everywhere, return_inverse=True, return_counts=True)
        means = np.bincount(which, weights=values) / counts
        for place, value in zip(places.tolist(), means.tolist(), strict=True):
            if place >= 0:
                yield chromosome, place, place + 1, value


def bedgraph(found: Sequence[Found]) -> Iterator[str]:
    """Lines of a bedGraph file with one base a line; of one model and method only."""
    explanation = _only(found, "bedGraph")
    yield f'track type=bedGraph name="{_cell(explanation.model)} {_cell(explanation.method)}"\n'
    for chromosome, start, end, value in spans(explanation, "bedGraph"):
        yield f"{chromosome}\t{start}\t{end}\t{value:.6g}\n"


def bigwig(found: Sequence[Found], lengths: Mapping[str, int] | None = None) -> bytes:
    """A bigWig file with one base an interval; of one model and method only.

    Args:
        lengths: of the genome's chromosomes; without them each ends with the last base that is known of it.
    """
    import pybigtools  # noqa: PLC0415 - only this format needs it

    values = list(spans(_only(found, "bigWig"), "bigWig"))
    ends: dict[str, int] = {}
    for chromosome, _, end, _ in values:
        ends[chromosome] = max(end, ends.get(chromosome, 0), (lengths or {}).get(chromosome, 0))
    if not values:
        raise InputError("no base of these sequences is known, so there is nothing to write")
    # pybigtools writes to paths only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "track.bw"
        pybigtools.open(str(path), "w").write(ends, iter(values))
        return path.read_bytes()


def seqlet_table(found: Sequence[Found], *, bed: bool) -> Iterator[str]:
    """Lines: one a seqlet; `bed` gives BED6 (name, score 0-1000 of its attribution, strand) and needs coordinates."""
    if not bed:
        yield (
            "id\tmodel\tmethod\tstart\tend\tchromosome\tchromosome_start\tchromosome_end\tbases\tattribution\t"
            "p_value\tmatrix\tname\tfamily\tstrand\tmatch_p_value\n"
        )
    top = max((named.seqlet.attribution for _, seqlets in found for named in seqlets), default=1.0)
    rows = [(explanation, named) for explanation, seqlets in found for named in seqlets]
    for explanation, named in rows:
        seqlet, match = named.seqlet, named.match
        if bed:
            name, length = explanation.ids[seqlet.sequence], int(explanation.lengths[seqlet.sequence])
            chromosome, first = placed(name, length, "BED")
            score, strand = round(1000 * seqlet.attribution / top), "." if match is None else match.strand
            yield _line(chromosome, first + seqlet.start, first + seqlet.end, named.name, score, strand)
            continue
        locus = explanation.locus(seqlet.sequence)
        place = ("", "", "") if locus is None else (locus[0], locus[1] + seqlet.start, locus[1] + seqlet.end)
        like = ("", "", "", ".", "")
        if match is not None:
            like = (match.matrix, match.name, match.family, match.strand, f"{match.p_value:.3g}")
        letters = explanation.sequence(seqlet.sequence)[seqlet.start : seqlet.end]
        head = (explanation.ids[seqlet.sequence], explanation.model, explanation.method, seqlet.start, seqlet.end)
        yield _line(*head, *place, letters, f"{seqlet.attribution:.6g}", f"{seqlet.p_value:.3g}", *like)


def _line(*cells: object) -> str:
    return "\t".join(_cell(str(cell)) for cell in cells) + "\n"


def _cell(text: str) -> str:
    """Text that can break neither a table nor the terminal it is shown on."""
    return "".join(letter if letter.isprintable() and letter != '"' else "\ufffd" for letter in text)


def _names(names: Iterable[str]) -> list[str]:
    return [name.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for name in names]


def _columns(seqlets: Sequence[Named]) -> dict[str, NDArray[Any] | list[str]]:
    matches = [named.match for named in seqlets]
    return {
        "sequence": np.array([named.seqlet.sequence for named in seqlets], np.int64),
        "start": np.array([named.seqlet.start for named in seqlets], np.int64),
        "end": np.array([named.seqlet.end for named in seqlets], np.int64),
        "attribution": np.array([named.seqlet.attribution for named in seqlets], np.float32),
        "p_value": np.array([named.seqlet.p_value for named in seqlets], np.float64),
        "matrix": ["" if match is None else match.matrix for match in matches],
        "name": ["" if match is None else match.name for match in matches],
        "family": ["" if match is None else match.family for match in matches],
        "strand": ["." if match is None else match.strand for match in matches],
        "match_p_value": np.array([np.nan if match is None else match.p_value for match in matches], np.float64),
    }


def _array(group: Any, name: str, values: NDArray[Any]) -> None:
    options = {"compression": "gzip", "shuffle": True, "fletcher32": True} if values.size else {}
    group.create_dataset(name, data=values, **options)


def _not_empty(found: Sequence[Found]) -> None:
    if not found or not len(found[0][0]):
        raise InputError("there is no sequence to write")


def _only(found: Sequence[Found], what: str) -> Explanation:
    _not_empty(found)
    if len(found) != 1:
        raise UsageError(
            f"{what} holds one track, and here are {len(found)}",
            hint="name one --model and one --method, or write .h5, .npz or .tsv",
        )
    return found[0][0]
