"""Attributions for a stream of sequences of any length, and the seqlets in them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from tfbs_hub.about import __version__
from tfbs_hub.attribution.annotate import Named, name_seqlets
from tfbs_hub.attribution.compute import attribute, observed
from tfbs_hub.attribution.methods import Method, find_method
from tfbs_hub.attribution.seqlets import Calibration, calibrate, call_seqlets
from tfbs_hub.attribution.tracks import Explanation
from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import PluginError, StorageError
from tfbs_hub.files import write_whole
from tfbs_hub.hookspecs import ExpertSpec
from tfbs_hub.names import short
from tfbs_hub.prediction import logits
from tfbs_hub.progress import Report, silent
from tfbs_hub.sequences.alphabet import Codes
from tfbs_hub.sequences.batch import SequenceBatch
from tfbs_hub.sequences.windows import Tiles, fit_windows, tile
from tfbs_hub.settings import CACHE_HINT
from tfbs_hub.workflows.candidates import Candidate
from tfbs_hub.workflows.models import Array, Model

__all__ = ["Explainer", "model_digest", "settled"]

_CALIBRATION: Final = 1
"""Version of how seqlets are judged; another one makes every stored calibration worthless."""


@dataclass(frozen=True, eq=False)
class Explainer:
    """A model and a method, ready to explain sequences.

    Attributes:
        model: what is explained.
        digest: of everything that the model computes with.
        method: with its options.
        both_strands: average with the attribution of the other strand.
        corrected: remove the mean over the four bases.
        step: slide the window by so many base pairs over longer sequences; None refuses them.
        device: where to compute.
        cache: folder for calibrations.
        packages: names and versions of installed plug-ins, whose code the model and the method may be.
    """

    model: Model
    digest: str
    method: Method
    both_strands: bool = False
    corrected: bool = False
    step: int | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    cache: Path | None = None
    packages: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Model and method, as they are shown."""
        return f"{self.model.name} · {self.method.name}"

    def stream(self, batches: Iterable[SequenceBatch], report: Report = silent) -> Iterator[Explanation]:
        """Explanations, one a batch; where it is asked for, `step` slides the window over every sequence.

        Contributions of windows that overlap are averaged base by base. Without `step` a sequence that is longer
        than the window is an error; a shorter one is centred in padding, and only its own bases are given back.

        Raises:
            InputError: a sequence is longer than the window and `step` is None.
            UsageError: what the method or the correction refuses.
            PluginError: what the network or the method did wrong.
        """
        for batch in batches:
            yield self.explain(batch, report)

    def explain(self, batch: SequenceBatch, report: Report = silent) -> Explanation:
        """One batch; see `stream`."""
        window = self.model.window
        if self.step is None:
            starts = batch.lengths // 2 - window // 2
            pieces: Iterable[Tiles] = [Tiles(fit_windows(batch, window), np.arange(len(batch)), starts)]
        else:
            pieces = tile(batch, window, self.step)
        bases = len(batch.bases)
        total, covered = np.zeros((bases, 4), np.float32), np.zeros(bases, np.float32)
        highest = np.full(bases, -np.inf, np.float32)
        for tiles in pieces:
            hypothetical, logit = self._windows(tiles.codes, report)
            place, inside = _places(batch, tiles, window)
            np.add.at(total, place, hypothetical.transpose(0, 2, 1)[inside])
            np.add.at(covered, place, 1)
            np.maximum.at(highest, place, np.broadcast_to(logit[:, None], inside.shape)[inside])
        total /= covered[:, None]
        return Explanation(
            model=self.model.name,
            method=self.method.name,
            ids=tuple(batch.ids),
            offsets=np.asarray(batch.offsets, np.int64),
            codes=batch.bases,
            flat_actual=observed(total[:, :, None], batch.bases[:, None])[:, 0],
            flat_hypothetical=total,
            flat_logit=highest,
            window=window,
            settings=self.settings,
            ambiguous=batch.ambiguous,
            short=int((batch.lengths < window).sum()),
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the attribution depends on besides model and sequence, as plain values."""
        return {
            **self.method.settings,
            "both_strands": self.both_strands,
            "corrected": self.corrected,
            **({} if self.step is None else {"tile": self.step}),
        }

    def seqlets(self, explanation: Explanation, report: Report = silent) -> list[Named]:
        """The seqlets of an explanation of this explainer, the strongest of each sequence first, with their names."""
        return name_seqlets(explanation, call_seqlets(explanation, self.calibration(report), report), report)

    def calibration(self, report: Report = silent) -> Calibration:
        """What sequences without a site look like; from the cache, where it was computed before."""
        key = self._key()
        path = None if self.cache is None else self.cache / "seqlets" / f"{short(self.digest)}-{short(key)}.npz"
        found = None if path is None else _read(path, key)
        if found is None:
            found = calibrate(self._explained, self.model.window, report, f"calibrating seqlets of {self.label} (once)")
            if path is not None:
                # Where nothing can be kept, it is computed again the next time.
                with suppress(StorageError):
                    _write(path, key, found)
        return found

    def _explained(self, codes: Codes) -> tuple[Array, Array]:
        hypothetical, logit = self._windows(codes, silent)
        return observed(hypothetical, codes), logit

    def _windows(self, codes: Codes, report: Report) -> tuple[Array, Array]:
        """Hypothetical attribution (n, 4, window) and logit (n,) of windows."""
        model = self.model
        found = attribute(
            model.network,
            codes,
            self.method,
            both_strands=self.both_strands,
            symmetric=model.symmetric,
            corrected=self.corrected,
            device=self.device,
            model=model.name,
            report=report,
        )
        # One strand, as it is explained, unless both are.
        one = model.symmetric or not self.both_strands
        logit = logits(model.network, codes, window=model.window, symmetric=one, device=self.device)
        if not np.isfinite(logit).all():
            raise PluginError("the logit is not finite", where=f"model {model.name}")
        return found.hypothetical, logit

    def _key(self) -> str:
        options = {name: value for name, value in self.settings.items() if name != "tile"}
        told = [_CALIBRATION, __version__, list(self.packages), self.digest, self.method.name, options]
        return hashlib.sha256(canonical_json(told)).hexdigest()


def model_digest(candidate: Candidate) -> str:
    """sha256 over the digests of all weights that a model computes with."""
    if isinstance(candidate.source, ExpertSpec):
        return candidate.source.card.weights_sha256
    card = candidate.source.card
    parts = [candidate.name, card.weights_sha256, str(card.temperature), *(member.digest for member in card.members)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def settled(name: str, known: Mapping[str, str], *, shifts: int | None) -> Method:
    """The method of that name; `shifts` goes to methods that shift, and is an error for others unless it is None."""
    method = find_method(name, known)
    return method if shifts is None else method.with_options(shifts=shifts)


def _places(batch: SequenceBatch, tiles: Tiles, window: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where in the batch's bases the windows' columns lie, and which of them (m, window) do."""
    inner = tiles.start[:, None] + np.arange(window)
    inside = (inner >= 0) & (inner < batch.lengths[tiles.sequence][:, None])
    return (inner + batch.offsets[:-1][tiles.sequence][:, None])[inside], inside


def _read(path: Path, key: str) -> Calibration | None:
    """A stored calibration; None if there is none, or it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(key.encode() + data[32:]).digest() != data[:32]:
        return None
    with np.load(io.BytesIO(data[32:]), allow_pickle=False) as stored:
        return Calibration(stored["reference"], float(stored["scale"]), float(stored["threshold"]))


def _write(path: Path, key: str, found: Calibration) -> None:
    body = io.BytesIO()
    np.savez(body, reference=found.reference, scale=found.scale, threshold=found.threshold)
    seal = hashlib.sha256(key.encode() + body.getvalue()).digest()
    write_whole(path, seal + body.getvalue(), hint=CACHE_HINT)
