"""What can be asked of the workbench, and what it answers; plain values, so that whoever asks needs no numpy."""

from __future__ import annotations

import msgspec

from tfbs_hub.workbench.views import (
    DataView,
    Failure,
    Layer,
    Mark,
    ModelView,
    Motif,
    Neighbour,
    PackageView,
    PairView,
    Track,
    Weighed,
)

__all__ = [
    "ANSWERS",
    "Ask",
    "Assess",
    "Assessed",
    "Change",
    "Changed",
    "DataView",
    "Explain",
    "Explained",
    "Export",
    "Exported",
    "Failure",
    "Layer",
    "Learn",
    "Learned",
    "Mark",
    "Marks",
    "ModelView",
    "Motif",
    "Neighbour",
    "OpenRun",
    "PackageView",
    "PairView",
    "ReadSequences",
    "Report",
    "RunView",
    "Seqlets",
    "Sequences",
    "Survey",
    "Surveyed",
    "Track",
    "Weighed",
]


class Ask(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", frozen=True):
    """A request."""


# -- sequences ------------------------------------------------------------------------------------------


class ReadSequences(Ask, tag="read", frozen=True):
    """Read a file, or what somebody pasted (FASTA or plain); at most `limit` sequences."""

    path: str | None = None
    text: str | None = None
    genome: str | None = None
    window: int | None = None
    limit: int = 500


class Sequences(msgspec.Struct):
    """Names and letters (A C G T N); `more`: there were others beyond the limit."""

    names: list[str]
    letters: list[str]
    more: bool
    ambiguous: int


# -- explaining -----------------------------------------------------------------------------------------


class Explain(Ask, tag="explain", frozen=True):
    """Explain one sequence by each layer, and ask the mixture what it predicts."""

    name: str
    letters: str
    layers: list[Layer]
    both_strands: bool = False
    corrected: bool = False


class Explained(msgspec.Struct):
    """Answers `Explain`; `tiled`: the window slid over a sequence longer than it, by so many base pairs (0: no)."""

    tracks: list[Track]
    mixture: Weighed | None
    tiled: int


class Seqlets(Ask, tag="seqlets", frozen=True):
    """Find and name the stretches of a sequence that matter to one layer."""

    letters: str
    layer: Layer
    both_strands: bool = False
    corrected: bool = False


class Marks(msgspec.Struct):
    """Answers `Seqlets`, by place."""

    marks: list[Mark]


class Export(Ask, tag="export", frozen=True):
    """Write explanations as `tfbs-hub explain -o` would: the file's ending says how."""

    names: list[str]
    letters: list[str]
    layers: list[Layer]
    path: str
    seqlets: bool = True
    both_strands: bool = False
    corrected: bool = False


class Exported(msgspec.Struct):
    """A file was written there, whole."""

    path: str
    size: int


# -- experts --------------------------------------------------------------------------------------------


class Learn(Ask, tag="learn", frozen=True):
    """What an expert has learned: from the cache, or computed now; and the matrix that JASPAR has for its factor."""

    name: str
    compute: bool = False


class Learned(msgspec.Struct):
    """Answers `Learn`; `computed` is False where nobody has asked the network yet."""

    motifs: list[Motif]
    known: Motif | None
    computed: bool
    note: str = ""


class Assess(Ask, tag="assess", frozen=True):
    """What an expert brings beside the others and the current gate."""

    name: str


class Assessed(msgspec.Struct):
    """Answers `Assess`: the expert's AUROC (value, low, high), the gate's, the others, and what to be warned of."""

    name: str
    auroc: tuple[float, float, float]
    gate: float | None
    neighbours: list[Neighbour]
    warnings: list[str]


class Change(Ask, tag="change", frozen=True):
    """A change of the registry that may need the network: copying in an expert of an installed package."""

    enable: str


class Changed(msgspec.Struct):
    """Done: the expert's name as the registry has it."""

    name: str


# -- evaluations ----------------------------------------------------------------------------------------


class OpenRun(Ask, tag="open-run", frozen=True):
    """Read a finished evaluation."""

    path: str


class RunView(msgspec.Struct):
    """A finished run, ready to be shown."""

    run: str
    path: str
    trials: int
    seed: int
    models: list[str]
    summary: str
    caution: str
    resolution: str
    command: list[str]
    means: list[tuple[str, float]]
    datasets: list[DataView]


class Report(Ask, tag="report", frozen=True):
    """Write the HTML report of a run."""

    run: str
    path: str


# -- plug-ins -------------------------------------------------------------------------------------------


class Survey(Ask, tag="survey", frozen=True):
    """Ask every installed plug-in package for all that it offers."""


class Surveyed(msgspec.Struct):
    """Answers `Survey`; the names of all that can be chosen, built in or not."""

    packages: list[PackageView]
    architectures: list[str]
    sources: list[str]
    methods: list[str]


ANSWERS: dict[type[Ask], type[msgspec.Struct]] = {
    ReadSequences: Sequences,
    Explain: Explained,
    Seqlets: Marks,
    Export: Exported,
    Learn: Learned,
    Assess: Assessed,
    Change: Changed,
    OpenRun: RunView,
    Report: Exported,
    Survey: Surveyed,
}
"""What answers what."""
