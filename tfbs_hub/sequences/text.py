"""Plain text: one sequence a line and nothing else; the sequences are called seq1, seq2 and so on."""

from __future__ import annotations

from collections.abc import Iterator

from tfbs_hub.sequences.batch import SequenceBatch, coded
from tfbs_hub.sequences.spans import Lines, gather, offsets_of

__all__ = ["parse"]


def parse(blocks: Iterator[Lines], where: str) -> Iterator[SequenceBatch]:
    """Batches from blocks of lines; blank lines are skipped.

    Raises:
        InputError: a letter that is no DNA letter, with file and line.
    """
    count = 0
    for lines in blocks:
        lengths = lines.ends - lines.starts
        offsets = offsets_of(lengths)
        bases, ambiguous = coded(gather(lines.raw, lines.starts, lengths).tobytes(), offsets, lines.numbers, where)
        yield SequenceBatch(
            ids=[f"seq{number}" for number in range(count + 1, count + len(lines) + 1)],
            bases=bases,
            offsets=offsets,
            labels=None,
            lines=lines.numbers,
            ambiguous=ambiguous,
            name=where,
        )
        count += len(lines)
