"""What is in the ENCODE set: names of files and what they say, digests that tfbs-hub vouches for, and choosing one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal

from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, UsageError

__all__ = ["EncodeFile", "choose", "is_encode_name", "near", "parse_name", "parse_sums", "pinned"]

_NAME = re.compile(
    r"(?P<tf>[^_/\\\s]+)_(?P<cell>[^_/\\\s]+)_(?P<antibody>[^/\\\s]+)_(?P<lab>[^_/\\\s]+)_(?P<part>AC|B)\.seq\.gz"
)
_SUM = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?P<path>.+)")


@dataclass(frozen=True, order=True)
class EncodeFile:
    """A file of the ENCODE set, read from its name.

    Attributes:
        name: the file's name.
        tf: transcription factor.
        cell: cell line.
        antibody: antibody or tag, sometimes with its product number.
        lab: laboratory.
        part: "AC", positives for training, or "B", positives and their shuffles for testing.
    """

    name: str
    tf: str
    cell: str
    antibody: str
    lab: str
    part: Literal["AC", "B"]

    @property
    def experiment(self) -> str:
        """What the two parts of an experiment have in common: the name without part and ending."""
        return self.name.removesuffix(f"_{self.part}.seq.gz")

    def of_part(self, part: Literal["AC", "B"]) -> EncodeFile:
        """The other (or the same) part of this experiment, whether or not it exists anywhere."""
        return parse_name(f"{self.experiment}_{part}.seq.gz")


def is_encode_name(name: str) -> bool:
    """True if a file of this name can be one of the set."""
    return _NAME.fullmatch(name) is not None


def parse_name(filename: str) -> EncodeFile:
    """What the name `<TF>_<cell>_<antibody>_<lab>_{AC,B}.seq.gz` says; the antibody may hold underscores.

    Raises:
        InputError: the name has another form.
    """
    match = _NAME.fullmatch(filename)
    if match is None:
        raise InputError(
            f"{filename!r} is not the name of a file of the ENCODE set",
            hint="such names are <TF>_<cell>_<antibody>_<lab>_AC.seq.gz, or _B for the test part",
        )
    part: Literal["AC", "B"] = "AC" if match["part"] == "AC" else "B"
    return EncodeFile(filename, match["tf"], match["cell"], match["antibody"], match["lab"], part)


def parse_sums(text: str, where: str) -> dict[str, str]:
    """A SHA256SUMS file as {relative path: digest}.

    Raises:
        IntegrityError: a line is not `digest  path`, or a path leads out of the folder.
    """
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _SUM.fullmatch(line)
        if match is None:
            raise IntegrityError("expected 'sha256  path'", where=f"{where}:{number}")
        path = PurePosixPath(match["path"])
        if path.is_absolute() or ".." in path.parts:
            raise IntegrityError(f"the path {match['path']!r} leads out of the folder", where=f"{where}:{number}")
        sums[str(path)] = match["sha256"]
    return sums


@cache
def pinned() -> Mapping[str, str]:
    """Digests that tfbs-hub vouches for, by file name; a file of such a name must have its digest."""
    text = files("tfbs_hub.sources").joinpath("encode.sha256").read_text(encoding="utf-8")
    return MappingProxyType(parse_sums(text, "encode.sha256"))


def choose(candidates: Sequence[EncodeFile], cell: str | None = None, file: str | None = None) -> EncodeFile:
    """The one file, among those of one factor and part, that `cell` and `file` leave.

    Args:
        candidates: at least one file.
        cell: cell line, in upper or lower case.
        file: name of a file or experiment, or how it begins.

    Raises:
        NotFoundError: none is left; the hint lists what there is.
        UsageError: several are left; the hint lists how to choose.
    """
    left = [each for each in candidates if cell is None or each.cell.lower() == cell.lower()]
    if not left:
        cells = ", ".join(sorted({each.cell for each in candidates}))
        raise NotFoundError(f"{candidates[0].tf} was not measured in {cell!r}", hint=f"choose a cell line of: {cells}")
    if file is not None:
        wanted = re.sub(r"(_(AC|B))?\.seq\.gz$", "", file).lower()
        named = [each for each in left if each.experiment.lower().startswith(wanted)]
        exact = [each for each in named if each.experiment.lower() == wanted]
        if not named:
            raise NotFoundError(f"there is no file {file!r} of {left[0].tf}", hint=_choices(left))
        left = exact or named
    if len(left) > 1:
        raise UsageError(f"{left[0].tf} was measured in several experiments", hint=_choices(left))
    return left[0]


def _choices(files: Sequence[EncodeFile]) -> str:
    cells = [each.cell for each in files]
    lines = [
        f"  --cell {shlex.quote(each.cell)}"
        if cells.count(each.cell) == 1
        else f"  --cell {shlex.quote(each.cell)} --file {shlex.quote(each.experiment)}"
        for each in sorted(files)
    ]
    return "\n".join(["choose one of:", *lines])


def near(tf: str, known: Iterable[str]) -> str:
    """A question that offers known factors spelled like `tf`, or the empty string."""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(tf.lower(), sorted(by_lower), n=4, cutoff=0.6)
    return f"did you mean {', '.join(by_lower[name] for name in found)}?" if found else ""
