"""Tables: a line for each base, or for each seqlet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfbs_hub.attribution.annotate import Named
from tfbs_hub.attribution.files.writer import Found, Writer, placed, printable
from tfbs_hub.attribution.tracks import Explanation

__all__ = ["Bed", "SeqletTable", "Tsv"]


class _Lines(Writer):
    """Lines of text that come in order, under a header."""

    HEADER = ""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._lines = self._spool()
        self._put(self.HEADER)

    def _put(self, line: str) -> None:
        self._lines.write(line.encode("utf-8", "replace"))

    def pieces(self) -> Iterator[bytes]:
        """The lines."""
        return self._read(self._lines)


class Tsv(_Lines):
    """One line a base of each sequence, model and method."""

    HEADER = "id\tmodel\tmethod\tposition\tchromosome\tcoordinate\tbase\tcontribution\tA\tC\tG\tT\n"

    def add(self, found: Sequence[Found]) -> None:
        """All sequences of one model and method, then those of the next."""
        for explanation, _ in found:
            for index, name in enumerate(explanation.ids):
                self._sequence(explanation, index, name)

    def _sequence(self, explanation: Explanation, index: int, name: str) -> None:
        track = explanation.track(index)
        head = f"{printable(name)}\t{explanation.model}\t{printable(explanation.method)}"
        chromosome, start = (
            ("", None) if track.locus is None else (printable(track.locus.chromosome), track.locus.start)
        )
        lines, columns = [], np.vstack([track.actual, track.hypothetical]).T.tolist()
        for place, (letter, values) in enumerate(zip(explanation.sequence(index), columns, strict=True)):
            coordinate = "" if start is None else str(start + place)
            numbers = "\t".join([f"{value:.6g}" for value in values])
            lines.append(f"{head}\t{place}\t{chromosome}\t{coordinate}\t{letter}\t{numbers}\n")
        self._put("".join(lines))


class SeqletTable(_Lines):
    """One line a seqlet."""

    HEADER = (
        "id\tmodel\tmethod\tstart\tend\tchromosome\tchromosome_start\tchromosome_end\tbases\tattribution\t"
        "p_value\tmatrix\tname\tfamily\tstrand\tmatch_p_value\n"
    )

    def add(self, found: Sequence[Found]) -> None:
        """All seqlets of one model and method, then those of the next."""
        for explanation, seqlets in found:
            for named in seqlets:
                self._put(_line(*_cells(explanation, named)))


class Bed(_Lines):
    """BED6 of seqlets: name, score 0 to 1000 (share of the largest attribution) and strand; needs coordinates."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._largest = 0.0

    def add(self, found: Sequence[Found]) -> None:
        """Seqlets in their order; raises `InputError` where nobody said where one lies."""
        for explanation, seqlets in found:
            lengths = explanation.lengths
            for named in seqlets:
                seqlet, strand = named.seqlet, "." if named.match is None else named.match.strand
                number = seqlet.sequence
                chromosome, first = placed(explanation.ids[number], int(lengths[number]), "BED")
                self._largest = max(self._largest, seqlet.attribution)
                place = chromosome, first + seqlet.start, first + seqlet.end
                self._put(_line(*place, named.name, repr(seqlet.attribution), strand))

    def pieces(self) -> Iterator[bytes]:
        """The lines: what the largest attribution is was known with the last one only."""
        self._lines.seek(0)
        for line in self._lines:
            *place, name, attribution, strand = line.decode().split("\t")
            score = round(1000 * float(attribution) / self._largest)
            yield "\t".join([*place, name, str(score), strand]).encode()


def _cells(explanation: Explanation, named: Named) -> tuple[object, ...]:
    seqlet, match = named.seqlet, named.match
    locus = explanation.locus(seqlet.sequence)
    place = ("", "", "") if locus is None else (locus[0], locus[1] + seqlet.start, locus[1] + seqlet.end)
    like = ("", "", "", ".", "")
    if match is not None:
        like = (match.matrix, match.name, match.family, match.strand, f"{match.p_value:.3g}")
    letters = explanation.sequence(seqlet.sequence)[seqlet.start : seqlet.end]
    head = (explanation.ids[seqlet.sequence], explanation.model, explanation.method, seqlet.start, seqlet.end)
    return (*head, *place, letters, f"{seqlet.attribution:.6g}", f"{seqlet.p_value:.3g}", *like)


def _line(*cells: object) -> str:
    return "\t".join(printable(str(cell)) for cell in cells) + "\n"
