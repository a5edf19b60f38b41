from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tfbs_hub.cards import Golden
from tfbs_hub.errors import IntegrityError
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.golden import TOLERANCE, check_golden, golden_sequences, make_golden
from tfbs_hub.sequences.onehot import one_hot


def test_sequences_are_always_the_same():
    assert golden_sequences(40) == golden_sequences(40)
    assert len({*golden_sequences(40), *(each[:40] for each in golden_sequences(41))}) == 8


@pytest.mark.parametrize("window", [1, 3, 4, 101])
def test_sequences_fill_the_window(window):
    sequences = golden_sequences(window)
    assert {len(sequence) for sequence in sequences} == {window}
    assert set("".join(sequences)) <= set("ACGTN")
    assert sequences[-1].count("N") == window // 4


def test_passes_and_repeats(architecture, make_expert):
    expert = make_expert(architecture)
    golden = make_golden(expert, expert.window)
    assert golden == make_golden(expert, expert.window)
    assert len(golden.logits) == len(golden.sequences) == 4
    check_golden(expert, expert.window, golden, "here")


def test_a_changed_weight_is_found(architecture, make_expert):
    expert = make_expert(architecture)
    golden = make_golden(expert, expert.window)
    with torch.no_grad():
        next(expert.parameters()).add_(0.01)
    with pytest.raises(IntegrityError, match="card of X"):
        check_golden(expert, expert.window, golden, "card of X")


def test_tolerance(make_expert):
    expert = make_expert(DeepBind)
    golden = make_golden(expert, 31)
    shifted = replace(golden, logits=tuple(value + TOLERANCE / 2 for value in golden.logits))
    check_golden(expert, 31, shifted, "here")
    with pytest.raises(IntegrityError, match="golden prediction 0"):
        check_golden(
            expert, 31, replace(golden, logits=tuple(value + 2 * TOLERANCE for value in golden.logits)), "here"
        )


def test_what_is_not_a_number_never_passes(make_expert):
    expert = make_expert(DeepBind)
    golden = make_golden(expert, 31)
    with torch.no_grad():
        expert.output.bias.fill_(float("nan"))
    with pytest.raises(IntegrityError):
        check_golden(expert, 31, golden, "here")


def test_sequences_of_another_length_are_centred(make_expert):
    expert = make_expert(DeepBind)
    padded = one_hot(torch.tensor([[4] * 13 + [0, 1, 2, 3] + [4] * 14], dtype=torch.uint8))
    golden = Golden(sequences=("ACGT",), logits=(float(expert(padded).detach()),))
    check_golden(expert, 31, golden, "here")


def test_a_card_without_golden_predictions_promises_nothing(make_expert):
    check_golden(make_expert(DeepBind), 31, Golden(sequences=(), logits=()), "here")
