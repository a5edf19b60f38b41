"""Damage: what is done to the bytes and to the JSON of a good file. All of it follows from one random generator."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["Damage", "damaged_bytes", "damaged_json", "evil_pickle"]

Damage = Callable[[Random, bytes], bytes]

NUMBERS = (0, 1, -1, 2, 255, 256, 1 << 15, 1 << 31, (1 << 31) - 1, 1 << 32, 1 << 53, 1 << 62, (1 << 63) - 1, 1 << 64)
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    None,
    True,
    False,
    0.5,
    -0.0,
    1e308,
    5e-324,
    10**40,
    "",
    "x",
    "0" * 64,
    "../../etc/passwd",
    "os:system",
    "tfbs_hub.experts.pwm:PWM",
    "\x1b[2J\u202e\0",
    "A" * 5000,
    [],
    [[]],
    [0],
    {},
    {"a": {}},
    ["F32", "F64", "I64", "U8"],
)
KEYS = ("", "name", "shape", "dtype", "data_offsets", "__metadata__", "format", "config", "window", "__class__", "../x")
LITERALS = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 3000, b'{"a":' * 3000, b"\\ud800", b"\0")


class _Evil:
    """Unpickled, it writes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.canary, "ran"))


def evil_pickle(canary: Path) -> bytes:
    """A pickle that writes `canary` when it is opened."""
    return pickle.dumps(_Evil(canary))


def damaged_bytes(rng: Random, data: bytes, pieces: tuple[bytes, ...] = ()) -> bytes:
    """One to four things done to bytes; `pieces` are put in among others."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        data = rng.choice(_BYTES)(rng, data, pieces)
    return data


def _place(rng: Random, data: bytes) -> int:
    """A place in the data; the beginning, where the structure is, as often as all the rest."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 600)
    return rng.randrange(end) if end else 0


def _flip(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    place = _place(rng, data)
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :] if data else data


def _set(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    place = _place(rng, data)
    return data[:place] + bytes([rng.choice((0, 1, 127, 128, 255, 34, 92, 123, 125, 10, 9))]) + data[place + 1 :]


def _number(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    size = rng.choice((2, 4, 8))
    place = _place(rng, data) // size * size if rng.random() < 0.7 else _place(rng, data)
    value = (rng.choice(NUMBERS) + rng.choice((-1, 0, 1))) % (1 << 8 * size)
    return data[:place] + value.to_bytes(size, "little") + data[place + size :]


def _cut(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    return data[: _place(rng, data)] if rng.random() < 0.5 else data[: max(0, len(data) - rng.randrange(1, 40))]


def _remove(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    place = _place(rng, data)
    return data[:place] + data[place + rng.choice((1, 2, 4, 8, 64, 1000)) :]


def _repeat(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    place, size = _place(rng, data), rng.choice((1, 4, 8, 50, 500))
    return data[:place] + data[place : place + size] * rng.choice((2, 3, 50)) + data[place + size :]


def _move(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    place, source, size = _place(rng, data), _place(rng, data), rng.choice((1, 4, 8, 50, 500))
    return data[:place] + data[source : source + size] + data[place + size :]


def _insert(rng: Random, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    place = _place(rng, data)
    return data[:place] + rng.choice((*LITERALS, *pieces, rng.randbytes(8))) + data[place:]


_BYTES = (_flip, _flip, _set, _number, _number, _cut, _remove, _repeat, _move, _insert)


def damaged_json(rng: Random, data: bytes) -> bytes:
    """One to three things done to a JSON document: to its values, its keys, or its text."""
    value = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        value = _altered(rng, value)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return text if rng.random() < 0.7 else rng.choice((_twice, _literal))(rng, text)


def _altered(rng: Random, value: Any) -> Any:
    """The same, but for one thing somewhere in it."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        changed = dict(value)
        match rng.randrange(8):
            case 0:
                del changed[key]
            case 1:
                changed[rng.choice(KEYS)] = changed.pop(key)
            case 2:
                changed[rng.choice(KEYS)] = rng.choice(VALUES)
            case 3:
                changed[key] = value[rng.choice(list(value))]
            case _:
                changed[key] = _altered(rng, value[key])
        return changed
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        match rng.randrange(6):
            case 0:
                return value[:place] + value[place + 1 :]
            case 1:
                return value * rng.choice((2, 3))
            case _:
                return [*value[:place], _altered(rng, value[place]), *value[place + 1 :]]
    if isinstance(value, int | float) and rng.random() < 0.5:
        return value + rng.choice((-1, 1, 4, 1 << 32)) if abs(value) < 1 << 70 else value
    if isinstance(value, str) and value.startswith("{") and rng.random() < 0.9:
        return damaged_json(rng, value.encode()).decode("utf-8", "replace")
    return rng.choice(VALUES)


def _twice(rng: Random, text: bytes) -> bytes:
    """A key that stands twice."""
    place = text.find(b'":', rng.randrange(len(text)))
    start = text.rfind(b'"', 0, place) if place > 0 else -1
    return text if start < 0 else text[:start] + text[start : place + 2] + b" 1, " + text[start:]


def _literal(rng: Random, text: bytes) -> bytes:
    """What Python would write and JSON does not know, in the place of a number."""
    places = [place for place in range(len(text)) if text[place : place + 1].isdigit()]
    place = rng.choice(places) if places else 0
    return text[:place] + rng.choice(LITERALS) + text[place + 1 :]
