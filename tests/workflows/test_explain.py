"""Explaining with real networks: what goes where, whatever the length of a sequence; and the seqlets of a site."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tfbs_hub import Hub
from tfbs_hub.attribution.compute import attribute
from tfbs_hub.attribution.methods import find_method
from tfbs_hub.attribution.seqlets import Calibration
from tfbs_hub.errors import InputError, NotFoundError, UsageError
from tfbs_hub.seeding import generator
from tfbs_hub.sequences.alphabet import decode, encode
from tfbs_hub.sequences.batch import from_strings
from tfbs_hub.sequences.onehot import one_hot
from tfbs_hub.sequences.readers import load
from tfbs_hub.sequences.shuffle import dinucleotide_shuffle
from tfbs_hub.sources.jaspar import background
from tfbs_hub.workflows.explain import Explainer

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 61
SITE = "CACGTGAC"


@pytest.fixture
def hub(registry):
    return Hub.open(registry)


def rows(count, length, seed=0):
    return [decode(row) for row in background(count, length, generator(seed, "explain"))]


@pytest.mark.parametrize("model", ["moe", "EBOX", "mean"])
def test_sequences_as_long_as_the_window_are_what_the_method_says(hub, model):
    letters = rows(3, WINDOW)
    found = hub.explain(letters, "gradient", model)
    codes = np.stack([encode(text) for text in letters])
    network = hub.model(model).network
    direct = attribute(network, codes, find_method("gradient"))
    np.testing.assert_allclose(found.actual, direct.actual, atol=1e-5)
    np.testing.assert_allclose(found.hypothetical, direct.hypothetical, atol=1e-5)
    with torch.no_grad():
        np.testing.assert_allclose(found.logit, network(one_hot(torch.from_numpy(codes))), atol=1e-4)
    assert (found.model, found.method, found.ids) == (model, "gradient", ("seq1", "seq2", "seq3"))


def test_shiftsmooth_is_the_default_and_takes_its_shifts(hub):
    letters = rows(2, WINDOW)
    ten = hub.explain(letters)
    assert ten.method == "shiftsmooth"
    np.testing.assert_allclose(hub.explain(letters, shifts=10).actual, ten.actual, atol=1e-6)
    assert not np.allclose(hub.explain(letters, shifts=2).actual, ten.actual, atol=1e-4)
    assert hub.explain(letters, shifts=2).settings == {"shifts": 2, "both_strands": False, "corrected": False}


@pytest.mark.parametrize("length", [1, 2, 30, 60])
def test_shorter_sequences_are_centred_and_only_their_own_bases_come_back(hub, length):
    (letters,) = rows(1, length)
    found = hub.explain([letters, letters + "ACG"[: WINDOW - length]], "gradient", "EBOX")
    padded = np.full((1, WINDOW), 4, np.uint8)
    start = WINDOW // 2 - length // 2
    padded[0, start : start + length] = encode(letters)
    direct = attribute(hub.model("EBOX").network, padded, find_method("gradient"))
    np.testing.assert_allclose(found.actual[0, :length], direct.actual[0, start : start + length], atol=1e-6)
    assert not found.actual[0, length:].any() and found.short == 2 - (length + 3 > WINDOW - 1 or length == 60)


def test_tiles_are_averaged_base_by_base(hub):
    (letters,) = rows(1, 100)
    found = hub.explain([letters, "ACGT"], "gradient", "EBOX", tile=13)
    total, covered = np.zeros(100), np.zeros(100)
    highest = np.full(100, -np.inf)
    for start in (0, 13, 26, 39):
        alone = hub.explain([letters[start : start + WINDOW]], "gradient", "EBOX")
        total[start : start + WINDOW] += alone.actual[0]
        covered[start : start + WINDOW] += 1
        highest[start : start + WINDOW] = np.maximum(highest[start : start + WINDOW], alone.logit[0])
    np.testing.assert_allclose(found.actual[0], total / covered, atol=1e-5)
    np.testing.assert_allclose(found.flat_logit[:100], highest, atol=1e-5)
    np.testing.assert_allclose(found.actual[1, :4], hub.explain(["ACGT"], "gradient", "EBOX").actual[0], atol=1e-6)


def test_a_longer_sequence_names_the_option(hub):
    with pytest.raises(InputError, match="seq2 has 62 bp") as error:
        hub.explain(["ACGT", "A" * 62])
    assert "--tile STEP" in error.value.hint
    with pytest.raises(UsageError, match="step of 62"):
        hub.explain(["A" * 90], tile=62)


def test_both_strands_average_the_logit_too(hub):
    letters = rows(3, WINDOW)
    turned = [text[::-1].translate(str.maketrans("ACGT", "TGCA")) for text in letters]
    one, other = (hub.explain(each, "gradient", "EBOX") for each in (letters, turned))
    both = hub.explain(letters, "gradient", "EBOX", both_strands=True)
    np.testing.assert_allclose(both.actual, (one.actual + other.actual[:, ::-1]) / 2, atol=1e-5)
    np.testing.assert_allclose(both.logit, (one.logit + other.logit) / 2, atol=1e-4)
    np.testing.assert_allclose(both.logit, hub.predict(letters, "EBOX").logit, atol=1e-4)


def test_what_cannot_be_is_refused(hub):
    with pytest.raises(InputError, match="no sequence to explain"):
        hub.explain([])
    with pytest.raises(UsageError, match="no attribution method 'gradint'"):
        hub.explain(["ACGT"], "gradint")
    with pytest.raises(UsageError, match="no option 'shifts'"):
        hub.explain(["ACGT"], "gradient", shifts=3)
    with pytest.raises(UsageError, match="does not apply to saliency"):
        hub.explain(["ACGT"], "saliency", corrected=True)
    with pytest.raises(NotFoundError, match="EBX"):
        hub.explain(["ACGT"], model="EBX")


def test_windows_of_peaks_have_coordinates_and_tiles_take_whole_peaks(hub, tmp_path):
    (letters,) = rows(1, 400)
    (tmp_path / "genome.fa").write_text(f">chr1\n{letters}\n")
    (tmp_path / "peaks.bed").write_text("chr1\t100\t220\n")
    options = {"genome": tmp_path / "genome.fa"}
    window = hub.explain(tmp_path / "peaks.bed", "gradient", **options)
    assert window.locus(0) == ("chr1", 160 - WINDOW // 2) and window.sequence(0) == letters[130:191]
    whole = hub.explain(tmp_path / "peaks.bed", "gradient", tile=20, **options)
    assert whole.locus(0) == ("chr1", 100) and whole.sequence(0) == letters[100:220]


def plant(codes, sites, starts):
    planted = codes.copy()
    for site, start in zip(sites, starts, strict=True):
        planted[:, start : start + len(site)] = encode(site)
    return planted


def touches(seqlet, start, width):
    return seqlet.start < start + width and seqlet.end > start


def test_seqlets_of_a_small_expert_and_their_calibration_is_kept(hub, tmp_path):
    explainer = hub.explainer("shiftsmooth", "EBOX")
    codes = plant(background(5, WINDOW, generator(7, "planted")), [SITE], [25])
    named = explainer.seqlets(hub.explain([decode(row) for row in codes], model="EBOX"))
    best = {each.seqlet.sequence: each for each in reversed(named)}
    assert len(best) >= 4
    assert all(each.seqlet.start < 33 and each.seqlet.end > 25 for each in best.values())
    (path,) = (hub.cache / "seqlets").iterdir()
    kept = explainer.calibration(report=pytest.fail)
    assert kept.threshold == hub.explainer("shiftsmooth", "EBOX").calibration(report=pytest.fail).threshold
    heard = []
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert explainer.calibration(heard.append).threshold == pytest.approx(kept.threshold)
    assert heard[0].task == "calibrating seqlets of EBOX · shiftsmooth (once)"
    assert Explainer(explainer.model, explainer.digest, explainer.method).calibration().scale == kept.scale


def test_a_calibration_is_not_that_of_another_version_of_a_plug_in(hub, tmp_path, monkeypatch):
    """A package's code may change under a method's name and a model's weights."""
    explainer = replace(hub.explainer("gradient", "EBOX"), cache=tmp_path)
    monkeypatch.setattr("tfbs_hub.workflows.explain.calibrate", lambda *_: Calibration(np.zeros((2, 2)), 1.0, 0.5))
    for packages in ((), ("lab 1",), ("lab 2",), ("lab 1",)):
        replace(explainer, packages=packages).calibration()
    assert len(list((tmp_path / "seqlets").iterdir())) == 3


@pytest.mark.skipif(not (ROOT / "registry" / "registry.json").is_file(), reason="this checkout has no shipped registry")
@pytest.mark.parametrize(("method", "both_strands"), [("shiftsmooth", False), ("integrated-gradients", True)])
def test_the_shipped_gata_experts_top_seqlets_are_planted_sites_and_shuffles_have_none(method, both_strands):
    hub = Hub.open(ROOT / "registry", read_only=True)
    explainer = hub.explainer(method, "GATA3", both_strands=both_strands)

    def called(codes):
        found = [[] for _ in codes]
        for each in explainer.seqlets(explainer.explain(from_strings([decode(row) for row in codes]))):
            found[each.seqlet.sequence].append(each)
        return found

    peaks = load(ROOT / "examples" / "planted.fa")
    gata = np.array([name.endswith("_peak") and int(name.split("_")[1]) % 4 == 0 for name in peaks.ids])
    shuffled = dinucleotide_shuffle(np.repeat(peaks.codes[gata], 60, axis=0), generator(3, "shuffled"))

    def without(words, codes, count):
        found = codes[[re.search(words, decode(row)) is None for row in codes]][:count]
        assert len(found) == count
        return found

    # Half a site, GAT or ATC, speaks for binding beside a whole one.
    quiet = without("GAT|ATC", background(2000, 101, generator(7, "planted")), 30)
    starts = (25, 60)
    top = [each[:2] for each in called(plant(quiet, ["AGATAAGA", "TCTTATCT"], starts))]
    on = [[start for named in each for start in starts if touches(named.seqlet, start, 8)] for each in top]
    assert sum(sorted(each) == list(starts) for each in on) >= 24
    names = [named for each in top for named in each if any(touches(named.seqlet, start, 8) for start in starts)]
    assert sum(each.match is not None and "GATA" in each.match.family for each in names) >= 0.95 * len(names)
    assert sum(map(bool, called(without("GATA|TATC", shuffled, 200)))) <= 10
