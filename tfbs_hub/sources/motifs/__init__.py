"""Position frequency matrices: what one is, how files hold them, and JASPAR's own."""

from __future__ import annotations

from tfbs_hub.sources.motifs.database import jaspar_family, jaspar_motif
from tfbs_hub.sources.motifs.motif import Motif
from tfbs_hub.sources.motifs.parsers import read_motifs

__all__ = ["Motif", "jaspar_family", "jaspar_motif", "read_motifs"]
