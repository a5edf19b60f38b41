"""How large the files of a registry and of a bundle may be; a larger one is refused before it is read."""

from __future__ import annotations

from typing import Final

from tfbs_hub.cards import MAX_CARD_BYTES
from tfbs_hub.registry.layout import CARD, GATE_SET, WEIGHTS

__all__ = [
    "FILE_LIMITS",
    "MAX_BUNDLE_BYTES",
    "MAX_BUNDLE_MANIFEST_BYTES",
    "MAX_EVALUATION_BYTES",
    "MAX_FORMAT_BYTES",
    "MAX_GENERATION_BYTES",
    "MAX_RATIO",
    "MAX_WEIGHTS_BYTES",
]

MAX_WEIGHTS_BYTES: Final = 256 << 20
MAX_EVALUATION_BYTES: Final = 1 << 30
MAX_GATE_SET_BYTES: Final = 256 << 20
MAX_GENERATION_BYTES: Final = 64 << 20
MAX_FORMAT_BYTES: Final = 64 << 10
MAX_BUNDLE_MANIFEST_BYTES: Final = 64 << 10

FILE_LIMITS: Final = {WEIGHTS: MAX_WEIGHTS_BYTES, CARD: MAX_CARD_BYTES, GATE_SET: MAX_GATE_SET_BYTES}
"""The files that a version's folder may hold, and the most bytes of each."""

MAX_BUNDLE_BYTES: Final = sum(FILE_LIMITS.values()) + MAX_BUNDLE_MANIFEST_BYTES + (64 << 10)
MAX_RATIO: Final = 200
"""A bundle's member that unpacks to more than this many times its stored size is a bomb, not a model."""
