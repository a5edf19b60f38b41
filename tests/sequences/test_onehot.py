from __future__ import annotations

import numpy as np
import torch

from tfbs_hub.sequences.alphabet import encode, reverse_complement
from tfbs_hub.sequences.onehot import one_hot, reverse_complement_one_hot


def test_rows_are_acgt_and_unknown_is_a_quarter_everywhere() -> None:
    x = one_hot(torch.from_numpy(encode("GATNC"))[None])
    assert x.dtype == torch.float32
    assert x.shape == (1, 4, 5)
    assert x.is_contiguous()
    expected = [[0, 1, 0, 0.25, 0], [0, 0, 0, 0.25, 1], [1, 0, 0, 0.25, 0], [0, 0, 1, 0.25, 0]]
    assert x[0].tolist() == expected


def test_an_empty_batch_keeps_its_shape() -> None:
    assert one_hot(torch.empty((0, 7), dtype=torch.uint8)).shape == (0, 4, 7)


def test_both_reverse_complements_agree(random_codes) -> None:
    codes = random_codes(50, 31, letters=5)
    there = one_hot(torch.from_numpy(reverse_complement(codes)))
    assert torch.equal(reverse_complement_one_hot(one_hot(torch.from_numpy(codes))), there)


def test_every_column_sums_to_one(random_codes) -> None:
    x = one_hot(torch.from_numpy(random_codes(20, 40, letters=5)))
    assert torch.equal(x.sum(1), torch.ones(20, 40))
    assert np.isclose(x.sum().item(), 800)
