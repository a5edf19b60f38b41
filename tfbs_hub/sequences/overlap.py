"""Which sequences share a k-mer, on either strand: how training data is kept apart from test data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import UsageError
from tfbs_hub.sequences.alphabet import UNKNOWN, Codes

__all__ = ["KmerIndex"]

Words = NDArray[np.uint64]

_MAX_K: Final = 32
"""Longest k-mer that fits into 64 bits, two a base."""
_BLOCK_ROWS: Final = 1024
# Most queries share nothing: a table of bits, found with one multiplication, turns them away before the search.
_HASH_BITS: Final = 24
_HASH_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)


class KmerIndex:
    """The k-mers of some sequences, each taken for the same as its reverse complement.

    Args:
        codes: uint8 (n, length).
        k: length of the k-mers, 1 to 32.

    Raises:
        UsageError: a k outside 1 to 32.
    """

    def __init__(self, codes: Codes, k: int = 32) -> None:
        if not 1 <= k <= _MAX_K:
            raise UsageError(f"k-mers can have 1 to {_MAX_K} bases, not {k}")
        self.k = k
        known = [words[valid] for words, valid in _blocks(codes, k)]
        ordered = np.sort(np.concatenate([np.empty(0, np.uint64), *known]))
        # np.unique hashes, which takes a hundred times as long as this sort.
        self._words = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
        self._seen = np.zeros(1 << _HASH_BITS, np.bool_)
        self._seen[_hash(self._words)] = True

    def __len__(self) -> int:
        """How many different k-mers there are."""
        return len(self._words)

    def shares(self, codes: Codes) -> NDArray[np.bool_]:
        """True where a row of `codes` (uint8, (n, length)) shares a k-mer with the index, on either strand.

        k-mers with an unknown base match nothing.
        """
        found = np.zeros(len(codes), np.bool_)
        start = 0
        for words, known in _blocks(codes, self.k):
            row, place = np.nonzero(known & self._seen[_hash(words)])
            asked = words[row, place]
            at = np.minimum(np.searchsorted(self._words, asked), len(self._words) - 1)
            found[start + row[self._words[at] == asked]] = True
            start += len(words)
        return found


def _blocks(codes: Codes, k: int) -> Iterator[tuple[Words, NDArray[np.bool_]]]:
    for start in range(0, len(codes), _BLOCK_ROWS):
        yield _canonical(codes[start : start + _BLOCK_ROWS], k)


def _hash(words: Words) -> NDArray[np.int64]:
    return ((words * _HASH_FACTOR) >> np.uint64(64 - _HASH_BITS)).view(np.int64)


def _canonical(codes: Codes, k: int) -> tuple[Words, NDArray[np.bool_]]:
    """Every k-mer as the smaller of its two strands' numbers, and where it has no unknown base; (n, length - k + 1)."""
    rows, length = codes.shape
    if length < k:
        return np.empty((rows, 0), np.uint64), np.empty((rows, 0), np.bool_)
    unknown = codes == UNKNOWN
    forward = _packed(np.where(unknown, 0, codes).astype(np.uint64), k)
    backward = _packed(np.where(unknown, 0, 3 - codes.astype(np.int64)).astype(np.uint64)[:, ::-1], k)[:, ::-1]
    before = np.zeros((rows, length + 1), np.int64)
    np.cumsum(unknown, axis=1, out=before[:, 1:])
    return np.minimum(forward, backward), before[:, k:] == before[:, :-k]


def _packed(bases: Words, k: int) -> Words:
    """Numbers of all k-mers, two bits a base, the first base highest: built by doubling, in about log2(k) steps."""
    total, done = np.zeros((bases.shape[0], bases.shape[1] + 1), np.uint64), 0
    piece, width = bases, 1
    rest = k
    while rest:
        if rest & 1:
            # `total` holds k-mers of `done` bases; the piece of `width` bases that follows is put behind them.
            shifted = total[:, : bases.shape[1] - done - width + 1] << np.uint64(2 * width)
            total = shifted | piece[:, done:]
            done += width
        rest >>= 1
        if rest:
            piece = (piece[:, :-width] << np.uint64(2 * width)) | piece[:, width:]
            width *= 2
    return total
