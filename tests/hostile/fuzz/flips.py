"""Single-bit flips in the weights of a registry: every load refuses."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

from tfbs_hub import Hub
from tfbs_hub.errors import IntegrityError

__all__ = ["flip_bits"]


def flip_bits(registry: Path, count: int, seed: int) -> tuple[int, float]:
    """Flip one bit of one stored weights file, load what it belongs to, put the bit back; `count` times.

    Returns:
        How many loads were refused, and the seconds that all took.
    """
    began = time.monotonic()
    hub = Hub.open(registry)
    record = hub.gate_record()
    loads = {spec.weights: (hub.expert, (spec.card.name,)) for spec in hub.registry.experts()}
    loads[record.weights] = (hub.gate, ())
    # Each loads as long as nobody has touched it.
    for load, arguments in loads.values():
        load(*arguments)
    rng = Random(f"{seed}:flips")
    refused = 0
    for _ in range(count):
        path = rng.choice(list(loads))
        place, bit = rng.randrange(path.stat().st_size), 1 << rng.randrange(8)
        _toggle(path, place, bit)
        try:
            load, arguments = loads[path]
            load(*arguments)
        except IntegrityError:
            refused += 1
        finally:
            _toggle(path, place, bit)
    for load, arguments in loads.values():
        load(*arguments)
    return refused, time.monotonic() - began


def _toggle(path: Path, place: int, bit: int) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        (byte,) = os.pread(handle, 1, place)
        os.pwrite(handle, bytes([byte ^ bit]), place)
    finally:
        os.close(handle)
