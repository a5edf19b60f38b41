"""Where training sequences come from: the user's files, ENCODE, or JASPAR matrices.

A source is a function `fetch(tf, options) -> SequenceDataset` that returns what it knows of the factor's sites. A
module that offers one may also offer `fetch_test(tf, options) -> SequenceDataset | None`: rows kept apart for testing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["BUILTIN"]

BUILTIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "encode": "tfbs_hub.sources.encode:fetch",
        "files": "tfbs_hub.sources.files:fetch",
        "jaspar": "tfbs_hub.sources.jaspar:fetch",
    }
)
"""The sources that come with tfbs-hub, by name, each `module:function`."""
