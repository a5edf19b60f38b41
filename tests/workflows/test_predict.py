from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub import Hub
from tfbs_hub.errors import InputError, UsageError
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.workflows.models import Model, Scores
from tfbs_hub.workflows.predict import batches_of, joined, predict, sigmoid

CPU = torch.device("cpu")
WINDOW = 12


class Recorder(torch.nn.Module):
    """Stands in for a network; remembers the windows it is given."""


@pytest.fixture
def recorded(monkeypatch):
    """A model that scores a window by its number of unknown bases, and every strand it was asked."""
    strands = []

    def score(self, windows, device):
        strands.append([codes.copy() for codes in windows])
        return Scores(np.mean([(codes == 4).sum(axis=1) for codes in windows], axis=0).astype(np.float32))

    monkeypatch.setattr(Model, "score", score)
    return Model("test", Recorder(), WINDOW, symmetric=False), strands


def reverse(codes):
    return np.where(codes == 4, 4, 3 - codes.astype(int))[:, ::-1]


@given(st.lists(st.text("ACGTN", min_size=1, max_size=WINDOW), min_size=1, max_size=6))
def test_the_other_strand_is_that_of_every_sequence_centred_by_itself(lengths):
    with pytest.MonkeyPatch.context() as patch:
        strands = []
        patch.setattr(Model, "score", lambda self, windows, device: strands.append(windows) or Scores(np.zeros(1)))
        list(predict(Model("test", Recorder(), WINDOW, symmetric=False), [from_strings(lengths)], device=CPU))
        (given_strand, other) = strands[0]
        turned = [letters[::-1].translate(str.maketrans("ACGT", "TGCA")) for letters in lengths]
        list(predict(Model("test", Recorder(), WINDOW, symmetric=False), [from_strings(turned)], device=CPU))
        assert np.array_equal(other, strands[1][0])
        assert np.array_equal(given_strand, strands[1][1])


def test_a_symmetric_model_is_asked_once(recorded):
    model, strands = recorded
    once = Model("test", model.network, WINDOW, symmetric=True)
    list(predict(once, [from_strings(["ACGT"])], device=CPU))
    assert len(strands[0]) == 1


def test_tiles_of_both_strands_are_of_the_same_place(recorded):
    model, strands = recorded
    (part,) = predict(model, [from_strings(["ACGTACGTTTGCAACC", "AC"])], step=3, device=CPU)
    assert part.start.tolist() == [0, 3, 4, -5]
    assert part.ids == ("seq1", "seq1", "seq1", "seq2")
    assert np.array_equal(strands[0][1], reverse(strands[0][0]))


def test_too_long_names_the_sequence_and_the_option(recorded):
    with pytest.raises(InputError, match="seq2 has 13 bp") as refusal:
        list(predict(recorded[0], [from_strings(["A", "A" * 13])], device=CPU))
    assert "--tile" in refusal.value.hint


@pytest.mark.parametrize("step", [0, WINDOW + 1])
def test_a_step_that_leaves_bases_out_is_refused(recorded, step):
    with pytest.raises(UsageError, match="step"):
        list(predict(recorded[0], [from_strings(["A" * 40])], step=step, device=CPU))


def test_sigmoid_does_not_overflow():
    values = sigmoid(np.array([-1000, -1, 0, 1, 1000], np.float32))
    assert values == pytest.approx([0, 0.26894143, 0.5, 0.7310586, 1])


def test_a_list_a_path_and_a_data_set_are_batches(tmp_path):
    (tmp_path / "in.txt").write_text("ACGT\nTTTT\n")
    for sequences in (["ACGT", "TTTT"], tmp_path / "in.txt", str(tmp_path / "in.txt")):
        (batch,) = batches_of(sequences, genome=None, window=WINDOW)
        assert list(batch.ids) == ["seq1", "seq2"] and batch.lengths.tolist() == [4, 4]


def test_parts_join_in_order_and_nothing_joins_to_nothing(registry):
    model = Hub.open(registry).model()
    parts = [*predict(model, [from_strings(["ACGT"]), from_strings(["TTT", "G"], ["x", "y"])], device=CPU)]
    whole = joined(model, parts)
    assert whole.ids == ("seq1", "x", "y")
    assert np.array_equal(whole.alpha, np.concatenate([part.alpha for part in parts]))
    assert len(joined(model, [])) == 0
