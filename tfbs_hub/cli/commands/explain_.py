"""tfbs-hub explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tfbs_hub.attribution.methods import BUILTIN, DEFAULT, RECOMMENDED
from tfbs_hub.cli.options import complete_model, device_option, json_option, with_hub
from tfbs_hub.cli.output import print_json, say
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.cli.tracks import print_seqlets, print_tracks, track_records
from tfbs_hub.errors import UsageError
from tfbs_hub.hub import Hub

if TYPE_CHECKING:
    from tfbs_hub.workflows.explain import Explainer
    from tfbs_hub.workflows.side_by_side import Explained

__all__ = ["command"]

_WITH_SEQLETS: Final = frozenset({".h5", ".png", ".svg"})
_DRAWN: Final = frozenset({".png", ".svg"})


@click.command("explain")
@click.argument("input_", metavar="INPUT")
@click.option(
    "--method",
    "methods",
    default=DEFAULT,
    show_default=True,
    help=f"One or more of {', '.join(BUILTIN)}, and packages' own, comma-separated; {RECOMMENDED} is recommended.",
)
@click.option(
    "--model",
    "models",
    default="moe",
    show_default=True,
    shell_complete=complete_model,
    help="moe and experts, comma-separated.",
)
@click.option("--shifts", type=click.IntRange(0), metavar="N", help="ShiftSmooth shifts N bp to either side.  [10]")
@click.option("--both-strands", is_flag=True, help="Average with the attribution of the other strand.")
@click.option("--corrected", is_flag=True, help="Remove the mean over the four bases.")
@click.option(
    "--tile", type=click.IntRange(1), metavar="STEP", help="Slide the window by STEP bp over longer sequences."
)
@click.option("--genome", type=click.Path(dir_okay=False), help="FASTA of the genome that a BED file refers to.")
@click.option("--seqlets/--no-seqlets", default=True, help="Mark and name the stretches that matter.")
@click.option("--own-scale", is_flag=True, help="Give each track its own scale, not all the same.")
@click.option("--limit", type=click.IntRange(1), help="Sequences to explain  [drawings: 5, else all].")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Write there: .h5 .npz .tsv .bedGraph .bw .png .svg."
)
@click.option("--seqlets-output", type=click.Path(dir_okay=False), help="List the seqlets there: .bed, else a table.")
@device_option
@json_option
@with_hub
def command(
    hub: Hub,
    input_: str,
    models: str,
    tile: int | None,
    genome: str | None,
    seqlets: bool,
    own_scale: bool,
    limit: int | None,
    output: str | None,
    seqlets_output: str | None,
    as_json: bool,
    **options: object,
) -> None:
    """Show which bases of the sequences of INPUT make models say what they say.

    INPUT is FASTA, .seq.gz, BED with --genome, plain text, or - for stdin. Letters are drawn with bars above
    them where they speak for binding, below where they speak against it.
    """
    from tfbs_hub.workflows.explain_files import SHOWN, format_that_places, written  # noqa: PLC0415
    from tfbs_hub.workflows.predict import batches_of  # noqa: PLC0415
    from tfbs_hub.workflows.side_by_side import explain_all, together  # noqa: PLC0415

    asked = _explainers(hub, models, tile=tile, **options)  # type: ignore[arg-type]
    target = None if output is None else Path(output)
    listed = None if seqlets_output is None else Path(seqlets_output)
    if listed is not None and not seqlets:
        raise UsageError("--seqlets-output lists what --no-seqlets leaves out", hint="give one of them")
    _check_files(input_, target, listed, len(asked))
    drawn = target is None and not as_json
    if limit is None and (drawn or (target is not None and target.suffix.lower() in _DRAWN)):
        limit = SHOWN
    marked = drawn or as_json or listed is not None
    marked = seqlets and (marked or (target is not None and target.suffix.lower() in _WITH_SEQLETS))
    place = None if genome is None else Path(genome)
    # Before anything is computed: it may be no genome.
    chromosomes = None if place is None or target is None or target.suffix.lower() != ".bw" else _lengths(place)
    window = None if tile is not None else min(explainer.model.window for explainer in asked)
    source = input_ if input_ == "-" else Path(input_)
    tally, kept = _Tally(), []
    with shown_progress() as report:
        batches = batches_of(source, genome=place, window=window)
        needed = format_that_places(target, listed)
        parts = explain_all(asked, batches, limit=limit, seqlets=marked, placed_for=needed, report=report)
        name = Path(input_).name
        files = written(parts, target, listed, chromosomes=chromosomes, own_scale=own_scale, name=name)
        with closing(files):
            for part in files:
                tally.add(part)
                if drawn or as_json:
                    kept.append(part)
    if target is not None:
        say(f"{tally.sequences:,} sequences in {output}")
    if as_json:
        _print_json(asked, together(kept), marked=marked)
    elif drawn:
        _draw(together(kept), own_scale=own_scale, marked=marked)
    tally.tell()


class _Tally:
    """What is said of all sequences, when they are done."""

    def __init__(self) -> None:
        self.sequences = self._ambiguous = 0
        self._short: Counter[int] = Counter()
        self._more = False

    def add(self, part: Explained) -> None:
        self.sequences += len(part)
        self._ambiguous += part.found[0][0].ambiguous
        self._more = part.more
        for window, short in {explanation.window: explanation.short for explanation, _ in part.found}.items():
            self._short[window] += short

    def tell(self) -> None:
        if self._ambiguous:
            say(f"{self._ambiguous:,} IUPAC letters were read as N")
        ((window, short),) = self._short.most_common(1)
        if short:
            say(
                f"note: sequences shorter than the window of {window} bp: {short:,}; N stands for what they lack: "
                "give the sequence around them if you can"
            )
        if self._more:
            say(f"the first {self.sequences:,} sequences; --limit N takes more")


def _explainers(
    hub: Hub, models: str, methods: str, shifts: int | None, *, tile: int | None, **options: object
) -> list[Explainer]:
    """One for each model and method; `shifts` is for the methods that shift, of which there must be one then."""
    from tfbs_hub.attribution.methods import find_method  # noqa: PLC0415

    known = hub.plugins.attribution_methods()
    named = _names(methods, "method")
    shifting = [name for name in named if find_method(name, known).takes("shifts")]
    if shifts is not None and not shifting:
        raise UsageError(f"{' and '.join(named)} cannot use --shifts", hint="leave it out, or use shiftsmooth")
    asked = [
        hub.explainer(method, model, shifts=shifts if method in shifting else None, tile=tile, **options)  # type: ignore[arg-type]
        for model, method in product(_names(models, "model"), named)
    ]
    # A model may be named in two ways.
    return list({explainer.label: explainer for explainer in asked}.values())


def _check_files(input_: str, target: Path | None, listed: Path | None, tracks: int) -> None:
    """Raise before anything is computed: what is to be written cannot be, or would destroy another of the files."""
    from tfbs_hub.workflows.explain_files import check_listing, check_target  # noqa: PLC0415

    if target is not None:
        check_target(target, tracks)
    if listed is not None:
        check_listing(listed, tracks)
    files = [path.resolve() for path in (Path(input_), target, listed) if path is not None]
    for number, path in enumerate(files):
        if path in files[:number]:
            raise UsageError("one file cannot be two of input, output and list of seqlets", where=str(path))


def _lengths(genome: Path) -> dict[str, int]:
    from tfbs_hub.sequences.genome import Genome  # noqa: PLC0415

    with Genome(genome) as chromosomes:
        return dict(chromosomes.lengths)


def _names(text: str, what: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError(f"there is no {what} to explain with", hint=f"name at least one with --{what}")
    return names


def _draw(explained: Explained, *, own_scale: bool, marked: bool) -> None:
    from tfbs_hub.attribution.drawing import magnitude  # noqa: PLC0415
    from tfbs_hub.workflows.side_by_side import panels  # noqa: PLC0415

    tracks = panels(explained)
    scale = None if own_scale else magnitude([panel for each in tracks for panel in each])
    for name, each in zip(explained.found[0][0].ids, tracks, strict=True):
        print_tracks(name, each, scale=scale)
    click.echo("each track has its own scale\n" if scale is None else f"one scale: a full bar is {scale:.3g}\n")
    if marked:
        print_seqlets(explained.found)


def _print_json(asked: Sequence[Explainer], explained: Explained, *, marked: bool) -> None:
    print_json(
        {
            "explanations": [
                {
                    "model": explanation.model,
                    "method": explanation.method,
                    "settings": dict(explainer.settings),
                    "window": explanation.window,
                    "sequences": track_records(explanation, seqlets if marked else None),
                }
                for explainer, (explanation, seqlets) in zip(asked, explained.found, strict=True)
            ]
        }
    )
