from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tfbs_hub.experts.contract import Expert
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.pwm import PWM
from tfbs_hub.experts.residual import Residual

SMALL: dict[type[Expert], dict[str, Any]] = {
    DeepBind: {"window": 31, "detectors": 3, "width": 5, "embedding_dim": 4, "dropout": 0.5},
    Residual: {"window": 31, "filters": 4, "width": 5, "stride": 3, "embedding_dim": 5, "dropout": 0.5},
    PWM: {"window": 31, "width": 6},
}


@pytest.fixture(params=SMALL, ids=lambda architecture: architecture.__name__)
def architecture(request: pytest.FixtureRequest) -> type[Expert]:
    return request.param


@pytest.fixture
def make_expert() -> Callable[..., Expert]:
    """A small network with weights drawn from a seed, in eval mode."""

    def make(architecture: type[Expert], seed: int = 0, **changes: Any) -> Expert:
        expert = architecture.from_config({**SMALL[architecture], **changes})
        draw = torch.Generator().manual_seed(seed)
        for name, tensor in expert.state_dict().items():
            if tensor.is_floating_point():
                value = torch.randn(tensor.shape, generator=draw) * 0.5
                tensor.copy_(value.abs() + 0.5 if "running_var" in name else value)
        return expert.eval()

    return make
