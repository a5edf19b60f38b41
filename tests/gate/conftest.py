from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.deepbind import DeepBind


@pytest.fixture(scope="session")
def make_expert() -> Callable[..., Expert]:
    """A small expert with weights drawn from a seed, in eval mode."""

    def make(seed: int = 0, **config: Any) -> Expert:
        expert = DeepBind.from_config({"window": 21, "detectors": 3, "width": 5, "embedding_dim": 4, **config})
        draw = torch.Generator().manual_seed(seed)
        for tensor in expert.state_dict().values():
            tensor.copy_(torch.randn(tensor.shape, generator=draw) * 0.5)
        return expert.eval()

    return make
