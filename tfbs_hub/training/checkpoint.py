"""What a training run needs to go on after it was killed: one file, replaced after each epoch.

The file is a sha256 and the safetensors bytes it is of: a flipped bit would otherwise become a slightly other expert.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from torch import Tensor, optim

from tfbs_hub import settings
from tfbs_hub.about import __version__
from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import IntegrityError
from tfbs_hub.experts.weights import pack, read_tensors
from tfbs_hub.files import write_whole

__all__ = ["Checkpoint", "fingerprint", "optimiser_tensors", "restore_optimiser"]

_FORMAT: Final = 1
_SEAL: Final = hashlib.sha256().digest_size


def fingerprint(**facts: Any) -> str:
    """Digest of all that decides how a run goes (plain values, and the hub's version); equal digest, same run."""
    return hashlib.sha256(canonical_json({"tfbs_hub": __version__, **facts})).hexdigest()


class Checkpoint:
    """One run's state on disk.

    Args:
        folder: where checkpoints are kept (a cache: losing one costs time only).
        digest: `fingerprint` of the run; a file of another run is never read.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self.digest = digest
        self.path = folder / f"{digest[:32]}.checkpoint"

    def load(self) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        """State and tensors of the last finished epoch; None if there is none that can be trusted."""
        try:
            data = self.path.read_bytes()
            if hashlib.sha256(data[_SEAL:]).digest() != data[:_SEAL]:
                return None
            state, tensors = read_tensors(data[_SEAL:], self.path.name)
        except (OSError, IntegrityError):
            return None  # a lost or damaged checkpoint means starting over, not stopping
        if (state.get("format"), state.get("digest")) != (_FORMAT, self.digest):
            return None
        return state, tensors

    def save(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Replace the file; raises `StorageError`."""
        data = pack(tensors, {**state, "format": _FORMAT, "digest": self.digest})
        write_whole(self.path, hashlib.sha256(data).digest() + data, hint=settings.CACHE_HINT)

    def clear(self) -> None:
        """Forget the run: it has ended."""
        self.path.unlink(missing_ok=True)


def optimiser_tensors(optimiser: optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as named tensors."""
    return {
        f"optimiser.{index}.{key}": value
        for index, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def restore_optimiser(optimiser: optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` named."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    full = optimiser.state_dict()
    optimiser.load_state_dict({**full, "state": state})
