"""Explanations for somebody who waits: explainers are kept until the registry changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tfbs_hub.errors import InputError, NotFoundError
from tfbs_hub.hub import MIXTURE, Hub
from tfbs_hub.progress import Report, silent
from tfbs_hub.workbench.messages import (
    Explain,
    Explained,
    Export,
    Exported,
    Layer,
    Mark,
    Marks,
    ReadSequences,
    Seqlets,
    Sequences,
    Track,
    Weighed,
)

if TYPE_CHECKING:
    from tfbs_hub.attribution.tracks import Explanation
    from tfbs_hub.sequences.batch import SequenceBatch
    from tfbs_hub.workflows.explain import Explainer

__all__ = ["LONGEST", "Lens"]

LONGEST: Final = 200_000
"""Base pairs of the longest sequence that is explained while somebody waits (a minute or two, by ShiftSmooth)."""
_MOST_BASES: Final = 2_000_000
"""Base pairs of all sequences that are read from one file."""
_REMEMBERED: Final = 8
"""Explanations that are kept, for whoever then asks for their seqlets."""
_STEPS: Final = 5
"""A window slides over a longer sequence by this part of its width."""


class Lens:
    """Explains, with explainers that stay loaded.

    Args:
        hub: whose models are asked.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept: dict[tuple[str, str, bool, bool, int | None], Explainer] = {}
        self._explained: dict[tuple[str, Layer, bool, bool], Explanation] = {}
        self._generation = -1

    def read(self, ask: ReadSequences) -> Sequences:
        """Sequences of a file or of pasted text."""
        from tfbs_hub.sequences.readers import read_batches  # noqa: PLC0415 - numpy

        names: list[str] = []
        letters: list[str] = []
        ambiguous, more, bases = 0, False, 0
        genome = None if ask.genome is None else Path(ask.genome)
        with _source(ask) as path:
            for batch in read_batches(path, genome=genome, window=ask.window, rows=ask.limit + 1):
                ambiguous += batch.ambiguous
                for index, name in enumerate(batch.ids):
                    length = int(batch.offsets[index + 1] - batch.offsets[index])
                    bases += length
                    if len(names) == ask.limit or (names and bases > _MOST_BASES):
                        more = True
                        break
                    _check(length)
                    names.append(name)
                    letters.append(_letters(batch, index))
                if more:
                    break
        return Sequences(names, letters, more, ambiguous)

    def explain(self, ask: Explain, report: Report = silent) -> Explained:
        """One sequence by each layer, and what the mixture says."""
        from tfbs_hub.sequences.batch import from_strings  # noqa: PLC0415 - numpy

        _check(len(ask.letters))
        batch = from_strings([ask.letters], [ask.name or "sequence"])
        tracks = []
        tiled = 0
        for layer in ask.layers:
            explainer = self._explainer(layer, ask.both_strands, ask.corrected, len(ask.letters))
            tiled = max(tiled, explainer.step or 0)
            found = self._explanation(explainer, layer, ask, report).track(0)
            tracks.append(
                Track.of(
                    layer=layer,
                    logit=found.logit,
                    actual=found.actual.tolist(),
                    hypothetical=found.hypothetical.tolist(),
                    window=explainer.model.window,
                )
            )
        return Explained(tracks, self._mixture(batch), tiled)

    def seqlets(self, ask: Seqlets, report: Report = silent) -> Marks:
        """The stretches that matter, by place."""
        _check(len(ask.letters))
        explainer = self._explainer(ask.layer, ask.both_strands, ask.corrected, len(ask.letters))
        explanation = self._explanation(explainer, ask.layer, ask, report)
        marks = []
        for named in explainer.seqlets(explanation, report):
            match, seqlet = named.match, named.seqlet
            marks.append(
                Mark(
                    start=seqlet.start,
                    end=seqlet.end,
                    name=named.name,
                    strand="" if match is None else match.strand,
                    family="" if match is None else match.family,
                    p_value=None if match is None else match.p_value,
                    attribution=seqlet.attribution,
                )
            )
        return Marks(sorted(marks, key=lambda mark: mark.start))

    def export(self, ask: Export, report: Report = silent) -> Exported:
        """Write explanations to a file."""
        from tfbs_hub.sequences.batch import from_strings  # noqa: PLC0415 - numpy
        from tfbs_hub.workflows.explain_files import check_target, save  # noqa: PLC0415 - torch
        from tfbs_hub.workflows.side_by_side import explain_all  # noqa: PLC0415 - torch

        path = Path(ask.path).expanduser()
        check_target(path, len(ask.layers))
        longest = max(map(len, ask.letters))
        explainers = [self._explainer(layer, ask.both_strands, ask.corrected, longest) for layer in ask.layers]
        batch = from_strings(ask.letters, ask.names)
        save(explain_all(explainers, [batch], seqlets=ask.seqlets, report=report), path)
        return Exported(str(path), path.stat().st_size)

    def _explanation(self, explainer: Explainer, layer: Layer, ask: Explain | Seqlets, report: Report) -> Explanation:
        """Of one sequence by one layer; computed once for those who ask for its track and for its seqlets."""
        from tfbs_hub.sequences.batch import from_strings  # noqa: PLC0415 - numpy

        key = (ask.letters, layer, ask.both_strands, ask.corrected)
        found = self._explained.pop(key, None) or explainer.explain(from_strings([ask.letters]), report)
        self._explained[key] = found
        for old in list(self._explained)[:-_REMEMBERED]:
            del self._explained[old]
        return found

    def _explainer(self, layer: Layer, both: bool, corrected: bool, length: int) -> Explainer:
        """A kept one, or a new one; it slides where the sequence is longer than the model's window."""
        generation = self._hub.registry.head().number
        if generation != self._generation:
            self._kept.clear()
            self._explained.clear()
            self._generation = generation
        plain = self._fetched(layer, both, corrected, None)
        window = plain.model.window
        if length <= window:
            return plain
        return self._fetched(layer, both, corrected, max(window // _STEPS, 1))

    def _fetched(self, layer: Layer, both: bool, corrected: bool, step: int | None) -> Explainer:
        key = (layer.model, layer.method, both, corrected, step)
        if key not in self._kept:
            self._kept[key] = self._hub.explainer(
                layer.method, layer.model, both_strands=both, corrected=corrected, tile=step
            )
        return self._kept[key]

    def _mixture(self, batch: SequenceBatch) -> Weighed | None:
        """What the mixture says of a sequence; of a longer one, of its strongest window. None without a gate."""
        from tfbs_hub.workflows.predict import joined, predict  # noqa: PLC0415 - torch

        try:
            asked = self._explainer(Layer(MIXTURE, "gradient"), both=False, corrected=False, length=len(batch.bases))
        except NotFoundError:
            return None
        found = joined(asked.model, list(predict(asked.model, [batch], step=asked.step, device=asked.device)))
        best = int(found.logit.argmax())
        if found.alpha is None or found.contribution is None:
            return None
        return Weighed(
            logit=float(found.logit[best]),
            probability=float(found.probability[best]),
            experts=list(found.experts),
            alpha=found.alpha[best].tolist(),
            contribution=found.contribution[best].tolist(),
            bias=found.bias or 0.0,
        )


def _check(length: int) -> None:
    if length > LONGEST:
        raise InputError(
            f"this sequence has {length:,} bases, and {LONGEST:,} are the most that are explained here",
            hint="cut it, or use tfbs-hub explain --tile",
        )


def _letters(batch: SequenceBatch, index: int) -> str:
    from tfbs_hub.sequences.alphabet import decode  # noqa: PLC0415 - numpy

    return decode(batch.bases[int(batch.offsets[index]) : int(batch.offsets[index + 1])])


@contextlib.contextmanager
def _source(ask: ReadSequences) -> Iterator[Path]:
    """The file to read: a named one, or what was pasted, as one."""
    if ask.path is not None:
        yield Path(ask.path).expanduser()
        return
    import tempfile  # noqa: PLC0415 - only here

    text = _joined_lines((ask.text or "").strip().splitlines())
    with tempfile.TemporaryDirectory(prefix="tfbs-hub-pasted-") as folder:
        path = Path(folder) / "pasted.txt"
        path.write_text("\n".join(text) + "\n", encoding="utf-8")
        try:
            yield path
        except InputError as error:
            # Nobody knows of the file; the line is what counts.
            where = None if error.where is None else error.where.replace(str(path), "pasted text")
            raise InputError(error.what, where=where, hint=error.hint) from error


def _joined_lines(lines: Sequence[str]) -> list[str]:
    """Pasted lines without blanks; DNA is often copied in blocks of ten."""
    return [line.strip() if line.startswith(">") else "".join(line.split()) for line in lines if line.strip()]
