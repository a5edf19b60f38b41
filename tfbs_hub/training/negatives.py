"""Negatives for each epoch: fresh exact shuffles, rows drawn from a pool, or some of both."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tfbs_hub.seeding import generator
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle

__all__ = ["FreshShuffles", "Mixed", "Negatives", "Pool"]

Codes = NDArray[np.uint8]


class Negatives(Protocol):
    """Where an epoch's negatives come from."""

    @property
    def digest(self) -> str:
        """Digest of what they are drawn from; empty if that is the positives themselves."""

    def training(self, positives: Codes, each: int, seed: int, epoch: int) -> Codes:
        """Negatives (about `each` for every positive) of a training epoch; their number never changes."""

    def validation(self, positives: Codes, seed: int) -> Codes:
        """Negatives that stay the same for the whole run, and never stand in a training epoch."""


class FreshShuffles:
    """An exact dinucleotide shuffle of every positive, redrawn each epoch."""

    digest = ""

    def training(self, positives: Codes, each: int, seed: int, epoch: int) -> Codes:
        """`each` fresh shuffles of every positive."""
        return dinucleotide_shuffle(np.repeat(positives, each, axis=0), generator(seed, "shuffle", epoch))

    def validation(self, positives: Codes, seed: int) -> Codes:
        """One shuffle of every held-out positive."""
        return dinucleotide_shuffle(positives, generator(seed, "shuffle", "validation"))


@dataclass(frozen=True, eq=False)
class Pool:
    """Negatives that were measured or cut from a genome: a fixed set, a share of it kept for validation.

    Attributes:
        codes: uint8 (n, length), n at least 2.
        held_out: share kept for validation.
    """

    codes: Codes
    held_out: float

    @property
    def digest(self) -> str:
        """sha256 of the rows, in their order."""
        return sha256(np.ascontiguousarray(self.codes).tobytes()).hexdigest()

    def _parts(self, seed: int) -> tuple[Codes, Codes]:
        order = generator(seed, "negatives", "split").permutation(len(self.codes))
        cut = min(max(1, round(len(order) * self.held_out)), len(order) - 1)
        return self.codes[order[cut:]], self.codes[order[:cut]]

    def training(self, positives: Codes, each: int, seed: int, epoch: int) -> Codes:
        """As many as there are, up to `each` for every positive; another draw each epoch."""
        pool = self._parts(seed)[0]
        draw = generator(seed, "negatives", epoch).permutation(len(pool))
        return pool[draw[: each * len(positives)]]

    def validation(self, positives: Codes, seed: int) -> Codes:
        """The part that was kept, up to one for every held-out positive."""
        return self._parts(seed)[1][: max(1, len(positives))]


@dataclass(frozen=True, eq=False)
class Mixed:
    """Shuffles and rows of a pool, as many of the one as of the other while the pool lasts.

    Shuffles teach what makes a sequence a site, other factors' peaks what makes it a site of this factor.
    """

    pool: Pool

    @property
    def digest(self) -> str:
        """Digest of the pool."""
        return self.pool.digest

    def training(self, positives: Codes, each: int, seed: int, epoch: int) -> Codes:
        """`each` negatives for every positive, at least one of either kind."""
        drawn = max(1, each // 2)
        return np.concatenate(
            [
                FreshShuffles().training(positives, max(1, each - drawn), seed, epoch),
                self.pool.training(positives, drawn, seed, epoch),
            ]
        )

    def validation(self, positives: Codes, seed: int) -> Codes:
        """One shuffle of every held-out positive, and up to as many rows of the pool's kept part."""
        return np.concatenate([FreshShuffles().validation(positives, seed), self.pool.validation(positives, seed)])
