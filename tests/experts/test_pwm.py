from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.experts.pwm import PWM
from tfbs_hub.sequences.alphabet import encode, reverse_complement
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sources.motifs import Motif

SITE = "TGACTCA"


@pytest.fixture(scope="module")
def motif():
    """Mostly TGACTCA, each base with 91 %."""
    probabilities = np.full((4, len(SITE)), 0.03)
    probabilities[encode(SITE), np.arange(len(SITE))] = 0.91
    return Motif(id="MA0000.1", name="TEST", probabilities=probabilities)


def by_hand(motif, sequence, pseudocount=1e-3):
    """Log Bayes factor, best placement and posterior mean from plain probabilities, letter by letter."""
    width = motif.probabilities.shape[1]
    scores = []
    for strand in (sequence, sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))):
        for start in range(len(strand) - width + 1):
            ratio = 1.0
            for offset in range(width):
                column = motif.probabilities[:, offset] + pseudocount
                ratio *= column["ACGT".index(strand[start + offset])] / column.sum() / 0.25
            scores.append(math.log(ratio))
    total = sum(math.exp(score) for score in scores)
    mean = sum(score * math.exp(score) for score in scores) / total
    return math.log(total / len(scores)), max(scores), mean


@given(st.text("ACGT", min_size=12, max_size=12))
def test_logit_is_the_log_bayes_factor(motif, sequence):
    expert = PWM.from_motif(motif, window=12)
    x = one_hot(torch.from_numpy(encode(sequence)[None]))
    evidence, best, mean = by_hand(motif, sequence)
    assert expert.embed(x)[0].tolist() == pytest.approx([evidence, best, mean], abs=1e-4)
    assert float(expert(x)[0]) == pytest.approx(evidence, abs=1e-4)


def test_both_strands_give_the_same(motif, random_codes):
    expert = PWM.from_motif(motif, window=60)
    codes = random_codes(50, 60, unknown=0.05)
    ahead, back = (expert.embed(one_hot(torch.from_numpy(each))) for each in (codes, reverse_complement(codes)))
    assert torch.allclose(ahead, back, rtol=0, atol=1e-5)


def test_a_planted_site_raises_the_logit(motif, random_codes, planted_codes):
    expert = PWM.from_motif(motif, window=60)
    without = expert(one_hot(torch.from_numpy(random_codes(40, 60))))
    site = planted_codes(40, 60, site=SITE)
    for codes in (site, reverse_complement(site)):
        assert (expert(one_hot(torch.from_numpy(codes))) > without.quantile(0.9)).all()


def test_an_unknown_base_counts_as_the_mean_of_the_four(motif):
    expert = PWM.from_motif(motif, window=len(SITE))
    unknown = expert.embed(one_hot(torch.full((1, len(SITE)), 4, dtype=torch.uint8)))[0]
    expected = float(expert.log_odds.mean(dim=0).sum())
    assert unknown.tolist() == pytest.approx([expected] * 3, abs=1e-5)


def test_padding_only_dilutes(motif, planted_codes):
    """Placements in padding hardly count, so a wider window lowers the logit by the log of the placements."""
    codes = planted_codes(20, 20, site=SITE)
    narrow = PWM.from_motif(motif, window=20)(one_hot(torch.from_numpy(codes)))
    padded = np.pad(codes, ((0, 0), (15, 15)), constant_values=4)
    wide = PWM.from_motif(motif, window=50)(one_hot(torch.from_numpy(padded)))
    assert torch.allclose(narrow - wide, torch.full((20,), math.log(44 / 14)), atol=0.05)


def test_a_matrix_wider_than_the_window_widens_it(motif):
    assert PWM.from_motif(motif, window=3).window == len(SITE)


def test_a_base_that_was_never_seen_is_unlikely_but_possible():
    certain = Motif(id="X", name="X", probabilities=np.eye(4)[:, [0, 1, 2]])
    expert = PWM.from_motif(certain, window=3)
    assert torch.isfinite(expert.log_odds).all()
    assert float(expert.log_odds.min()) == pytest.approx(math.log(0.001 / 1.004 / 0.25), abs=1e-5)


def test_is_not_trained(motif):
    assert not PWM.trainable
    assert not any(parameter.requires_grad for parameter in PWM.from_motif(motif).parameters())
