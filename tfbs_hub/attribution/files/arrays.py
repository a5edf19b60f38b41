"""Arrays: one self-describing HDF5 file, or an archive for numpy."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.about import __version__
from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.files.lasting import LastingFile
from tfbs_hub.attribution.files.writer import Found, Writer
from tfbs_hub.attribution.tracks import padded
from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import InputError
from tfbs_hub.interrupts import uninterrupted
from tfbs_hub.sequences.spans import offsets_of

if TYPE_CHECKING:
    import h5py

__all__ = ["FORMAT", "FORMAT_VERSION", "Hdf5", "Npz"]

FORMAT: Final = "tfbs-hub-attribution"
FORMAT_VERSION: Final = 1

_CHUNK_BYTES: Final = 1 << 16
_CHUNK_NAMES: Final = 1024
_BASES: Final = 1 << 20
"""Bases, padding too, that go into an archive at a time."""
_LETTER: Final = np.dtype("<u4")
_VALUE: Final = np.dtype("<f4")

Array = NDArray[Any]


class Hdf5(Writer):
    """All explanations (of the same sequences) and their seqlets as one HDF5 file.

    Args:
        sequences_of: the input's name, for the record.
    """

    def __init__(self, folder: Path, sequences_of: str = "") -> None:
        super().__init__(folder)
        self._sequences_of = sequences_of
        self._spooled = self._spool()
        self._lasting = LastingFile(self._spooled.fileno())
        self._sequences = self._bases = 0

    def add(self, found: Sequence[Found]) -> None:
        """Everything goes behind what is there."""
        with uninterrupted():
            if not self._sequences:
                self._begin(found)
            self._append(found)
            self._file.flush()
        self._lasting.check()

    def pieces(self) -> Iterator[bytes]:
        """The file."""
        if not self._sequences:
            raise InputError("there is no sequence to write")
        self._close()
        self._lasting.check()
        return self._read(self._spooled)

    def _close(self) -> None:
        with uninterrupted():
            self._file.close()

    def _append(self, found: Sequence[Found]) -> None:
        first = found[0][0]
        self._names("sequences/ids", first.ids)
        self._numbers("sequences/codes", first.codes)
        self._numbers("sequences/offsets", first.offsets[1:] + self._bases)
        loci = [first.locus(index) for index in range(len(first))]
        if any(loci) or "sequences/start" in self._file:
            self._names("sequences/chromosome", ["" if locus is None else locus.chromosome for locus in loci])
            starts = [-1 if locus is None else locus.start for locus in loci]
            self._numbers("sequences/start", np.array(starts, np.int64), missing=-1)
        for number, (explanation, seqlets) in enumerate(found):
            group = f"explanations/{number}"
            self._numbers(f"{group}/logit", explanation.logit)
            self._numbers(f"{group}/actual", explanation.flat_actual)
            self._numbers(f"{group}/hypothetical", explanation.flat_hypothetical)
            for name, values in _columns(seqlets, self._sequences).items():
                if isinstance(values, np.ndarray):
                    self._numbers(f"{group}/seqlets/{name}", values)
                else:
                    self._names(f"{group}/seqlets/{name}", values)
        self._sequences += len(first)
        self._bases += len(first.codes)

    def _begin(self, found: Sequence[Found]) -> None:
        import h5py  # noqa: PLC0415 - slow to import, and one of many formats

        self._text = h5py.string_dtype()
        self._file = h5py.File(self._lasting, "w")
        self._open.callback(self._close)
        self._file.attrs["format"] = FORMAT
        self._file.attrs["format_version"] = np.int64(FORMAT_VERSION)
        self._file.attrs["tfbs_hub"] = __version__
        self._file.attrs["input"] = self._sequences_of
        self._numbers("sequences/offsets", np.zeros(1, np.int64))
        for number, (explanation, _) in enumerate(found):
            group = self._file.create_group(f"explanations/{number}")
            group.attrs["model"] = explanation.model
            group.attrs["method"] = explanation.method
            group.attrs["settings"] = canonical_json(explanation.settings).decode().strip()
            group.attrs["window"] = np.int64(explanation.window)

    def _numbers(self, name: str, values: Array, *, missing: float = 0) -> None:
        """Append to an array; one that begins later than the sequences says `missing` of those before."""
        if name not in self._file:
            row = values.shape[1:]
            self._file.create_dataset(
                name,
                (self._sequences if missing else 0, *row),
                values.dtype,
                maxshape=(None, *row),
                chunks=(_CHUNK_BYTES // (values.itemsize * int(np.prod(row))), *row),
                fillvalue=missing,
                compression="gzip",
                shuffle=True,
                fletcher32=True,
            )
        self._extend(self._file[name], values)

    def _names(self, name: str, values: Sequence[str]) -> None:
        if name not in self._file:
            before = self._sequences if name == "sequences/chromosome" else 0
            self._file.create_dataset(name, (before,), self._text, maxshape=(None,), chunks=(_CHUNK_NAMES,))
        kept = [value.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for value in values]
        self._extend(self._file[name], np.array(kept, object))

    @staticmethod
    def _extend(dataset: h5py.Dataset, values: Array) -> None:
        before = len(dataset)
        dataset.resize(before + len(values), axis=0)
        if len(values):
            dataset[before:] = values


class Npz(Writer):
    """The arrays of all explanations for numpy: `ids`, `codes`, `offsets`, and of each `MODEL/METHOD/actual`, ….

    Of a single explanation they are called `actual` (n, longest), `hypothetical` (n, 4, longest) and `logit` (n,). How
    long the longest sequence and name are is known at the end; until then they lie end to end.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._letters, self._codes = self._spool(), self._spool()
        self._widths: list[NDArray[np.int64]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._explained: dict[str, tuple[IO[bytes], IO[bytes], IO[bytes]]] = {}

    def add(self, found: Sequence[Found]) -> None:
        """Everything goes behind what is there."""
        first = found[0][0]
        names = [name.encode("utf-32-le", "surrogatepass") for name in first.ids]
        self._letters.write(b"".join(names))
        self._widths.append(np.array([len(name) // _LETTER.itemsize for name in names], np.int64))
        self._codes.write(first.codes.tobytes())
        self._lengths.append(first.lengths)
        for explanation, _ in found:
            head = "" if len(found) == 1 else f"{explanation.model}/{explanation.method}/"
            if head not in self._explained:
                self._explained[head] = self._spool(), self._spool(), self._spool()
            values = explanation.flat_actual, explanation.flat_hypothetical, explanation.logit
            for spool, each in zip(self._explained[head], values, strict=True):
                spool.write(each.tobytes())

    def pieces(self) -> Iterator[bytes]:
        """The archive."""
        if not self._lengths:
            raise InputError("there is no sequence to write")
        body = self._spool()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
            self._fill(archive)
        return self._read(body)

    def _fill(self, archive: zipfile.ZipFile) -> None:
        widths, lengths = np.concatenate(self._widths), np.concatenate(self._lengths)
        count, bases, longest = len(lengths), int(lengths.sum()), int(lengths.max())
        widest = max(int(widths.max()), 1)
        names = _rows(self._letters, _LETTER, 1, widths, widest)
        _entry(archive, "ids", f"<U{widest}", (count,), (each.tobytes() for each in names))
        _entry(archive, "codes", "|u1", (bases,), self._read(self._codes))
        _entry(archive, "offsets", "<i8", (count + 1,), [offsets_of(lengths).astype("<i8").tobytes()])
        for head, (flat_actual, flat_hypothetical, logit) in self._explained.items():
            actual = _rows(flat_actual, _VALUE, 1, lengths, longest)
            _entry(archive, f"{head}actual", "<f4", (count, longest), (each.tobytes() for each in actual))
            rows = _rows(flat_hypothetical, _VALUE, 4, lengths, longest)
            turned = (each.transpose(0, 2, 1).tobytes() for each in rows)
            _entry(archive, f"{head}hypothetical", "<f4", (count, 4, longest), turned)
            _entry(archive, f"{head}logit", "<f4", (count,), self._read(logit))


def _rows(
    spool: IO[bytes], dtype: np.dtype[Any], columns: int, lengths: NDArray[np.int64], longest: int
) -> Iterator[Array]:
    """What lies end to end in a file, rows (length, columns) each, as arrays (some, longest, columns)."""
    spool.seek(0)
    together = max(_BASES // longest, 1)
    for low in range(0, len(lengths), together):
        offsets = offsets_of(lengths[low : low + together])
        data = spool.read(int(offsets[-1]) * columns * dtype.itemsize)
        yield padded(np.frombuffer(data, dtype).reshape(-1, columns), offsets, longest)


def _entry(archive: zipfile.ZipFile, name: str, dtype: str, shape: tuple[int, ...], pieces: Iterable[bytes]) -> None:
    """An array in numpy's format, piece by piece; always the same bytes for the same values."""
    entry = zipfile.ZipInfo(f"{name}.npy")
    entry.compress_type = archive.compression
    with archive.open(entry, "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
        for piece in pieces:
            file.write(piece)


def _columns(seqlets: Sequence[Named], before: int) -> dict[str, Array | list[str]]:
    """A table of seqlets; `before` sequences came with earlier parts."""
    matches = [named.match for named in seqlets]
    return {
        "sequence": np.array([before + named.seqlet.sequence for named in seqlets], np.int64),
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
