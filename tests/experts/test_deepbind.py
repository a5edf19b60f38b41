from __future__ import annotations

import numpy as np
import pytest
import torch

from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.sequences.onehot import one_hot


def by_hand(expert, codes, pooling, width):
    """The same network, written out with loops over numbers."""
    weight = {name: tensor.double().numpy() for name, tensor in expert.state_dict().items()}
    rows = np.array([[0.25] * 4 if code == 4 else np.eye(4)[code] for code in codes])
    padded = np.concatenate([np.zeros((width - 1, 4)), rows, np.zeros((width - 1, 4))])
    strongest, mean = [], []
    for kernel, bias in zip(weight["detect.weight"], weight["detect.bias"], strict=True):
        seen = []
        for start in range(len(padded) - width + 1):
            total = bias
            for offset in range(width):
                for base in range(4):
                    total += kernel[base, offset] * padded[start + offset, base]
            seen.append(max(total, 0.0))
        strongest.append(max(seen))
        mean.append(sum(seen) / len(seen))
    pooled = np.array(strongest + (mean if pooling == "max+average" else []))
    hidden = weight["hidden.weight"] @ pooled + weight["hidden.bias"]
    scaled = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-5)
    embedding = scaled * weight["normalise.weight"] + weight["normalise.bias"]
    return embedding, float(weight["output.weight"][0] @ embedding + weight["output.bias"][0])


@pytest.mark.parametrize("pooling", ["max", "max+average"])
@pytest.mark.parametrize("width", [1, 3, 9])
def test_equals_a_computation_by_hand(make_expert, random_codes, pooling, width):
    expert = make_expert(DeepBind, window=7, detectors=2, width=width, pooling=pooling, embedding_dim=3)
    codes = random_codes(4, 7, seed=width, unknown=0.2)
    x = one_hot(torch.from_numpy(codes))
    for row, embedded, scored in zip(codes, expert.embed(x).detach(), expert(x).detach(), strict=True):
        embedding, logit = by_hand(expert, row, pooling, width)
        assert embedded.numpy() == pytest.approx(embedding, abs=1e-5)
        assert float(scored) == pytest.approx(logit, abs=1e-5)


def test_a_site_over_the_edge_is_seen(make_expert):
    expert = make_expert(DeepBind, window=8, detectors=1, width=4, pooling="max")
    codes = torch.zeros(2, 8, dtype=torch.uint8)
    codes[1, -2:] = 2
    with torch.no_grad():
        expert.detect.weight.fill_(-1)
        expert.detect.weight[0, 2] = torch.tensor([5.0, 5.0, -1.0, -1.0])
        expert.detect.bias.fill_(-4)
    plain, ending = torch.relu(expert.detect(one_hot(codes))).amax(dim=(1, 2)).tolist()
    assert plain == 0
    assert ending == pytest.approx(6.0)  # the detector's first half lies on GG, the rest beyond the end
