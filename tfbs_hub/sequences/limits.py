"""Sizes beyond which an input is refused, all in one place.

Streaming keeps memory flat by itself; these limits are for input that is made to hurt (gzip bombs, a file
without line ends, HDF5 headers that claim petabytes). Each is far above what sequencing data reaches.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_LINE_BYTES",
    "MAX_LOADED_BASES",
    "MAX_RATIO",
    "MAX_STORED_BYTES",
    "MAX_TEXT_BYTES",
    "RATIO_FREE_BYTES",
]

MAX_TEXT_BYTES: Final = 256 << 30
"""Bytes that one input may unpack to."""
MAX_RATIO: Final = 250
"""Unpacked bytes per packed byte, once `RATIO_FREE_BYTES` have been unpacked (deflate can reach 1,032)."""
RATIO_FREE_BYTES: Final = 64 << 20
MAX_LINE_BYTES: Final = 512 << 20
"""Bytes of one line or one FASTA record; the longest human chromosome has 249 million bases."""
MAX_LOADED_BASES: Final = 2 << 30
"""Bases that may be held in memory at once (one byte each)."""
MAX_STORED_BYTES: Final = 1 << 30
"""Bytes of an HDF5 file of sequences, and of each array in it."""
