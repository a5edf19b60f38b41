"""Exact dinucleotide shuffle (Altschul and Erickson, 1985), for many sequences at once.

A sequence is a walk over letters, and a shuffle that keeps every dinucleotide count is another walk over the same
edges: an Eulerian path. All such paths are equally likely if

1.  each letter but the last of the sequence draws the edge by which it is left for the last time, so that these
    edges form a tree that leads to the sequence's end, with a probability in proportion to the product of the
    edges' counts;
2.  the other edges of each letter are put into random order;
3.  the path takes each letter's edges in that order, the edge of the tree last.

Step 1 draws among the few trees (16 for four letters, 125 for five) by their exact weights, so nothing is ever
rejected. Step 2 is one sort of random keys a row; rows in which two keys come out equal draw anew. Step 3 walks all
rows in step.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.errors import InputError
from tfbs_hub.sequences.alphabet import UNKNOWN, Codes

__all__ = ["dinucleotide_shuffle"]

_BLOCK_BASES: Final = 100_000
"""Bases sorted and walked at once: what this takes then stays in the processor's second cache."""
_BLOCKS: Final = 8
"""Blocks whose last edges are drawn at once."""
_SHORT: Final = 1024
"""Edges up to which 32-bit sort keys do."""


def dinucleotide_shuffle(codes: Codes, rng: np.random.Generator) -> Codes:
    """Shuffle every sequence so that each of its dinucleotides occurs as often as before.

    First and last base stay too. All sequences with these counts are equally likely, the original included.
    Unknown bases (4) count as a fifth letter. The result depends on `codes` and the state of `rng` alone.

    Args:
        codes: uint8 (n, length), values 0 to 4.
        rng: where chance comes from; it is advanced.

    Returns:
        uint8 (n, length), a new array.

    Raises:
        InputError: a code above 4.
    """
    length = codes.shape[1]
    if codes.size and codes.max() > UNKNOWN:
        raise InputError(f"code {codes.max()} is no base: codes go from 0 to {UNKNOWN}")
    shuffled = codes.copy()
    if length < 3:
        return shuffled
    unknown = (codes == UNKNOWN).any(axis=1)
    block = max(1, _BLOCK_BASES // length)
    for letters, chosen in ((4, np.flatnonzero(~unknown)), (5, np.flatnonzero(unknown))):
        for start in range(0, len(chosen), _BLOCKS * block):
            part = chosen[start : start + _BLOCKS * block]
            shuffled[part] = _shuffled(codes[part], letters, block, rng)
    return shuffled


def _shuffled(codes: Codes, letters: int, block: int, rng: np.random.Generator) -> Codes:
    parts = [slice(start, start + block) for start in range(0, len(codes), block)]
    pairs = codes[:, :-1] * np.uint8(letters) + codes[:, 1:]
    counts = np.concatenate([_counts(pairs[part], letters) for part in parts])
    last = _last_edges(counts, codes[:, -1], rng)
    degrees = counts.sum(axis=2)
    shuffled = np.empty_like(codes)
    for part in parts:
        edges = _ordered_edges(codes[part], pairs[part], last[part], rng)
        shuffled[part] = _walk(edges, degrees[part], codes[part, 0])
    return shuffled


def _counts(pairs: Codes, letters: int) -> NDArray[np.int64]:
    """How often each letter follows each other one, (n, letters, letters), by dinucleotide numbers."""
    size = letters * letters
    flat = pairs + np.arange(0, len(pairs) * size, size)[:, None]
    return np.bincount(flat.ravel(), minlength=len(pairs) * size).reshape(-1, letters, letters)


@cache
def _trees(letters: int, root: int) -> tuple[NDArray[np.int64], Codes]:
    """All trees that lead to `root`.

    Returns:
        The trees' numbers among all choices of a target for each letter but the root (last letter fastest), and
        those targets by letter, (trees, letters).
    """
    others = [letter for letter in range(letters) if letter != root]
    numbers, trees = [], []
    for number, choice in enumerate(product(range(letters), repeat=len(others))):
        targets = dict(zip(others, choice, strict=True)) | {root: root}
        reached = set(range(letters))
        for _ in range(letters):
            reached = {targets[letter] for letter in reached}
        if reached == {root}:
            numbers.append(number)
            trees.append([targets[letter] for letter in range(letters)])
    return np.array(numbers), np.array(trees, np.uint8)


def _last_edges(counts: NDArray[np.int64], ends: Codes, rng: np.random.Generator) -> Codes:
    """Draw the letter to which each letter's last edge leads, (n, letters)."""
    rows, letters, _ = counts.shape
    targets = np.empty((rows, letters), np.uint8)
    chance = rng.random((rows,))
    for root in range(letters):
        chosen = np.flatnonzero(ends == root)
        if not len(chosen):
            continue
        numbers, trees = _trees(letters, root)
        weight = counts[chosen].transpose(1, 2, 0).astype(np.float64, order="C")
        # A letter that never occurs needs no edge: it leads to the root, with certainty.
        weight[:, root] += weight.sum(axis=1) == 0
        likelihood = np.ones((1, len(chosen)))
        for letter in range(letters):
            if letter != root:
                likelihood = (likelihood[:, None] * weight[letter]).reshape(-1, len(chosen))
        total = np.cumsum(likelihood[numbers], axis=0)
        targets[chosen] = trees[(total <= chance[chosen] * total[-1]).sum(axis=0)]
    return targets


def _ordered_edges(codes: Codes, pairs: Codes, last: Codes, rng: np.random.Generator) -> Codes:
    """Each row's edges by the letter they leave, in random order but for the last one: where they lead, (n, edges)."""
    rows, edges = pairs.shape
    letters = last.shape[1]
    # A key: 3 bits for the letter an edge leaves, random bits, 3 bits for the letter it leads to. Shorter keys are
    # drawn and sorted faster, but in long rows they would too often be equal.
    kind = np.dtype(np.uint32 if edges <= _SHORT else np.uint64)
    source_shift = 8 * kind.itemsize - 3
    highest = kind.type((1 << source_shift) - 8)
    words = rng.integers(0, 1 << 64, size=-(-rows * edges * kind.itemsize // 8), dtype=np.uint64)
    flat = words.view(kind)[: rows * edges]
    keys = flat.reshape(rows, edges)
    keys &= highest
    keys |= codes[:, :-1].astype(kind) << kind.type(source_shift)
    keys |= codes[:, 1:]
    first_edge = np.arange(0, rows * edges, edges)
    for letter in range(letters):
        # Equal edges are interchangeable, so any one of the right kind may be moved to the end.
        found = pairs == last[:, letter, None] + np.uint8(letter * letters)
        place = first_edge + found.argmax(axis=1)
        needed = found.ravel()[place] & (codes[:, -1] != letter)
        flat[place[needed]] |= highest
    keys.sort(axis=1)
    ordered: Codes = keys.astype(np.uint8) & np.uint8(7)
    # Equal keys would be ordered by their letters and not by chance: draw such rows again.
    tied = ((keys[:, 1:] ^ keys[:, :-1]) <= 7).any(axis=1)
    if tied.any():
        ordered[tied] = _ordered_edges(codes[tied], pairs[tied], last[tied], rng)
    return ordered


def _walk(edges: Codes, degrees: NDArray[np.int64], first: Codes) -> Codes:
    """Follow the edges from the first letter on: letters, (n, edges + 1)."""
    rows, steps = edges.shape
    targets = edges.ravel()
    letters = degrees.shape[1]
    next_edge = np.cumsum(degrees, axis=1)
    next_edge -= degrees
    next_edge += np.arange(0, rows * steps, steps)[:, None]
    pointer = next_edge.ravel()
    row_start = np.arange(0, rows * letters, letters)
    path = np.empty((steps + 1, rows), np.uint8)
    path[0] = first
    place, edge = np.empty(rows, np.int64), np.empty(rows, np.int64)
    for here, there in pairwise(path):
        np.add(row_start, here, out=place)
        pointer.take(place, out=edge, mode="clip")
        targets.take(edge, out=there, mode="clip")
        edge += 1
        pointer[place] = edge
    return path.T
