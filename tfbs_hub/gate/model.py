"""The mixture of experts of Tripathi et al. 2024, section III-A, for any number of experts of any width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from tfbs_hub.errors import UsageError
from tfbs_hub.experts.configuration import checked, within
from tfbs_hub.experts.contract import Expert

__all__ = ["Gate", "Mixed", "MixtureOfExperts", "crop"]


class Mixed(NamedTuple):
    """What a gate makes of embeddings.

    Attributes:
        logit: (batch,).
        alpha: (batch, experts), each row sums to 1: how loud each expert is.
        contribution: (batch, experts): what each said; with the bias they sum to the logit.
    """

    logit: Tensor
    alpha: Tensor
    contribution: Tensor


class Gate(nn.Module):
    """Equations 1-9: alpha = softmax(E W_gate + b_gate), h_i = ReLU(e_i W_i + b_i), logit = (sum alpha_i h_i) w + b.

    Args:
        embedding_dims: width of each expert's embedding, in order.
        hidden: H, width of what each expert is turned into.
    """

    def __init__(self, embedding_dims: Sequence[int], hidden: int = 32) -> None:
        super().__init__()
        self.embedding_dims = tuple(embedding_dims)
        self.hidden = hidden
        self.gate = nn.Linear(sum(self.embedding_dims), len(self.embedding_dims))
        self.experts = nn.ModuleList(nn.Linear(width, hidden) for width in self.embedding_dims)
        self.classifier = nn.Linear(hidden, 1)

    @property
    def config(self) -> dict[str, Any]:
        """Plain values from which `from_config` builds an equal network."""
        return {"embedding_dims": list(self.embedding_dims), "hidden": self.hidden}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A gate with fresh weights; raises `UsageError` for a configuration that cannot be."""
        full = checked(config, {"embedding_dims": [], "hidden": 32}, "gate")
        widths = full["embedding_dims"]
        if not widths or len(widths) > 10_000 or not all(type(width) is int for width in widths):
            raise UsageError("gate: embedding_dims must list the width of at least one expert")
        within("gate", "hidden", full["hidden"], 1, 4096)
        within("gate", "embedding_dims", min(widths), 1, 4096)
        within("gate", "embedding_dims", max(widths), 1, 4096)
        within("gate", "number of weights", sum(widths) * (len(widths) + full["hidden"]), 1, 1 << 26)
        return cls(widths, full["hidden"])

    def mix(self, embeddings: Tensor, keep: Tensor | None = None) -> Mixed:
        """Embeddings (batch, sum of widths), in the experts' order, to logit, alpha and contribution.

        Args:
            keep: bool (batch, experts): experts that may speak, at least one a row; for training only. Of the
                others the gate sees zeros, and their alpha is 0.
        """
        parts = torch.split(embeddings, list(self.embedding_dims), dim=1)
        if keep is not None:
            parts = tuple(part * keep[:, place, None] for place, part in enumerate(parts))
            embeddings = torch.cat(parts, dim=1)
        loudness = self.gate(embeddings)
        if keep is not None:
            loudness = loudness.masked_fill(~keep, -torch.inf)
        alpha = torch.softmax(loudness, dim=1)
        said = [
            self.classifier.weight @ torch.relu(expert(part)).T
            for expert, part in zip(self.experts, parts, strict=True)
        ]
        contribution = alpha * torch.cat(said).T
        return Mixed(contribution.sum(dim=1) + self.classifier.bias, alpha, contribution)

    @torch.no_grad()
    def fold(self, centre: Tensor, scale: Tensor) -> None:
        """Take raw embeddings from now on, where so far it took `(embedding - centre) / scale`.

        Args:
            centre, scale: (sum of widths,), `scale` above 0.
        """
        for layer, middle, spread in zip(
            (self.gate, *self.experts),
            (centre, *torch.split(centre, list(self.embedding_dims))),
            (scale, *torch.split(scale, list(self.embedding_dims))),
            strict=True,
        ):
            layer.weight.div_(spread)
            layer.bias.sub_(layer.weight @ middle)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Embeddings (batch, sum of widths) to logit (batch,)."""
        return self.mix(embeddings).logit


class MixtureOfExperts(nn.Module):
    """Frozen experts under a gate: one shared one-hot tensor in, one logit out.

    Args:
        experts: in the gate's order; each sees the centred crop of the shared tensor.
        gate: the trained gate.
        temperature: logits and contributions are divided by it (fitted on validation).
    """

    def __init__(self, experts: Sequence[Expert], gate: Gate, temperature: float = 1.0) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts).requires_grad_(requires_grad=False)
        self.gate = gate
        self.temperature = temperature
        self.eval()

    @property
    def window(self) -> int:
        """The widest expert's window in base pairs."""
        return max(expert.window for expert in self._experts())

    @property
    def strand_symmetric(self) -> bool:
        """True if every expert is."""
        return all(expert.strand_symmetric for expert in self._experts())

    def _experts(self) -> list[Expert]:
        return list(self.experts)  # type: ignore[arg-type]

    def embed(self, x: Tensor) -> Tensor:
        """One-hot (batch, 4, window) to all embeddings, joined (batch, sum of widths)."""
        return torch.cat([expert.embed(crop(x, expert.window)) for expert in self._experts()], dim=1)

    def mix_embeddings(self, embeddings: Tensor) -> Mixed:
        """All embeddings, joined (batch, sum of widths), to logit, alpha and contribution, after the temperature."""
        logit, alpha, contribution = self.gate.mix(embeddings)
        return Mixed(logit / self.temperature, alpha, contribution / self.temperature)

    def mix(self, x: Tensor) -> Mixed:
        """One-hot (batch, 4, window) to logit, alpha and contribution, after the temperature."""
        return self.mix_embeddings(self.embed(x))

    def forward(self, x: Tensor) -> Tensor:
        """One-hot (batch, 4, window) to logit (batch,), one strand, as given, after the temperature."""
        return self.mix(x).logit


def crop(x: Tensor, window: int) -> Tensor:
    """The centred crop (batch, 4, window) of a shared tensor (batch, 4, length) with length >= window."""
    start = x.shape[-1] // 2 - window // 2
    return x[..., start : start + window]
