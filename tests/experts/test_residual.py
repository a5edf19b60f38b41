from __future__ import annotations

from math import erf, sqrt

import numpy as np
import pytest
import torch

from tfbs_hub.experts.residual import Residual
from tfbs_hub.sequences.onehot import one_hot


def convolved(x, kernel, padding, dilation=1):
    """(channels, length) through (out, channels, width), written out."""
    padded = np.pad(x, ((0, 0), (padding, padding)))
    width = kernel.shape[2]
    length = padded.shape[1] - dilation * (width - 1)
    out = np.zeros((len(kernel), length))
    for position in range(length):
        for offset in range(width):
            out[:, position] += kernel[:, :, offset] @ padded[:, position + dilation * offset]
    return out


def gelu(x):
    return np.vectorize(lambda value: value / 2 * (1 + erf(value / sqrt(2))))(x)


def batch_normalised(x, weight, name):
    mean, variance = weight[f"{name}.running_mean"], weight[f"{name}.running_var"]
    scaled = (x - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5)
    return scaled * weight[f"{name}.weight"][:, None] + weight[f"{name}.bias"][:, None]


def by_hand(expert, codes, width, stride, blocks):
    weight = {name: tensor.double().numpy() for name, tensor in expert.state_dict().items()}
    x = np.array([[0.25] * 4 if code == 4 else np.eye(4)[code] for code in codes]).T
    h = convolved(x, weight["detect.weight"], width // 2)
    pooled = [h[:, start : start + stride].max(axis=1) for start in range(0, h.shape[1] - stride + 1, stride)]
    h = gelu(batch_normalised(np.array(pooled).T, weight, "stem.0"))
    for depth in range(blocks):
        kernel = weight[f"blocks.{depth}.convolve.weight"]
        dilation = 2**depth
        reach = kernel.shape[2] // 2 * dilation
        h = h + gelu(batch_normalised(convolved(h, kernel, reach, dilation), weight, f"blocks.{depth}.normalise"))
    attention = weight["attention.weight"][:, :, 0] @ h + weight["attention.bias"][:, None]
    share = np.exp(attention - attention.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    pooled = np.concatenate([(share * h).sum(axis=1), h.max(axis=1)])
    hidden = weight["hidden.weight"] @ pooled + weight["hidden.bias"]
    scaled = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-5)
    embedding = scaled * weight["normalise.weight"] + weight["normalise.bias"]
    return float(weight["output.weight"][0] @ embedding + weight["output.bias"][0])


@pytest.mark.parametrize(("width", "stride", "blocks"), [(3, 2, 0), (5, 2, 1), (4, 3, 3), (7, 1, 2)])
def test_equals_a_computation_by_hand(make_expert, random_codes, width, stride, blocks):
    expert = make_expert(Residual, window=14, filters=3, width=width, stride=stride, blocks=blocks, embedding_dim=4)
    codes = random_codes(3, 14, seed=blocks, unknown=0.2)
    logits = expert(one_hot(torch.from_numpy(codes))).detach()
    expected = [by_hand(expert, row, width, stride, blocks) for row in codes]
    assert logits.numpy() == pytest.approx(expected, abs=1e-4)


def test_blocks_widen_as_described(make_expert):
    convolutions = [block.convolve for block in make_expert(Residual, blocks=4).blocks]
    assert [each.kernel_size[0] for each in convolutions] == [5, 3, 3, 3]
    assert [each.dilation[0] for each in convolutions] == [1, 2, 4, 8]
