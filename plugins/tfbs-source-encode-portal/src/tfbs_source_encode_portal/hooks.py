"""What this package tells tfbs-hub; the source itself is imported only when it is used."""

from __future__ import annotations

from collections.abc import Mapping

from tfbs_hub.hookspecs import hookimpl

__all__ = ["tfbs_sources"]


@hookimpl
def tfbs_sources() -> Mapping[str, str]:
    """The source `encode-portal`."""
    return {"encode-portal": "tfbs_source_encode_portal.source:fetch"}
