"""What the portal says of experiments and files: the few fields that are asked for, checked as they come in.

Search answers hold their records under `@graph`, and with `field=` only the fields named; objects that a record links
to are embedded (`lab.title` comes as `{"lab": {"title": …}}`), except a file's `dataset`, which is a path.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from tfbs_hub.errors import IntegrityError

__all__ = ["EXPERIMENT_FIELDS", "FILE_FIELDS", "Experiment", "PeakFile", "experiments", "peak_files", "target_names"]

EXPERIMENT_FIELDS: Final = ("accession", "assembly", "biosample_ontology.term_name", "biosample_summary", "lab.title")
FILE_FIELDS: Final = ("accession", "dataset", "href", "md5sum", "output_type", "preferred_default")

T = TypeVar("T")

_ACCESSION: Final = re.compile(r"[A-Z0-9]{4,20}")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_DATASET: Final = re.compile(r"(/[A-Za-z0-9_-]+/[A-Z0-9]+/)?")
# A full address could lead to another server than the one that was asked.
_PATH: Final = re.compile(r"/files/[A-Za-z0-9@/._-]+")
_NOT_OURS: Final = "the answer is not what the portal's interface promises"
_HINT: Final = "try again later; if it stays so, the interface has changed: update tfbs-source-encode-portal"


class _Biosample(msgspec.Struct, frozen=True):
    term_name: str = ""


class _Lab(msgspec.Struct, frozen=True):
    title: str = ""


class Experiment(msgspec.Struct, frozen=True):
    """A released TF ChIP-seq experiment.

    Attributes:
        accession: ENCSR….
        assembly: assemblies that it has files for; empty where the portal does not say.
        biosample_ontology: the cell line or tissue.
        biosample_summary: the same in full, with treatments and modifications.
        lab: who measured.
    """

    accession: str
    assembly: tuple[str, ...] = ()
    biosample_ontology: _Biosample = _Biosample()
    biosample_summary: str = ""
    lab: _Lab = _Lab()

    @property
    def cell(self) -> str:
        """The cell line or tissue, on one line."""
        return " ".join(self.biosample_ontology.term_name.split())

    @property
    def remark(self) -> str:
        """Biosample and lab, on one line, for those who must choose."""
        return " ".join(f"{self.biosample_summary or self.cell}, {self.lab.title}".strip(", ").split())


class PeakFile(msgspec.Struct, frozen=True):
    """A file of peaks.

    Attributes:
        accession: ENCFF….
        href: path on the portal from which it is downloaded.
        md5sum: of the file as it is sent (gzip).
        output_type: what the pipeline calls it ("IDR thresholded peaks").
        preferred_default: True for the one that the portal itself shows first.
        dataset: path of its experiment.
    """

    accession: str
    href: str
    md5sum: str
    output_type: str = ""
    preferred_default: bool = False
    dataset: str = ""

    @property
    def kind(self) -> str:
        """What the pipeline calls it, on one line."""
        return " ".join(self.output_type.split())

    @property
    def experiment(self) -> str:
        """Accession of its experiment."""
        return self.dataset.strip("/").rpartition("/")[2]


class _Facet(msgspec.Struct, frozen=True):
    field: str = ""
    terms: Any = None


class _Answer(msgspec.Struct, frozen=True):
    graph: list[msgspec.Raw] = msgspec.field(name="@graph")
    facets: list[_Facet] = []


def experiments(text: str, where: str) -> list[Experiment]:
    """The experiments of a search answer; raises `IntegrityError` if it is none."""
    found = [_decoded(raw, Experiment, where) for raw in _decoded(text, _Answer, where).graph]
    for each in found:
        _check(_ACCESSION, each.accession, where)
    return found


def peak_files(text: str, where: str) -> list[PeakFile]:
    """The files of a search answer; raises `IntegrityError` if it is none, or names no file on the portal."""
    found = [_decoded(raw, PeakFile, where) for raw in _decoded(text, _Answer, where).graph]
    for each in found:
        _check(_ACCESSION, each.accession, where)
        _check(_MD5, each.md5sum, where)
        _check(_PATH, each.href, where)
        _check(_DATASET, each.dataset, where)
    return found


def target_names(text: str, where: str) -> list[str]:
    """The factors that a search counts under its facet `target.label`; raises `IntegrityError` if it is no search."""
    names = []
    for facet in _decoded(text, _Answer, where).facets:
        terms = facet.terms if facet.field == "target.label" and isinstance(facet.terms, list) else []
        names += [term["key"] for term in terms if isinstance(term, dict) and isinstance(term.get("key"), str)]
    return names


def _decoded(text: str | msgspec.Raw, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise IntegrityError(f"{_NOT_OURS}: {error}", where=where, hint=_HINT) from error


def _check(pattern: re.Pattern[str], value: str, where: str) -> None:
    if not pattern.fullmatch(value):
        raise IntegrityError(f"{_NOT_OURS}: {value[:80]!r}", where=where, hint=_HINT)
