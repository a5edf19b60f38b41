"""Some sequences of any length, as readers hand them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import LETTERS_HINT, Codes, first_invalid, show_letter, translate
from tfbs_hub.sequences.dataset import SequenceDataset

__all__ = ["SequenceBatch", "coded", "from_dataset", "from_strings", "regrouped"]


@dataclass(frozen=True, eq=False)
class SequenceBatch:
    """Sequences of any length, one after another.

    Attributes:
        ids: n names.
        bases: uint8 codes of all sequences, concatenated.
        offsets: int64 (n + 1,); sequence i is `bases[offsets[i]:offsets[i + 1]]`.
        labels: int8 (n,), 1 bound and 0 not; None where nobody said.
        lines: int64 (n,), the line of the input, from 1, on which each sequence begins.
        ambiguous: IUPAC letters read as unknown since the batch before this one.
        name: the input's name, for messages.
    """

    ids: Sequence[str]
    bases: Codes
    offsets: NDArray[np.int64]
    labels: NDArray[np.int8] | None
    lines: NDArray[np.int64]
    ambiguous: int = 0
    name: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each sequence in base pairs, int64 (n,)."""
        return np.diff(self.offsets)

    def sequence(self, index: int) -> Codes:
        """Codes of one sequence, uint8 (length,), a view."""
        return self.bases[self.offsets[index] : self.offsets[index + 1]]

    def where(self, index: int) -> str:
        """File and line of one sequence."""
        return f"{self.name}:{self.lines[index]}"

    def part(self, start: int, stop: int) -> SequenceBatch:
        """Sequences `start` to `stop` (0-based, half-open) as a batch; the first part keeps `ambiguous`."""
        low, high = self.offsets[start], self.offsets[min(stop, len(self))]
        return SequenceBatch(
            ids=self.ids[start:stop],
            bases=self.bases[low:high],
            offsets=self.offsets[start : stop + 1] - low,
            labels=None if self.labels is None else self.labels[start:stop],
            lines=self.lines[start:stop],
            ambiguous=self.ambiguous if start == 0 else 0,
            name=self.name,
        )


def coded(raw: bytes, offsets: NDArray[np.int64], lines: NDArray[np.int64], where: str) -> tuple[Codes, int]:
    """Codes of concatenated letters, one sequence a line, and how many IUPAC letters were among them.

    Raises:
        InputError: a letter that is no DNA letter, with file and line.
    """
    codes, ambiguous = translate(raw)
    wrong = first_invalid(codes)
    if wrong is not None:
        row = int(np.searchsorted(offsets, wrong, side="right")) - 1
        raise InputError(
            f"{show_letter(raw[wrong])} at base {wrong - offsets[row] + 1} is no DNA letter",
            where=f"{where}:{lines[row]}",
            hint=LETTERS_HINT,
        )
    return codes, ambiguous


def from_strings(sequences: Sequence[str], ids: Sequence[str] | None = None) -> SequenceBatch:
    """A batch from sequences at hand; they are called seq1, seq2, … unless `ids` says otherwise.

    Raises:
        InputError: an empty sequence, or a letter that is no DNA letter, with the sequence's number.
    """
    name = "sequence"
    lengths = np.array([len(each.encode("utf-8", "replace")) for each in sequences], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    lines = np.arange(1, len(sequences) + 1, dtype=np.int64)
    if not lengths.all():
        raise InputError("an empty sequence", where=f"{name}:{lines[lengths == 0][0]}")
    bases, ambiguous = coded("".join(sequences).encode("utf-8", "replace"), offsets, lines, name)
    return SequenceBatch(
        ids=[f"seq{line}" for line in lines] if ids is None else list(ids),
        bases=bases,
        offsets=offsets,
        labels=None,
        lines=lines,
        ambiguous=ambiguous,
        name=name,
    )


def from_dataset(dataset: SequenceDataset, name: str = "data set") -> SequenceBatch:
    """All rows of a data set as one batch; `name` stands for the file in messages."""
    rows, length = dataset.codes.shape
    return SequenceBatch(
        ids=dataset.ids,
        bases=dataset.codes.ravel(),
        offsets=np.arange(rows + 1, dtype=np.int64) * length,
        labels=dataset.labels,
        lines=np.arange(1, rows + 1, dtype=np.int64),
        ambiguous=dataset.ambiguous,
        name=name,
    )


def regrouped(batches: Iterator[SequenceBatch], rows: int) -> Iterator[SequenceBatch]:
    """The same sequences in batches of exactly `rows`, the last one maybe smaller."""
    pending: list[SequenceBatch] = []
    held = 0
    for batch in batches:
        start = 0
        while len(batch) - start >= rows - held:
            cut = start + rows - held
            yield _joined([*pending, batch.part(start, cut)])
            pending, held, start = [], 0, cut
        if start < len(batch):
            rest = batch.part(start, len(batch))
            pending.append(rest)
            held += len(rest)
    if pending:
        yield _joined(pending)


def _joined(parts: list[SequenceBatch]) -> SequenceBatch:
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([part.lengths for part in parts])
    labels = [part.labels for part in parts if part.labels is not None]
    return SequenceBatch(
        ids=[name for part in parts for name in part.ids],
        bases=np.concatenate([part.bases for part in parts]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        labels=np.concatenate(labels) if len(labels) == len(parts) else None,
        lines=np.concatenate([part.lines for part in parts]),
        ambiguous=sum(part.ambiguous for part in parts),
        name=parts[0].name,
    )
