"""A position weight matrix as an expert: no training, exact, strand-symmetric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import torch
from torch import Tensor, nn

from tfbs_hub.experts.configuration import checked, within
from tfbs_hub.experts.contract import Expert

if TYPE_CHECKING:
    from tfbs_hub.sources.motifs import Motif

__all__ = ["PWM"]

_NAME: Final = "pwm"
_DEFAULTS: Final[Mapping[str, Any]] = {"window": 101, "width": 1}


class PWM(Expert):
    """Scans both strands with log-odds (nats) against a uniform background.

    The logit is the log Bayes factor of "one site, anywhere, on either strand" against "none": the mean
    likelihood ratio over all placements, in logs. The embedding holds it, the best placement's log-odds,
    and the expected log-odds under the posterior over placements. An unknown base (and padding) counts with the
    mean log-odds of the four bases, which is below 0: placements in padding hardly count, but they dilute the mean.

    Args:
        window: input length in base pairs.
        width: length of the matrix in base pairs.
    """

    strand_symmetric: ClassVar[bool] = True
    trainable: ClassVar[bool] = False

    def __init__(self, *, window: int, width: int) -> None:
        super().__init__()
        self._config = {"window": window, "width": width}
        self.log_odds = nn.Parameter(torch.zeros(4, width), requires_grad=False)

    @classmethod
    def from_motif(cls, motif: Motif, *, window: int = 101, pseudocount: float = 1e-3) -> Self:
        """An expert from base probabilities; `pseudocount` keeps a never-seen base from being impossible."""
        expert = cls.from_config(
            {"window": max(window, motif.probabilities.shape[1]), "width": motif.probabilities.shape[1]}
        )
        probability = torch.tensor(motif.probabilities, dtype=torch.float64) + pseudocount
        probability /= probability.sum(dim=0)
        expert.log_odds.copy_((probability / 0.25).log())
        return expert.eval()

    @property
    def window(self) -> int:
        return self._config["window"]

    @property
    def embedding_dim(self) -> int:
        return 3

    @property
    def config(self) -> dict[str, Any]:
        return dict(self._config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        full = checked(config, _DEFAULTS, _NAME)
        within(_NAME, "width", full["width"], 1, 512)
        within(_NAME, "window", full["window"], full["width"], 1 << 20)
        return cls(**full)

    def embed(self, x: Tensor) -> Tensor:
        both = torch.stack([self.log_odds, self.log_odds.flip(0, 1)])
        odds = nn.functional.conv1d(x, both).flatten(1)
        evidence = torch.logsumexp(odds, dim=1) - math.log(odds.shape[1])
        expected = (torch.softmax(odds, dim=1) * odds).sum(dim=1)
        return torch.stack([evidence, odds.max(dim=1).values, expected], dim=1)

    def score(self, embedding: Tensor) -> Tensor:
        return embedding[:, 0]
