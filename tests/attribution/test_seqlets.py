"""Calling seqlets, on contributions whose sites are known because they were made up."""

from __future__ import annotations

import numpy as np
import pytest

from tfbs_hub.attribution.seqlets import calibrate, call_seqlets
from tfbs_hub.progress import Event

WINDOW = 60


def explain_noise(codes):
    """Contributions that are noise, a different one for each sequence; every tenth sequence is called bound."""
    rows = np.stack([np.random.default_rng(list(row[:24])).normal(size=WINDOW) for row in codes])
    return rows.astype(np.float32), np.where(np.arange(len(codes)) % 10 == 0, 2, -2).astype(np.float32)


@pytest.fixture(scope="module")
def calibration():
    return calibrate(explain_noise, WINDOW)


def noise(rows, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, WINDOW)).astype(np.float32)


def explained(made, actual, logit=-2.0, window=WINDOW):
    return made(["A" * len(row) for row in actual], actual, logit=logit, window=window)


def test_noise_rarely_has_a_seqlet(made, calibration):
    called = call_seqlets(explained(made, noise(60)), calibration)
    assert len({seqlet.sequence for seqlet in called}) <= 3


def test_a_site_is_found_where_it_is_and_ranked_before_a_weaker_one(made, calibration):
    actual = noise(5, seed=1) / 2
    actual[:, 10:18] += 3
    actual[:, 40:46] += 2.4
    called = call_seqlets(explained(made, actual), calibration)
    for index in range(5):
        first, second = [seqlet for seqlet in called if seqlet.sequence == index][:2]
        assert abs(first.start - 10) <= 2 and abs(first.end - 18) <= 2
        assert abs(second.start - 40) <= 2 and abs(second.end - 46) <= 2
        assert first.attribution == pytest.approx(actual[index, first.start : first.end].sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("strong", "weak", "start", "counts"),
    [(3, 1.2, 40, True), (0, 1.2, 40, False), (9, 1.3, 40, False), (3, 1.2, 90, False)],
)
def test_a_weak_seqlet_counts_beside_a_strong_one(made, calibration, strong, weak, start, counts):
    actual = noise(2, seed=8).reshape(1, -1) / 8
    actual[:, 10:18] += strong
    actual[:, start : start + 8] += weak
    called = call_seqlets(explained(made, actual), calibration)
    assert any(seqlet.start < 18 and seqlet.end > 10 for seqlet in called) == (strong > 0)
    assert any(seqlet.start < start + 8 and seqlet.end > start for seqlet in called) == counts


def test_what_speaks_against_binding_is_no_seqlet(made, calibration):
    actual = noise(3, seed=2)
    actual[:, 20:28] -= 5
    called = call_seqlets(explained(made, actual), calibration)
    assert not [seqlet for seqlet in called if seqlet.start < 28 and seqlet.end > 20]


def test_a_sequence_does_not_show_in_its_neighbours(made, calibration):
    actual = noise(4, seed=3)
    actual[:, 30:36] += 2
    together = call_seqlets(explained(made, actual), calibration)
    assert together
    for index in range(4):
        alone = call_seqlets(explained(made, actual[index : index + 1]), calibration)
        mine = [seqlet for seqlet in together if seqlet.sequence == index]
        assert [(each.start, each.end, each.p_value) for each in alone] == [(a.start, a.end, a.p_value) for a in mine]


def test_a_model_that_is_sure_is_believed_sooner(made, calibration):
    actual = noise(16, seed=4)
    actual[:, 30:36] += 1.4
    counts = [
        len({seqlet.sequence for seqlet in call_seqlets(explained(made, actual, logit), calibration)})
        for logit in (-4.0, 4.0)
    ]
    assert counts[0] < counts[1]


def test_sequences_of_any_length(made, calibration):
    long = np.concatenate([noise(1, seed=5)[0], noise(1, seed=6)[0] * 0.5, noise(1, seed=7)[0]])
    long[80:88] += 4
    ragged = [long, np.array([1, 2, 3], np.float32), np.zeros(30, np.float32)]
    called = call_seqlets(explained(made, ragged, window=WINDOW), calibration)
    assert called[0].sequence == 0 and called[0].start < 81 and called[0].end > 87
    assert not [seqlet for seqlet in called if seqlet.sequence == 2]


def test_calibration_is_the_same_every_time_and_tells_how_far_it_is(calibration):
    heard: list[Event] = []
    again = calibrate(explain_noise, WINDOW, heard.append, "calibrating")
    assert (again.scale, again.threshold) == (calibration.scale, calibration.threshold)
    assert np.array_equal(again.reference, calibration.reference)
    assert heard[0].task == "calibrating" and heard[-1].done == heard[-1].total


@pytest.mark.parametrize("logit", [-1.0, 1.0])
def test_a_model_that_says_nothing_has_no_seqlets(made, logit):
    def silent(codes):
        return np.zeros(codes.shape, np.float32), np.full(len(codes), logit, np.float32)

    nothing = calibrate(silent, WINDOW)
    assert nothing.scale == 1
    assert call_seqlets(explained(made, np.zeros((2, WINDOW)), logit), nothing) == []
