"""An expert as one file: a zip with `bundle.json`, `card.json`, `weights.safetensors`, maybe `gate-set.h5`.

    {"files": {"card.json": {"sha256": ..., "size": ...}, ...}, "format": "tfbs-hub-bundle", "format_version": 1,
     "kind": "expert", "name": "STAT3"}

Written with stored members, sorted names and a fixed date: equal experts have equal bundles, byte for byte. Read by
name into memory, never extracted: a member that is not expected, too large, encrypted, a link or listed twice makes
the whole bundle refused, and every digest is checked before a byte is used.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from tfbs_hub.cards import ExpertCard, canonical_json, parse_expert_card
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, UsageError
from tfbs_hub.files import write_whole
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_MANIFEST_BYTES, MAX_BUNDLE_RATIO
from tfbs_hub.registry.generation import FileEntry
from tfbs_hub.registry.layout import CARD, FILE_LIMITS, GATE_SET, WEIGHTS
from tfbs_hub.registry.storage import read_capped, sha256
from tfbs_hub.registry.store import Registry

__all__ = ["Bundle", "export_expert", "read_bundle"]

FORMAT: Final = "tfbs-hub-bundle"
FORMAT_VERSION: Final = 1
MANIFEST: Final = "bundle.json"
_LIMITS: Final = FILE_LIMITS | {MANIFEST: MAX_BUNDLE_MANIFEST_BYTES}
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_END: Final = struct.Struct("<4s4H2LH")
_FLAGS: Final = 0x0800 | 0x0008 | 0x0006
"""Flags that a member may carry: UTF-8 name, sizes after the data, deflate's level; not encryption."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a bundle brings: the card, and the other files' bytes by name (as `Registry.add_expert` takes them)."""

    card: ExpertCard
    files: dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    format: str
    format_version: int
    kind: Literal["expert"]
    name: str
    files: dict[str, FileEntry]


def export_expert(registry: Registry, name: str, target: Path) -> Path:
    """Write an expert of the registry to the new file `target`, and return that; `UsageError` if it exists."""
    spec = registry.expert(name)
    if target.exists() or target.is_symlink():
        raise UsageError("this file exists already", where=str(target), hint="name another, or remove it first")
    if not target.parent.is_dir():
        raise NotFoundError("there is no such folder", where=str(target.parent), hint="make it, or name another file")
    write_whole(target, pack(registry, spec))
    return target


def pack(registry: Registry, spec: ExpertSpec) -> bytes:
    """The bytes of an expert's bundle; its files are checked against their digests on the way."""
    contents = {CARD: spec.card.to_json(), WEIGHTS: registry.read_weights(spec)}
    if spec.gate_set is not None and spec.card.gate_set.kind == "stored":
        contents[GATE_SET] = registry.read_gate_set(spec)
    files = {name: FileEntry(sha256=sha256(data), size=len(data)) for name, data in contents.items()}
    manifest = _Manifest(format=FORMAT, format_version=FORMAT_VERSION, kind="expert", name=spec.card.name, files=files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, data in sorted({**contents, MANIFEST: canonical_json(manifest)}.items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def read_bundle(path: Path) -> Bundle:
    """Read a bundle, checking everything that can be checked without the network's code.

    Raises `NotFoundError` if there is no such file, `InputError` if it is no zip, and `IntegrityError` if it breaks a
    limit or its bytes are not what it promises.
    """
    try:
        data = read_capped(path, MAX_BUNDLE_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", where=str(path)) from error
    where = str(path)
    _check_end(data, where)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contents = _members(archive, where)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise IntegrityError(f"this bundle is damaged: {error}", where=where) from error
    except (struct.error, OverflowError, IndexError) as error:
        raise IntegrityError("this bundle is damaged: its directory makes no sense", where=where) from error
    return _bundle(contents, where)


def _check_end(data: bytes, where: str) -> None:
    """Refuse what is no plain zip before `zipfile` believes anything that its directory says."""
    if not data.startswith(b"PK\x03\x04"):
        raise InputError("this is not a bundle", where=where, hint="a bundle is made by `tfbs-hub export NAME FILE`")
    if len(data) < _END.size:
        raise IntegrityError("this bundle is cut short", where=where)
    signature, disk, start, here, entries, size, offset, _ = _END.unpack(data[-_END.size :])
    if signature != b"PK\x05\x06":
        raise IntegrityError("this bundle is cut short, or has something behind its end", where=where)
    if disk or start or here != entries or entries > len(_LIMITS) or offset + size + _END.size != len(data):
        raise IntegrityError("this bundle's directory is not that of a bundle", where=where)


def _members(archive: zipfile.ZipFile, where: str) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for info in archive.infolist():
        name = info.orig_filename
        if name not in _LIMITS or name != info.filename:
            raise IntegrityError(f"a bundle has no member {name!r}", where=where)
        if name in contents:
            raise IntegrityError(f"the member {name!r} is there twice", where=where)
        if stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFREG}:
            raise IntegrityError(f"the member {name!r} is not a regular file", where=where)
        if info.flag_bits & ~_FLAGS or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise IntegrityError(f"the member {name!r} is encrypted or packed in an unknown way", where=where)
        if info.file_size > _LIMITS[name] or info.file_size > MAX_BUNDLE_RATIO * max(info.compress_size, 1):
            raise IntegrityError(f"the member {name!r} is too large", where=where)
        with archive.open(info) as member:
            contents[name] = member.read(info.file_size + 1)
    return contents


def _bundle(contents: dict[str, bytes], where: str) -> Bundle:
    manifest = _manifest(contents.pop(MANIFEST, b""), where)
    if set(contents) != set(manifest.files) or not {WEIGHTS, CARD} <= set(contents):
        raise IntegrityError("the bundle's files are not those that it lists", where=f"{where}: {MANIFEST}")
    for name, entry in manifest.files.items():
        if len(contents[name]) != entry.size or sha256(contents[name]) != entry.sha256:
            raise IntegrityError("these bytes differ from their digest", where=f"{where}: {name}")
    data = contents.pop(CARD)
    card = parse_expert_card(data, f"{where}: {CARD}")
    if card.to_json() != data:
        raise IntegrityError("this card is not in canonical form", where=f"{where}: {CARD}")
    if card.name != manifest.name or card.weights_sha256 != manifest.files[WEIGHTS].sha256:
        raise IntegrityError("the card is not that of this expert", where=f"{where}: {CARD}")
    return Bundle(card=card, files=contents)


def _manifest(data: bytes, where: str) -> _Manifest:
    where = f"{where}: {MANIFEST}"
    try:
        raw = msgspec.json.decode(data)
        version = raw.get("format_version") if isinstance(raw, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise IntegrityError(
                f"this bundle has format version {version}; this tfbs-hub reads up to {FORMAT_VERSION}",
                where=where,
                hint="update tfbs-hub",
            )
        manifest = msgspec.convert(raw, _Manifest)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise IntegrityError(f"this is not a bundle's manifest: {error}", where=where) from error
    if manifest.format != FORMAT:
        raise IntegrityError("this is not a bundle's manifest", where=where)
    return manifest
