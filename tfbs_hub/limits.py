"""Every limit on what comes from elsewhere: sizes, counts and times beyond which it is refused.

Each is far above what honest data reaches; what is larger is damaged or made to do harm. `docs/limits.md` shows them
all. Choices about the work itself (how many positives a gate learns from, how many models are compared in pairs) and
the ranges that an architecture takes for its own settings are no safety limits and stay with their subject.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CONNECT_SECONDS",
    "HDF5_BYTES_PER_SECOND",
    "HDF5_MEMORY_BYTES",
    "HDF5_SECONDS",
    "HDF5_START_SECONDS",
    "LISTING_SECONDS",
    "MAX_ACTIVATIONS",
    "MAX_ANSWER_BYTES",
    "MAX_ATTRIBUTES",
    "MAX_ATTRIBUTE_BYTES",
    "MAX_BROWSERS",
    "MAX_BUNDLE_BYTES",
    "MAX_BUNDLE_MANIFEST_BYTES",
    "MAX_BUNDLE_RATIO",
    "MAX_CARD_BYTES",
    "MAX_CHUNK_BYTES",
    "MAX_DIMENSIONS",
    "MAX_DOWNLOAD_BYTES",
    "MAX_DOWNLOAD_TEXT_BYTES",
    "MAX_EVALUATION_BYTES",
    "MAX_EVALUATION_DEPTH",
    "MAX_EVALUATION_OBJECTS",
    "MAX_FORMAT_BYTES",
    "MAX_GATE_SET_BYTES",
    "MAX_GENERATION_BYTES",
    "MAX_GZIP_RATIO",
    "MAX_HEADER_BYTES",
    "MAX_JOB_BYTES",
    "MAX_KEYS_BYTES",
    "MAX_LINE_BYTES",
    "MAX_LOADED_BASES",
    "MAX_MANIFEST_BYTES",
    "MAX_MESSAGE_BYTES",
    "MAX_MOTIF_FILE_BYTES",
    "MAX_REDIRECTS",
    "MAX_SEQUENCE_OBJECTS",
    "MAX_SESSION_BYTES",
    "MAX_STORED_BYTES",
    "MAX_TENSORS",
    "MAX_TEXT_BYTES",
    "MAX_TRIES",
    "MAX_WAIT_SECONDS",
    "MAX_WEIGHTS_BYTES",
    "RATIO_FREE_BYTES",
    "STALL_SECONDS",
]

# Files of a registry, a bundle and a package

MAX_WEIGHTS_BYTES: Final = 256 << 20
"""A weights file; those of the built-in architectures have less than 1 MiB."""
MAX_CARD_BYTES: Final = 4 << 20
"""A card, refused before its JSON is parsed."""
MAX_GATE_SET_BYTES: Final = 256 << 20
"""A stored gate set."""
MAX_EVALUATION_BYTES: Final = 1 << 30
"""The file of an evaluation, as it lies on the disk; its arrays may unpack to twice as much."""
MAX_GENERATION_BYTES: Final = 64 << 20
"""The snapshot of one generation, refused before its JSON is parsed."""
MAX_FORMAT_BYTES: Final = 64 << 10
"""`registry.json`, which says what a folder is."""
MAX_MANIFEST_BYTES: Final = 1 << 20
"""The `tfbs_hub.toml` of a package, refused before it is parsed."""
MAX_BUNDLE_MANIFEST_BYTES: Final = 64 << 10
"""The `bundle.json` of a bundle."""
MAX_BUNDLE_BYTES: Final = (
    MAX_WEIGHTS_BYTES + MAX_CARD_BYTES + MAX_GATE_SET_BYTES + MAX_BUNDLE_MANIFEST_BYTES + (64 << 10)
)
"""A bundle: its members and 64 KiB of directory."""
MAX_BUNDLE_RATIO: Final = 200
"""A bundle's member that unpacks to more than so many times its packed size is a bomb."""

# Weights

MAX_HEADER_BYTES: Final = 1 << 20
"""The header of a safetensors file, refused before its JSON is parsed."""
MAX_TENSORS: Final = 10_000
"""Tensors of a weights file."""
MAX_DIMENSIONS: Final = 8
"""Sides of a tensor: a shape of a million sides would take seconds to multiply."""
MAX_ACTIVATIONS: Final = 1 << 26
"""Numbers that one layer may have for one sequence (256 MiB): a configuration could ask for terabytes."""

# Sequences and motifs

MAX_TEXT_BYTES: Final = 256 << 30
"""Text that one input unpacks to; it is streamed, never held."""
MAX_GZIP_RATIO: Final = 250
"""Unpacked bytes for each packed one, of gzip and of HDF5 (deflate can reach 1,032)."""
RATIO_FREE_BYTES: Final = 64 << 20
"""Unpacked bytes from which on the ratio counts: small files of one letter are fine."""
MAX_LINE_BYTES: Final = 512 << 20
"""One line or one FASTA record; the longest human chromosome has 249 million bases."""
MAX_LOADED_BASES: Final = 2 << 30
"""Bases of a data set held in memory, a byte each."""
MAX_MOTIF_FILE_BYTES: Final = 64 << 20
"""A file of motifs; the whole of JASPAR CORE has a few MiB."""

# HDF5

MAX_STORED_BYTES: Final = 1 << 30
"""A file of sequences, and all its arrays together."""
MAX_SEQUENCE_OBJECTS: Final = 64
"""Groups and arrays in a file of sequences."""
MAX_EVALUATION_OBJECTS: Final = 1 << 20
"""Groups and arrays in an evaluation."""
MAX_EVALUATION_DEPTH: Final = 4
"""Groups within groups in an evaluation."""
MAX_CHUNK_BYTES: Final = 16 << 20
"""One chunk of an array, which HDF5 unpacks whole."""
MAX_ATTRIBUTES: Final = 64
"""Attributes of one group."""
MAX_ATTRIBUTE_BYTES: Final = 16 << 20
"""One attribute; a larger one is passed over."""
MAX_ANSWER_BYTES: Final = 256 << 20
"""Names, shapes and attributes that the process which reads a foreign file hands over."""
HDF5_MEMORY_BYTES: Final = 1 << 30
"""Address space of that process, beyond twice the file and what its arrays may take."""
HDF5_SECONDS: Final = 60.0
"""Time that it may take for one file, plus the next line's share."""
HDF5_BYTES_PER_SECOND: Final = 4 << 20
"""Each so many bytes of the file allow another second."""
HDF5_START_SECONDS: Final = 120.0
"""Time that it may take to start; a busy network file system is slow."""

# Downloads

MAX_DOWNLOAD_BYTES: Final = 256 << 20
"""A file, unless the caller says otherwise; the largest of the ENCODE set has a few MiB."""
MAX_DOWNLOAD_TEXT_BYTES: Final = 4 << 20
"""A list of files or digests."""
MAX_REDIRECTS: Final = 10
"""Redirects that are followed."""
MAX_TRIES: Final = 5
"""Tries in all."""
CONNECT_SECONDS: Final = 10.0
"""Until a connection stands."""
STALL_SECONDS: Final = 30.0
"""Without a single byte."""
MAX_WAIT_SECONDS: Final = 60.0
"""Between two tries, whatever the server asks for."""
LISTING_SECONDS: Final = 30.0
"""For the Hugging Face hub to list a data set."""

# Jobs and the terminal UI

MAX_JOB_BYTES: Final = 1 << 20
"""A job file."""
MAX_MESSAGE_BYTES: Final = 64 << 20
"""One line to the process that holds the models."""
MAX_SESSION_BYTES: Final = 8 << 20
"""What the UI remembers of a session, or of a past job."""
MAX_KEYS_BYTES: Final = 1 << 20
"""The user's choice of keys."""
MAX_BROWSERS: Final = 4
"""Browsers that may be connected at a time; each is a process."""
