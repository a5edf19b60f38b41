"""The hooks that a plug-in package may implement (pluggy, project name `tfbs_hub`).

A package names its hook module in the entry-point group `tfbs_hub` and marks functions with `hookimpl`:

    from tfbs_hub.hookspecs import hookimpl

    @hookimpl
    def tfbs_architectures():
        return {"danq": "tfbs_arch_danq.network:DanQ"}

A package that only ships experts of a known architecture needs no code: see `tfbs_hub.plugins` for the manifest.
Every value is `module:attribute`, so that nothing heavy is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from tfbs_hub.cards import ExpertCard

__all__ = ["API_VERSION", "PROJECT", "ExpertSpec", "hookimpl"]

PROJECT: Final = "tfbs_hub"
API_VERSION: Final = 1
"""Version of this contract; a package's `tfbs_hub.toml` says which one it was written for (see `tfbs_hub.plugins`)."""

_spec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, kw_only=True)
class ExpertSpec:
    """An expert that a registry or a package offers, without its weights.

    Attributes:
        card: its card.
        weights: path of the weights file.
        gate_set: path of a stored gate set; None where there is none.
        gate_set_sha256: what that file's bytes must have, where the user's own registry has recorded it; None where
            nobody vouches for the file, and it is read as one from elsewhere.
        origin: "registry", or the distribution that brings it ("tfbs-experts-encode 0.1.0").
        enabled: True if the next gate will mix it.
    """

    card: ExpertCard
    weights: Path
    gate_set: Path | None = None
    gate_set_sha256: str | None = None
    origin: str = "registry"
    enabled: bool = False


@_spec
def tfbs_architectures() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Architectures by name, each `module:Class` of an `Expert`."""


@_spec
def tfbs_sources() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Sources of training sequences by name, each `module:function`, `fetch(tf, options) -> SequenceDataset`."""


@_spec
def tfbs_attribution_methods() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Attribution methods by name, each `module:function`, `(model, x) -> tensor of the shape of x`."""


@_spec
def tfbs_experts() -> Sequence[ExpertSpec]:  # type: ignore[empty-body]
    """Experts that the plug-in offers."""


@_spec
def tfbs_expert_added(ref: str, card: ExpertCard) -> None:
    """An expert was added to the registry as `ref` (name@digest)."""


@_spec
def tfbs_gate_promoted(old: str | None, new: str) -> None:
    """A gate (digest) became current; `old` was before it."""
