"""Logits of one model on one data set, and a clear word about who is to blame where there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tfbs_hub.errors import InputError, PluginError, TfbsHubError
from tfbs_hub.experts.contract import Expert
from tfbs_hub.plugins.failures import describe, one_line
from tfbs_hub.prediction import logits, strand_windows
from tfbs_hub.registry import GateRecord
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.workflows.candidates import Candidate
from tfbs_hub.workflows.models import Model, Scores

__all__ = ["Scored", "check_lengths", "score"]


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of a data set.

    Attributes:
        logit: float64 (n,), finite, both strands averaged.
        alpha: mean alpha over the bound rows, by expert; empty for anything but the mixture.
    """

    logit: NDArray[np.float64]
    alpha: dict[str, float]


def check_lengths(candidate: Candidate, name: str, data: SequenceDataset) -> None:
    """Raise `InputError` if the sequences of the data set `name` are longer than the model's window."""
    if data.length > candidate.window:
        raise InputError(
            f"sequences of {data.length} bp are longer than the {candidate.window} bp window of {candidate.name}",
            where=name,
            hint="cut them to the window around the summit first",
        )


def score(candidate: Candidate, model: Model, name: str, data: SequenceDataset, device: torch.device) -> Scored:
    """Score a labelled data set, held by `name`, with a model that lies on `device`.

    Raises:
        PluginError: the network fails, or gives other than one finite number a sequence.
    """
    found = _asked(candidate, model, name, data, device)
    if found.logit.shape != (len(data),):
        raise _bad(candidate, name, f"gives scores of shape {found.logit.shape} for {len(data)} sequences")
    odd = ~np.isfinite(found.logit)
    if odd.any():
        what = f"gives scores that are not finite for {odd.sum():,} of {len(data):,} sequences"
        raise _bad(candidate, name, what, _culprits(candidate, model, data, device))
    alpha: dict[str, float] = {}
    if found.alpha is not None and data.labels is not None:
        means = found.alpha[data.labels == 1].mean(axis=0, dtype=np.float64)
        alpha = {expert: float(mean) for expert, mean in zip(model.experts, means, strict=True)}
    return Scored(found.logit.astype(np.float64), alpha)


def _asked(candidate: Candidate, model: Model, name: str, data: SequenceDataset, device: torch.device) -> Scores:
    strands = strand_windows(data.codes, model.window, symmetric=model.symmetric)
    try:
        return model.score(strands, device)
    except torch.OutOfMemoryError as error:
        raise TfbsHubError(
            f"the memory of the device is used up by {candidate.name}", where=name, hint="compute with --device cpu"
        ) from error
    except Exception as error:
        if isinstance(error, TfbsHubError) or not _is_foreign(model):
            raise
        raise _bad(candidate, name, f"fails: {one_line(describe(error))}") from error


def _is_foreign(model: Model) -> bool:
    """True if a network that somebody else wrote has a part in it."""
    experts = (part for part in model.network.modules() if isinstance(part, Expert))
    return any(not type(expert).__module__.startswith("tfbs_hub.") for expert in experts)


def _bad(candidate: Candidate, name: str, what: str, culprits: str = "") -> PluginError:
    return PluginError(
        f"{culprits or candidate.name} {what}",
        where=name,
        hint=f"look at {candidate.origin}; or leave it out with --models",
    )


def _culprits(candidate: Candidate, model: Model, data: SequenceDataset, device: torch.device) -> str:
    """Names of the experts inside whose own logits are not finite; empty for an expert."""
    if not isinstance(candidate.source, GateRecord):
        return ""
    found = []
    experts = model.network.get_submodule("experts").children()
    for member, expert in zip(candidate.source.card.members, experts, strict=True):
        logit = logits(expert, data.codes, window=member.window, symmetric=True, device=device)
        if not np.isfinite(logit).all():
            found.append(member.name)
    return ", ".join(found)
