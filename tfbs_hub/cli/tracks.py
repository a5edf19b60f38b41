"""Tracks on stdout: drawings for people, one object a sequence for programs, one line a seqlet for either."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tfbs_hub.cli.output import print_table
from tfbs_hub.cli.text import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from tfbs_hub.attribution.annotate import Named
    from tfbs_hub.attribution.drawing import Panel, Row
    from tfbs_hub.attribution.tracks import Explanation

__all__ = ["print_seqlets", "print_tracks", "track_records"]

_STYLES: Final = {
    "A": "green",
    "C": "dodger_blue1",
    "G": "dark_orange",
    "T": "red",
    "N": "dim",
    "title": "bold",
    "scale": "dim",
    "ruler": "dim",
    "box": "bold",
}


def print_tracks(name: str, panels: Sequence[Panel], *, scale: float | None) -> None:
    """Draw the tracks of one sequence, as wide as the terminal (`COLUMNS` where there is none, else 80).

    Args:
        scale: the contribution of a full bar; None gives each track its own.
    """
    from tfbs_hub.attribution.drawing import draw  # noqa: PLC0415

    console = _console()
    rows = draw(panels, width=console.width, scale=scale, inverse=console.is_terminal)
    heading = plain(f"{name}  {len(panels[0].track):,} bp").replace("\n", "\ufffd")
    # rich would end the process where a pipe is broken; that is for the caller to decide.
    with console.capture() as captured:
        _line(console, f"[{heading}]", "bold")
        for row in rows:
            console.print(_text(row), no_wrap=True, overflow="crop", crop=True)
        console.print()
    sys.stdout.write(captured.get())


def print_seqlets(explanations: Sequence[tuple[Explanation, Sequence[Named]]]) -> None:
    """Print a table of seqlets, those of each model and method together, or say that there are none."""
    rows = []
    for explanation, seqlets in explanations:
        for named in seqlets:
            seqlet, match = named.seqlet, named.match
            letters = explanation.sequence(seqlet.sequence)[seqlet.start : seqlet.end]
            known = ("-", "", "-") if match is None else (match.name, match.family, f"{match.p_value:.1e}")
            strand = "" if match is None else match.strand
            rows.append(
                (
                    explanation.ids[seqlet.sequence].replace("\n", "\ufffd"),
                    explanation.label,
                    _place(explanation, named),
                    letters,
                    strand,
                    *known,
                    f"{seqlet.attribution:+.2f}",
                )
            )
    if not rows:
        sys.stdout.write("no seqlets: nothing here is stronger than in sequences without a site\n")
        return
    columns = ("sequence", "model", "place", "bases", "strand", "like", "family", "p", "sum")
    # Which model and method a row is from matters if there are several.
    spare = ("p", "strand", "family") if len(explanations) > 1 else ("p", "strand", "model", "family")
    print_table("seqlets", columns, rows, right=("p", "sum"), spare=spare)


def track_records(explanation: Explanation, seqlets: Sequence[Named] | None) -> list[dict[str, Any]]:
    """Every sequence of an explanation as plain values."""
    from tfbs_hub.attribution.annotate import by_sequence  # noqa: PLC0415

    records = []
    marks = None if seqlets is None else by_sequence(seqlets, len(explanation))
    for index, name in enumerate(explanation.ids):
        track = explanation.track(index)
        record: dict[str, Any] = {
            "id": name,
            "sequence": explanation.sequence(index),
            "logit": track.logit,
            "chromosome": None if track.locus is None else track.locus.chromosome,
            "start": None if track.locus is None else track.locus.start,
            "actual": [round(float(value), 6) for value in track.actual],
        }
        if marks is not None:
            record["seqlets"] = [_seqlet(named) for named in marks[index]]
        records.append(record)
    return records


def _seqlet(named: Named) -> dict[str, Any]:
    seqlet, match = named.seqlet, named.match
    return {
        "start": seqlet.start,
        "end": seqlet.end,
        "attribution": round(seqlet.attribution, 6),
        "p_value": seqlet.p_value,
        "match": None
        if match is None
        else {
            "matrix": match.matrix,
            "name": match.name,
            "family": match.family,
            "strand": match.strand,
            "p_value": match.p_value,
        },
    }


def _place(explanation: Explanation, named: Named) -> str:
    locus = explanation.locus(named.seqlet.sequence)
    if locus is None:
        return f"{named.seqlet.start}-{named.seqlet.end}"
    return f"{locus.chromosome}:{locus.start + named.seqlet.start}-{locus.start + named.seqlet.end}"


def _console() -> Console:
    """Stdout, as wide as the terminal; colours where it has them and NO_COLOR is not set."""
    from rich.console import Console  # noqa: PLC0415

    return Console(width=shutil.get_terminal_size((80, 24)).columns, highlight=False)


def _line(console: Console, text: str, style: str) -> None:
    from rich.text import Text  # noqa: PLC0415

    console.print(Text(text, style=style), no_wrap=True, overflow="ellipsis")


def _text(row: Row) -> Text:
    from rich.text import Text  # noqa: PLC0415

    return Text.assemble(*((plain(glyphs), _style(style)) for glyphs, style in _runs(row)), end="")


def _style(name: str) -> str:
    if name.startswith("-"):
        return f"reverse {_STYLES.get(name[1:], '')}"
    return _STYLES.get(name, "")


def _runs(row: Row) -> Iterable[tuple[str, str]]:
    """Neighbouring cells of one style, joined."""
    begun = 0
    for place in range(1, len(row) + 1):
        if place == len(row) or row[place].style != row[begun].style:
            yield "".join(cell.glyph for cell in row[begun:place]), row[begun].style
            begun = place
