"""A sequence to try things on: one site in DNA that is always the same."""

from __future__ import annotations

import random
from typing import Final

from tfbs_hub.tui.logo import consensus
from tfbs_hub.workbench.messages import Motif

__all__ = ["planted"]

_SEED: Final = 11


def planted(motif: Motif | None, length: int) -> str:
    """Random DNA of a length, a motif's likeliest bases in its middle; without a motif, random DNA alone."""
    draw = random.Random(_SEED)
    letters = [draw.choice("ACGT") for _ in range(length)]
    site = "" if motif is None else consensus(motif.share).upper()[:length]
    start = (length - len(site)) // 2
    letters[start : start + len(site)] = site
    return "".join(letters)
