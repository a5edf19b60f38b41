"""Weights as safetensors: packed reproducibly, parsed with limits, checked before anything is loaded.

The file's metadata holds exactly one key, `tfbs_hub`: canonical JSON of what is needed to rebuild the network
(several keys would be written in random order and change the digest). There are no times in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import msgspec
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import IntegrityError, UsageError
from tfbs_hub.experts.contract import Expert
from tfbs_hub.limits import MAX_DIMENSIONS, MAX_HEADER_BYTES, MAX_TENSORS

__all__ = ["Header", "load_expert", "load_state", "pack", "pack_expert", "read_header", "read_tensors"]

METADATA_KEY: Final = "tfbs_hub"
_DTYPES: Final = {"F64": 8, "F32": 4, "I64": 8, "U8": 1}
"""The types that weights and checkpoints are made of, with their size in bytes."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a weights file says of the network it belongs to.

    Attributes:
        architecture: `module:Class`.
        config: arguments of `Class.from_config`.
        window: input length in base pairs.
        embedding_dim: width of the embedding.
        format: version of this header.
    """

    architecture: str
    config: dict[str, Any]
    window: int
    embedding_dim: int
    format: int = 1


def pack(tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> bytes:
    """Tensors and one metadata entry as the bytes of a safetensors file: equal input, equal bytes."""
    # Clones, because safetensors refuses tensors that share memory, such as tied weights.
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    return safetensors.torch.save(plain, metadata={METADATA_KEY: canonical_json(header).decode().strip()})


def pack_expert(expert: Expert, architecture: str) -> bytes:
    """The weights file of an expert whose class is named `architecture` (`module:Class`)."""
    header = Header(
        architecture=architecture, config=expert.config, window=expert.window, embedding_dim=expert.embedding_dim
    )
    return pack(expert.state_dict(), asdict(header))


def read_tensors(data: bytes, where: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Metadata (the JSON under `tfbs_hub`) and tensors of a safetensors file.

    Raises:
        IntegrityError: the header is too large, repeats a key, overlaps, holds other types or metadata than
            ours, or a value is not finite.
    """
    metadata = read_header(data, where)
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, RuntimeError) as error:
        raise IntegrityError(f"not a valid safetensors file: {error}", where=where) from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise IntegrityError("a weight is not a finite number", where=f"{where}: {name}")
    return metadata, tensors


def read_header(data: bytes, where: str) -> dict[str, Any]:
    """The metadata of a safetensors file, its header checked; no tensor is touched.

    Raises:
        IntegrityError: as `read_tensors`.
    """
    if len(data) < 8:
        raise IntegrityError("not a safetensors file: it is too short", where=where)
    size = int.from_bytes(data[:8], "little")
    if size > MAX_HEADER_BYTES or size > len(data) - 8:
        raise IntegrityError(f"not a safetensors file of ours: its header claims {size} bytes", where=where)
    try:
        header = json.loads(data[8 : 8 + size], object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"not a valid safetensors header: {error}", where=where) from error
    if not isinstance(header, dict):
        raise IntegrityError("not a valid safetensors header: it is not an object", where=where)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or set(metadata) != {METADATA_KEY}:
        raise IntegrityError(f"the metadata must hold exactly the key {METADATA_KEY!r}", where=where)
    if len(header) > MAX_TENSORS:
        raise IntegrityError(f"{len(header)} tensors are more than the {MAX_TENSORS} allowed", where=where)
    _check_layout(header, len(data) - 8 - size, where)
    try:
        known = json.loads(metadata[METADATA_KEY], object_pairs_hook=_without_duplicates)
    except (TypeError, ValueError, RecursionError) as error:
        raise IntegrityError(f"the metadata is not valid JSON: {error}", where=where) from error
    if not isinstance(known, dict):
        raise IntegrityError("the metadata is not a JSON object", where=where)
    return known


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _check_layout(header: dict[str, Any], room: int, where: str) -> None:
    """Every tensor of a known type, of the size its shape needs, one after another without gap or overlap."""
    spans = []
    for name, entry in header.items():
        try:
            kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            fits = all(type(side) is int and side >= 0 for side in (*shape, begin, end))
            fits = fits and len(shape) <= MAX_DIMENSIONS and end - begin == math.prod(shape) * _DTYPES[kind]
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise IntegrityError("a tensor's type, shape and place do not fit together", where=f"{where}: {name}")
        spans.append((begin, end))
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise IntegrityError("tensors overlap or leave a gap", where=where)
        position = end
    if position != room:
        raise IntegrityError(f"the tensors need {position} bytes, the file has {room}", where=where)


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Load tensors into a module if names, shapes and types are exactly its own, else raise `IntegrityError`."""
    own = module.state_dict()
    missing, stray = sorted(set(own) - set(tensors)), sorted(set(tensors) - set(own))
    if missing or stray:
        raise IntegrityError(
            f"the tensors are not this network's (missing: {missing[:3]}, unknown: {stray[:3]})", where=where
        )
    for name, tensor in tensors.items():
        if tensor.shape != own[name].shape or tensor.dtype != own[name].dtype:
            raise IntegrityError(
                f"shape {tuple(tensor.shape)} {tensor.dtype} where the network has {tuple(own[name].shape)} "
                f"{own[name].dtype}",
                where=f"{where}: {name}",
            )
    module.load_state_dict(dict(tensors))


def load_expert(data: bytes, resolve: Callable[[str], Any], where: str) -> tuple[Header, Expert]:
    """Rebuild an expert from the bytes of its weights file, in eval mode, on the CPU.

    Args:
        data: the whole file; its digest has been checked by the caller.
        resolve: turns `module:Class` into the class, and refuses names that are not registered.
        where: name of the file, for errors.

    Raises:
        IntegrityError: the file breaks a limit, or does not fit the architecture.
    """
    metadata, tensors = read_tensors(data, where)
    try:
        header = msgspec.convert(metadata, Header)
    except (msgspec.ValidationError, RecursionError) as error:
        raise IntegrityError(f"not an expert's weights: {error}", where=where) from error
    stray = sorted(set(metadata) - {known.name for known in fields(Header)})
    if header.format != Header.format or stray:
        raise IntegrityError(
            f"a header of format {header.format}, unknown keys {stray[:3]}; this tfbs-hub reads {Header.format}",
            where=where,
            hint="update tfbs-hub",
        )
    architecture = resolve(header.architecture)
    try:
        expert = architecture.from_config(header.config)
    except UsageError as error:
        raise IntegrityError(f"the configuration cannot be built: {error}", where=where) from error
    if (expert.window, expert.embedding_dim) != (header.window, header.embedding_dim):
        raise IntegrityError(
            f"the network has window {expert.window} and width {expert.embedding_dim}, "
            f"the file says {header.window} and {header.embedding_dim}",
            where=where,
        )
    load_state(expert, tensors, where)
    return header, expert.eval()
