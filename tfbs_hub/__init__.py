"""tfbs-hub: a plug-in registry of transcription-factor-binding experts, mixed by a gate.

`from tfbs_hub import Hub` is the whole public face; importing the package imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfbs_hub.about import __version__

if TYPE_CHECKING:
    from tfbs_hub.hub import Hub

__all__ = ["Hub", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Hub":
        from tfbs_hub.hub import Hub  # noqa: PLC0415 - importing the package must stay cheap

        return Hub
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
