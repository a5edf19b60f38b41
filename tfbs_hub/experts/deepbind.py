"""DeepBind: convolution, rectification, global pooling, a small head.

Alipanahi et al. 2015 (Nature Biotechnology 33:831), as used for the experts of Tripathi et al. 2024, section
II-A: 16 motif detectors of width 24 and an embedding of 32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self

import torch
from torch import Tensor, nn

from tfbs_hub.experts.configuration import checked, one_of, within
from tfbs_hub.experts.contract import Expert, Recipe
from tfbs_hub.experts.detectors import Detectors, strongest
from tfbs_hub.limits import MAX_ACTIVATIONS

if TYPE_CHECKING:
    import optuna

__all__ = ["DeepBind"]

_NAME: Final = "deepbind"
_DEFAULTS: Final[Mapping[str, Any]] = {
    "window": 101,
    "detectors": 16,
    "width": 24,
    "pooling": "max+average",
    "embedding_dim": 32,
    "dropout": 0.2,
}


class DeepBind(Expert):
    """Motif detectors over the whole sequence, pooled to the strongest (and the mean) response of each.

    Args:
        window: input length in base pairs.
        detectors: number of motif detectors (convolution filters).
        width: length of a detector in base pairs.
        pooling: "max" or "max+average", over all positions.
        embedding_dim: width of the embedding.
        dropout: share of the embedding dropped in training.
    """

    def __init__(
        self, *, window: int, detectors: int, width: int, pooling: str, embedding_dim: int, dropout: float
    ) -> None:
        super().__init__()
        self._config: dict[str, Any] = {
            "window": window,
            "detectors": detectors,
            "width": width,
            "pooling": pooling,
            "embedding_dim": embedding_dim,
            "dropout": dropout,
        }
        # Padding by width - 1 lets a detector see a site that hangs over either end.
        self.detect = Detectors(detectors, width, padding=width - 1)
        nn.init.normal_(self.detect.weight, std=0.1)
        nn.init.zeros_(self.detect.bias)  # type: ignore[arg-type]
        self.averages = pooling == "max+average"
        self.hidden = nn.Linear(detectors * (2 if self.averages else 1), embedding_dim)
        self.normalise = nn.LayerNorm(embedding_dim)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(embedding_dim, 1)

    @property
    def window(self) -> int:
        return int(self._config["window"])

    @property
    def embedding_dim(self) -> int:
        return self.output.in_features

    @property
    def config(self) -> dict[str, Any]:
        return dict(self._config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        full = checked(config, _DEFAULTS, _NAME)
        within(_NAME, "window", full["window"], 1, 1 << 20)
        within(_NAME, "detectors", full["detectors"], 1, 4096)
        within(_NAME, "width", full["width"], 1, 512)
        within(_NAME, "detectors times window", full["detectors"] * full["window"], 1, MAX_ACTIVATIONS)
        within(_NAME, "embedding_dim", full["embedding_dim"], 1, 4096)
        within(_NAME, "dropout", full["dropout"], 0, 0.9)
        one_of(_NAME, "pooling", full["pooling"], ("max", "max+average"))
        return cls(**full)

    def embed(self, x: Tensor) -> Tensor:
        return self.embed_responses(self.detect(x))

    def embed_responses(self, responses: Tensor) -> Tensor:
        """The detectors' responses (batch, detectors, placements) to embedding (batch, embedding_dim)."""
        active = torch.relu(responses)
        pooled = strongest(active)
        if self.averages:
            # Not `mean`, whose gradient, the same everywhere, would be written out for every placement.
            pooled = torch.cat([pooled, active.sum(dim=2) / active.shape[2]], dim=1)
        return self.embed_pooled(pooled)

    def embed_pooled(self, pooled: Tensor) -> Tensor:
        """The strongest response of every detector, and the mean, to embedding (batch, embedding_dim)."""
        embedding: Tensor = self.normalise(self.hidden(pooled))
        return embedding

    def score(self, embedding: Tensor) -> Tensor:
        logit: Tensor = self.output(self.dropout(embedding))
        return logit.squeeze(1)

    @torch.no_grad()
    def shift_logit(self, offset: float) -> None:
        self.output.bias.add_(offset)

    @classmethod
    def recipe(cls) -> Recipe:
        return Recipe(learning_rate=5e-3, weight_decay=1e-3, batch=128, epochs=20, unknown=0.1)

    @classmethod
    def suggest(cls, trial: optuna.Trial) -> tuple[dict[str, Any], dict[str, Any]]:
        config = {
            "detectors": trial.suggest_categorical("detectors", [16, 32, 64, 128]),
            "width": trial.suggest_int("width", 12, 32, step=4),
            "pooling": trial.suggest_categorical("pooling", ["max", "max+average"]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        }
        return config, super().suggest(trial)[1]
