"""Predictions for a stream of sequences, in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.batch import SequenceBatch, from_dataset, from_strings, regrouped
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.readers import ROWS, read_batches
from tfbs_hub.sequences.windows import fit_windows, tile
from tfbs_hub.workflows.models import Array, Model, held

__all__ = ["Prediction", "batches_of", "joined", "predict", "sigmoid"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predictions, one row for each sequence (or for each window of a tiled one).

    Attributes:
        model: "moe" or the expert's name.
        ids: n names.
        logit: float32 (n,), both strands averaged, after the gate's temperature.
        probability: float32 (n,), sigmoid of the logit.
        experts: names of the mixed experts, in the columns' order; empty for an expert.
        alpha: float32 (n, experts), each row sums to 1; None for an expert.
        contribution: float32 (n, experts); with `bias` they sum to the logit; None for an expert.
        bias: the gate's bias after its temperature; None for an expert.
        start: int64 (n,), where the window begins in its sequence (0-based); None unless tiled.
        ambiguous: IUPAC letters that were read as N.
        short: sequences shorter than the window; N stands for what they lack.
    """

    model: str
    ids: tuple[str, ...]
    logit: Array
    probability: Array
    experts: tuple[str, ...] = ()
    alpha: Array | None = None
    contribution: Array | None = None
    bias: float | None = None
    start: NDArray[np.int64] | None = None
    ambiguous: int = 0
    short: int = 0

    def __len__(self) -> int:
        return len(self.ids)


def predict(
    model: Model, batches: Iterable[SequenceBatch], *, step: int | None = None, device: torch.device
) -> Iterator[Prediction]:
    """Predictions, some at a time.

    Args:
        step: slide the window by so many base pairs over every sequence; without it a sequence that is
            longer than the window is an error, and a shorter one is centred in padding.

    Raises:
        InputError: a sequence is longer than the window and `step` is None.
    """
    with held([model], device):
        for batch in batches:
            ambiguous, short = batch.ambiguous, int((batch.lengths < model.window).sum())
            if step is None:
                windows = [fit_windows(batch, model.window)]
                if not model.symmetric:
                    windows.append(_other_strand(batch, model.window))
                part = _prediction(model, tuple(batch.ids), None, windows, device)
                yield replace(part, ambiguous=ambiguous, short=short)
                continue
            for tiles in tile(batch, model.window, step):
                windows = [tiles.codes]
                if not model.symmetric:
                    windows.append(reverse_complement(tiles.codes))
                ids = tuple(batch.ids[place] for place in tiles.sequence)
                part = _prediction(model, ids, tiles.start, windows, device)
                yield replace(part, ambiguous=ambiguous, short=short)
                ambiguous = short = 0


def _prediction(
    model: Model,
    ids: tuple[str, ...],
    start: NDArray[np.int64] | None,
    windows: Sequence[NDArray[np.uint8]],
    device: torch.device,
) -> Prediction:
    scores = model.score(windows, device)
    return Prediction(
        model=model.name,
        ids=ids,
        logit=scores.logit,
        probability=sigmoid(scores.logit),
        experts=model.experts,
        alpha=scores.alpha,
        contribution=scores.contribution,
        bias=model.bias,
        start=start,
    )


def sigmoid(logit: Array) -> Array:
    """1 / (1 + exp(-logit)), without overflow."""
    return np.exp(-np.logaddexp(0, -logit)).astype(np.float32)


def batches_of(
    sequences: str | Path | Sequence[str] | SequenceDataset, *, genome: Path | None, window: int | None
) -> Iterator[SequenceBatch]:
    """Whatever a user may call sequences, as batches: a path, a list of strings or a data set.

    Args:
        genome: FASTA of the genome that a BED file refers to.
        window: length of the windows cut around a BED file's summits; None takes its intervals as they stand.
    """
    if isinstance(sequences, str | Path):
        yield from read_batches(sequences, genome=genome, window=window)
    elif isinstance(sequences, SequenceDataset):
        yield from regrouped(iter([from_dataset(sequences)]), ROWS)
    else:
        yield from_strings(sequences)


def _other_strand(batch: SequenceBatch, window: int) -> NDArray[np.uint8]:
    """Windows (n, window) of the reverse complements, in the batch's order."""
    turned = replace(
        batch,
        ids=batch.ids[::-1],
        bases=reverse_complement(batch.bases),
        offsets=batch.offsets[-1] - batch.offsets[::-1],
        lines=batch.lines[::-1],
    )
    # Reversing the joined bases reverses the order of the sequences too.
    return fit_windows(turned, window)[::-1]


def joined(model: Model, parts: Sequence[Prediction]) -> Prediction:
    """All parts as one prediction."""
    alpha = [part.alpha for part in parts if part.alpha is not None]
    contribution = [part.contribution for part in parts if part.contribution is not None]
    start = [part.start for part in parts if part.start is not None]
    nothing = np.zeros(0, dtype=np.float32)
    return Prediction(
        model=model.name,
        ids=tuple(name for part in parts for name in part.ids),
        logit=np.concatenate([nothing, *(part.logit for part in parts)]),
        probability=np.concatenate([nothing, *(part.probability for part in parts)]),
        experts=model.experts,
        alpha=np.concatenate(alpha) if alpha else None,
        contribution=np.concatenate(contribution) if contribution else None,
        bias=model.bias,
        start=np.concatenate(start) if start else None,
        ambiguous=sum(part.ambiguous for part in parts),
        short=sum(part.short for part in parts),
    )
