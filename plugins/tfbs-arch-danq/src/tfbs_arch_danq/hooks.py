"""What this package tells tfbs-hub; the network itself is imported only when it is used."""

from __future__ import annotations

from collections.abc import Mapping

from tfbs_hub.hookspecs import hookimpl

__all__ = ["tfbs_architectures"]


@hookimpl
def tfbs_architectures() -> Mapping[str, str]:
    """The architecture `danq`."""
    return {"danq": "tfbs_arch_danq.network:DanQ"}
