from __future__ import annotations

import pytest
import torch

from tfbs_hub.gate.mean import MeanOfExperts


def test_each_expert_sees_its_own_centred_crop_and_counts_the_same(make_expert):
    narrow, wide = make_expert(0, window=21), make_expert(1, window=31)
    mean = MeanOfExperts([narrow, wide])
    x = torch.softmax(torch.randn(3, 4, 31, generator=torch.Generator().manual_seed(0)), dim=1)
    assert (mean.window, mean.strand_symmetric, mean.training) == (31, False, False)
    assert mean(x) == pytest.approx(((narrow(x[..., 5:26]) + wide(x)) / 2).detach(), abs=1e-6)
    assert not any(parameter.requires_grad for parameter in mean.parameters())
