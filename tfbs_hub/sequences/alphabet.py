"""DNA letters as small numbers: A 0, C 1, G 2, T 3 and 4 for a base that nobody knows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError

__all__ = [
    "INVALID",
    "LETTERS_HINT",
    "TABLE",
    "UNKNOWN",
    "Codes",
    "decode",
    "encode",
    "first_invalid",
    "reverse_complement",
    "show_letter",
    "translate",
]

Codes = NDArray[np.uint8]

UNKNOWN: Final = 4
"""Code of N, of every IUPAC letter that leaves a choice, and of padding."""
INVALID: Final = 255
"""What `translate` makes of a byte that is no DNA letter."""
LETTERS_HINT: Final = (
    "DNA letters are A, C, G, T, N and the IUPAC codes RYSWKMBDHV, in either case (write RNA's U as T)"
)

_AMBIGUOUS: Final = 5
_IUPAC: Final = b"RYSWKMBDHV"


def _table() -> bytes:
    table = bytearray([INVALID]) * 256
    for letters, codes in ((b"ACGTN", range(5)), (_IUPAC, [_AMBIGUOUS] * len(_IUPAC))):
        for letter, code in zip(letters, codes, strict=True):
            table[letter] = table[letter + 32] = code
    return bytes(table)


TABLE: Final = _table()
"""Code of each of the 256 bytes, for `bytes.translate`: 0-4, 5 for an IUPAC letter, 255 for anything else."""

_LETTERS: Final = (b"ACGT" + b"N" * 252)[:256]


def translate(raw: bytes) -> tuple[Codes, int]:
    """Codes of letters, and how many IUPAC letters became `UNKNOWN`.

    Bytes that are no DNA letter come out as `INVALID`; the caller, who knows file and line, looks for them
    with `first_invalid`.

    Returns:
        uint8 codes (len(raw),), writable, and the count of IUPAC letters other than N.
    """
    codes = np.frombuffer(bytearray(raw.translate(TABLE)), np.uint8)
    if codes.size == 0 or codes.max() <= UNKNOWN:
        return codes, 0
    ambiguous = codes == _AMBIGUOUS
    codes[ambiguous] = UNKNOWN
    return codes, int(np.count_nonzero(ambiguous))


def first_invalid(codes: Codes) -> int | None:
    """Index of the first `INVALID` code, None where all are well."""
    if codes.size == 0 or codes.max() <= UNKNOWN:
        return None
    return int(np.argmax(codes == INVALID))


def show_letter(byte: int) -> str:
    """A byte as it may be shown in a message: printable letters as such, others by number."""
    return f"'{chr(byte)}'" if 32 <= byte < 127 else f"byte 0x{byte:02x}"


def encode(text: bytes | str) -> Codes:
    """Codes of one sequence; lower case and IUPAC letters are accepted, IUPAC letters become 4.

    Returns:
        uint8 (len(text),).

    Raises:
        InputError: a letter that is no DNA letter, with its position counted from 1.
    """
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    codes, _ = translate(raw)
    wrong = first_invalid(codes)
    if wrong is not None:
        raise InputError(
            f"{show_letter(raw[wrong])} is no DNA letter", where=f"position {wrong + 1}", hint=LETTERS_HINT
        )
    return codes


def decode(codes: Codes) -> str:
    """Letters of one sequence's codes (uint8, 1-D)."""
    return np.ascontiguousarray(codes, np.uint8).tobytes().translate(_LETTERS).decode("ascii")


def reverse_complement(codes: Codes) -> Codes:
    """The other strand, read in its own direction; the last axis is the sequence.

    Args:
        codes: uint8 of any shape (..., length).

    Returns:
        uint8 of the same shape, a new array.
    """
    # 3 - 4 wraps to 255 in uint8, so the minimum leaves unknown bases unknown.
    complement: Codes = np.uint8(3) - codes[..., ::-1]
    return np.minimum(complement, np.uint8(UNKNOWN), out=complement)
