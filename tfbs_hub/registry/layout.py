"""What the files and folders of a registry are called."""

from __future__ import annotations

import re
from typing import Final

from tfbs_hub.limits import MAX_CARD_BYTES, MAX_GATE_SET_BYTES, MAX_WEIGHTS_BYTES
from tfbs_hub.names import SHORT, short

__all__ = [
    "CARD",
    "EVALUATIONS",
    "EXPERTS",
    "FILE_LIMITS",
    "FORMAT_FILE",
    "GATES",
    "GATE_SET",
    "GENERATIONS",
    "LOCK",
    "STAGE_PREFIX",
    "TMP",
    "VERSION",
    "WEIGHTS",
    "expert_folder",
    "gate_folder",
    "generation_file",
    "generation_number",
]

FORMAT_FILE: Final = "registry.json"
EXPERTS: Final = "experts"
GATES: Final = "gates"
EVALUATIONS: Final = "evaluations"
GENERATIONS: Final = "generations"
LOCK: Final = "lock"
TMP: Final = "tmp"
STAGE_PREFIX: Final = "stage-"

WEIGHTS: Final = "weights.safetensors"
CARD: Final = "card.json"
GATE_SET: Final = "gate-set.h5"

FILE_LIMITS: Final = {WEIGHTS: MAX_WEIGHTS_BYTES, CARD: MAX_CARD_BYTES, GATE_SET: MAX_GATE_SET_BYTES}
"""The files that a version's folder may hold, and the most bytes of each."""

VERSION: Final = re.compile(rf"[0-9a-f]{{{SHORT}}}(-[0-9a-f]{{8}})?")
"""Name of a version's folder: the start of the weights' digest; see `changes` for the rare suffix."""

_GENERATION: Final = re.compile(r"([0-9]{8,18})\.json")


def expert_folder(name: str, version: str) -> str:
    """Where a version of an expert lies, relative to the registry."""
    return f"{EXPERTS}/{name}/{version}"


def gate_folder(digest: str) -> str:
    """Where a gate lies, relative to the registry."""
    return f"{GATES}/{short(digest)}"


def generation_file(number: int) -> str:
    """Where a generation lies, relative to the registry."""
    return f"{GENERATIONS}/{number:08d}.json"


def generation_number(filename: str) -> int | None:
    """The number of the generation that a file name in `generations/` stands for; None for any other file."""
    match = _GENERATION.fullmatch(filename)
    if match is None or int(match[1]) < 1 or f"{int(match[1]):08d}" != match[1]:
        return None
    return int(match[1])
