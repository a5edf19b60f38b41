from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tfbs_hub.errors import UsageError
from tfbs_hub.prediction import averaged, choose_device, logits, on_device, run, strand_windows
from tfbs_hub.sequences.alphabet import reverse_complement
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.windows import fit_window

CPU = torch.device("cpu")
# Every place and base counts by another power, so a logit says exactly which sequence was seen.
WEIGHT = torch.arange(4.0)[:, None] * 4.0 ** -torch.arange(12)


class Reader(nn.Module):
    """Reads a sequence as a number in base 4."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(WEIGHT.clone())
        self.dropout = nn.Dropout(0.5)
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        return (self.dropout(x) * self.weight[:, : x.shape[2]]).sum(dim=(1, 2))


def read(codes):
    x = one_hot(torch.tensor(codes.tolist(), dtype=torch.uint8))
    return (x * WEIGHT[:, : codes.shape[1]]).sum(dim=(1, 2)).numpy()


@pytest.fixture
def codes(random_codes):
    return random_codes(10, 9, unknown=0.1)


@pytest.fixture
def model():
    return Reader()


@pytest.mark.parametrize("batch", [1, 3, 10, 1000])
def test_batches_do_not_show_in_the_result(model, codes, batch):
    found = logits(model, codes, window=9, symmetric=True, batch=batch)
    assert found == pytest.approx(read(codes), abs=1e-6)
    assert found.dtype == np.float32
    assert sum(model.batches) == 10
    assert max(model.batches) == min(batch, 10)


@pytest.mark.parametrize("window", [4, 9, 12])
def test_both_strands_are_averaged(model, codes, window):
    ahead, back = (read(fit_window(each, window)) for each in (codes, reverse_complement(codes)))
    assert logits(model, codes, window=window, symmetric=False) == pytest.approx((ahead + back) / 2, abs=1e-6)
    assert logits(model, codes, window=window, symmetric=True) == pytest.approx(ahead, abs=1e-6)


def test_the_other_strand_is_taken_before_padding(model):
    """AC in three bases is AC and padding on both strands, not on the other one padding and GT."""
    ahead, back = (np.array([row], np.uint8) for row in ([0, 1, 4], [2, 3, 4]))
    expected = (read(ahead) + read(back)) / 2
    assert logits(model, ahead[:, :2], window=3, symmetric=False) == pytest.approx(expected, abs=1e-6)


def test_many_outputs_of_any_shape(codes):
    first, second = run(lambda x: (x.sum(dim=(1, 2)), x), codes, device=CPU, batch=4)
    assert first == pytest.approx(np.full(10, 9.0))
    assert (second == one_hot(torch.from_numpy(codes)).numpy()).all()
    mean, both = averaged(lambda x: (x[:, 0, 0], x), strand_windows(codes, 9, symmetric=False), device=CPU)
    assert mean.shape == (10,)
    other = one_hot(torch.from_numpy(reverse_complement(codes))).numpy()
    assert both == pytest.approx((second + other) / 2)


def test_no_rows_give_empty_outputs_of_the_right_shape():
    empty = np.zeros((0, 7), np.uint8)
    first, second = run(lambda x: (x.sum(dim=(1, 2)), x), empty, device=CPU)
    assert (first.shape, second.shape) == ((0,), (0, 4, 7))


def test_arrays_that_may_not_be_written_or_lie_backwards(model, codes):
    frozen = codes.copy()
    frozen.setflags(write=False)
    for each in (frozen, codes[::-1], np.asfortranarray(codes), codes[:, ::-1], codes[:, 2:]):
        found = logits(model, each, window=each.shape[1], symmetric=True)
        assert found == pytest.approx(read(each), abs=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(model, codes, training):
    model.train(training)
    logits(model, codes, window=9, symmetric=False)
    assert model.training is model.dropout.training is training
    assert model.weight.grad is None
    assert model.weight.requires_grad
    model.weight.sum().backward()
    assert not model.weight.is_inference()


def test_the_model_is_left_as_it_was_by_an_error(model):
    def use():
        with on_device(model, CPU):
            assert not model.training
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        use()
    assert model.training


def test_a_model_without_parameters(codes):
    class Constant(nn.Module):
        def forward(self, x):
            return x[:, 0, 0]

    assert logits(Constant(), codes, window=9, symmetric=True).shape == (10,)


def test_devices(monkeypatch):
    assert choose_device("cpu") == CPU
    with pytest.raises(UsageError, match="tpu"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == choose_device("auto") == CPU
    with pytest.raises(UsageError, match="--device cpu"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda")
    assert choose_device("cpu") == CPU
