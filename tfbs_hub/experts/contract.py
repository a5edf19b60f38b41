"""The contract of an expert: DNA in, embedding and score out."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

from torch import Tensor, nn

if TYPE_CHECKING:
    import optuna

__all__ = ["Expert", "Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Optimiser settings of one training run.

    Attributes:
        optimiser: "adamw" or "sgd" (Nesterov).
        learning_rate: the peak of the one-cycle schedule, or the constant rate.
        schedule: "one-cycle" (linear warm-up, cosine to zero) or "constant".
        warm_up: share of all steps before the peak.
        epochs: how many at most.
        patience: epochs without a better validation AUROC before stopping, counted after the peak.
        batch: sequences a step, negatives included.
        momentum: of SGD.
        clip: gradient norm limit; 0 for none.
        reverse_complement: probability that a training sequence is shown as its reverse complement.
        shift: largest number of base pairs by which a batch is moved to either side; what leaves the window is
            lost, what comes in is unknown.
        unknown: share of training sequences whose ends are hidden: what is left is centred and of any length, so that
            a sequence shorter than the window, which comes padded, is judged by its bases and not by its padding.
        negatives: negatives for each positive in an epoch.
    """

    optimiser: str = "adamw"
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    schedule: str = "one-cycle"
    warm_up: float = 0.15
    epochs: int = 20
    patience: int = 5
    batch: int = 256
    momentum: float = 0.9
    clip: float = 5.0
    reverse_complement: float = 0.5
    shift: int = 0
    unknown: float = 0.0
    negatives: int = 1

    def as_dict(self) -> dict[str, bool | int | float | str]:
        """The settings as plain values, for cards and fingerprints."""
        return asdict(self)


class Expert(nn.Module, abc.ABC):
    """A network for one transcription factor.

    A subclass implements `embed`, `score`, `window`, `embedding_dim`, `config` and `from_config`; nothing
    else is asked of it. Experts never subclass other experts; wrap instead. `.eval()` means what PyTorch
    means: the same input gives the same output.

    One-hot input has rows A, C, G, T; an unknown base, and padding, is 0.25 in every row.
    """

    strand_symmetric: ClassVar[bool] = False
    """True if `forward(x)` equals `forward` of the reverse complement by construction."""

    trainable: ClassVar[bool] = True
    """False if the weights come from elsewhere, such as a matrix."""

    @property
    @abc.abstractmethod
    def window(self) -> int:
        """Input length in base pairs."""

    @property
    @abc.abstractmethod
    def embedding_dim(self) -> int:
        """Width of the embedding."""

    @property
    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """Plain values from which `from_config` builds an equal network."""

    @classmethod
    @abc.abstractmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A network with fresh weights; raises `UsageError` for a configuration that cannot be."""

    @abc.abstractmethod
    def embed(self, x: Tensor) -> Tensor:
        """One-hot (batch, 4, window) to embedding (batch, embedding_dim)."""

    @abc.abstractmethod
    def score(self, embedding: Tensor) -> Tensor:
        """Embedding (batch, embedding_dim) to logit (batch,)."""

    def shift_logit(self, offset: float) -> None:
        """Add a constant to every logit from now on.

        Training uses it to undo an unequal number of positives and negatives (King and Zeng 2001, Political
        Analysis 9:137). A network that cannot do so leaves this as it is; its ranking is as good.
        """

    @final  # type: ignore[misc]  # PyTorch annotates `forward` as an attribute
    def forward(self, x: Tensor) -> Tensor:
        """One-hot (batch, 4, window) to logit (batch,), one strand, as given."""
        return self.score(self.embed(x))

    @classmethod
    def recipe(cls) -> Recipe:
        """The optimiser settings that suit this architecture."""
        return Recipe()

    @classmethod
    def suggest(cls, trial: optuna.Trial) -> tuple[dict[str, Any], dict[str, Any]]:
        """One point of the search space: changes to the configuration, and changes to the recipe."""
        recipe = cls.recipe()
        return {}, {
            "learning_rate": trial.suggest_float(
                "learning_rate", recipe.learning_rate / 4, recipe.learning_rate * 4, log=True
            ),
            "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
        }
