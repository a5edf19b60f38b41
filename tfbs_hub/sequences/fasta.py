"""FASTA: a header line that begins with `>`, then the sequence on one line or many.

A record's id is the first word of its header. The ids also carry the labels, where there are any: `_shuf` at
their end marks a shuffled negative, as in the ENCODE test sets; every other record is then a positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import LETTERS_HINT, first_invalid, show_letter, translate
from tfbs_hub.sequences.batch import SequenceBatch
from tfbs_hub.sequences.spans import offsets_of

__all__ = ["labels", "parse"]


def labels(ids: Sequence[str]) -> NDArray[np.int8] | None:
    """Labels that ids carry: 0 for `…_shuf` and 1 for all others; None where no id ends so."""
    bound = np.array([not name.endswith("_shuf") for name in ids], np.int8)
    return None if bound.all() else bound


def parse(blocks: Iterator[bytes], where: str) -> Iterator[SequenceBatch]:
    """Batches from blocks of whole records.

    A batch's labels are what its own ids say: None where none of them ends in `_shuf`.

    Raises:
        InputError: with file and line: text before the first header, a record without a name or without a
            sequence, a letter that is no DNA letter.
    """
    line = 1
    for block in blocks:
        text = block.lstrip(b"\r\n")
        line += block.count(b"\n", 0, len(block) - len(text))
        if not text:
            continue
        if not text.startswith(b">"):
            raise InputError(
                "FASTA must begin with a line that begins with '>'",
                where=f"{where}:{line}",
                hint="another format shows in the file's name: .seq, .bed, .narrowPeak, or .txt for a sequence a line",
            )
        batch, line = _batch(text, line, where)
        yield batch


def _batch(text: bytes, line: int, where: str) -> tuple[SequenceBatch, int]:
    """The records of `text`, the first of which begins on `line`; and the line after them."""
    ids: list[str] = []
    bodies: list[bytes] = []
    lines: list[int] = []
    for record in text[1:].split(b"\n>"):
        header, _, body = record.partition(b"\n")
        words = header.decode("utf-8", "replace").split(maxsplit=1)
        if not words:
            raise InputError("a record without a name", where=f"{where}:{line}")
        ids.append(words[0])
        bodies.append(body)
        lines.append(line)
        line += body.count(b"\n") + 2
    # The last record's own line feed was not taken off by the split.
    line -= text.endswith(b"\n")
    letters = [body.translate(None, b"\r\n") for body in bodies]
    lengths = np.array([len(each) for each in letters], np.int64)
    if not lengths.all():
        raise InputError("a record without a sequence", where=f"{where}:{lines[int(np.argmin(lengths))]}")
    offsets = offsets_of(lengths)
    bases, ambiguous = translate(b"".join(letters))
    wrong = first_invalid(bases)
    if wrong is not None:
        row = int(np.searchsorted(offsets, wrong, side="right")) - 1
        raise _wrong_letter(letters[row][wrong - offsets[row]], bodies[row], lines[row], where)
    numbers = np.array(lines, np.int64)
    return SequenceBatch(ids, bases, offsets, labels(ids), numbers, ambiguous, where), line


def _wrong_letter(letter: int, body: bytes, line: int, where: str) -> InputError:
    place = line + 1 + body.count(b"\n", 0, body.index(letter))
    return InputError(f"{show_letter(letter)} is no DNA letter", where=f"{where}:{place}", hint=LETTERS_HINT)
