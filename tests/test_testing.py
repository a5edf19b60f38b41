"""The conformance kit can fail: each of its tests is shown something that it must refuse."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace

import numpy as np
import pytest

from tfbs_hub.cards import DataFile
from tfbs_hub.errors import NotFoundError, OfflineError, PluginError
from tfbs_hub.experts.conformance import PROMISES
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sources.options import SourceOptions
from tfbs_hub.testing import ExpertConformance, PackageConformance, SourceConformance

Refused = pytest.fail.Exception
GOOD = SequenceDataset(
    codes=np.zeros((3, 20), np.uint8),
    labels=None,
    ids=["a", "b", "c"],
    files=(DataFile(name="peaks.fa", sha256="a" * 64, rows=3),),
    source="mine",
)


def fetch(tf: str, options: SourceOptions) -> SequenceDataset:
    if tf != "STAT3":
        raise NotFoundError("unknown", hint="ask for STAT3")
    return GOOD


class TestGoodSource(SourceConformance):
    @pytest.fixture
    def fetch(self):
        return fetch


class TestBuiltInExpert(ExpertConformance):
    bad_configs = ({"detectors": 0}, {"width": "24"})

    @pytest.fixture
    def expert(self):
        return DeepBind.from_config({"window": 31, "detectors": 3, "width": 5})


@pytest.mark.parametrize(
    ("test", "changes", "said"),
    [
        ("test_it_gives_sequences", {"source": "files"}, "must name this source"),
        ("test_it_gives_sequences", {"labels": np.array([1, 0, 2], np.int8)}, "labels are 1"),
        ("test_it_gives_sequences", {"labels": np.zeros(3, np.int8)}, "none of the rows is bound"),
        ("test_it_gives_sequences", {"codes": np.full((3, 20), 9, np.uint8)}, "codes from 0 to 4"),
        ("test_it_gives_sequences", {"codes": np.zeros((0, 20), np.uint8), "ids": []}, "needs rows"),
        ("test_its_files_are_named_by_digest", {"files": ()}, "must name the files"),
        ("test_its_files_are_named_by_digest", {"files": (DataFile(name="/a/b", sha256="a" * 64, rows=3),)}, "folders"),
        ("test_its_files_are_named_by_digest", {"files": (DataFile(name="b", sha256="abc", rows=3),)}, "sha256"),
    ],
)
def test_a_wrong_data_set_is_refused(test, changes, said):
    data = replace(GOOD, **changes, _digest=[])
    with pytest.raises(Refused, match=said):
        getattr(SourceConformance(), test)(lambda tf, options: data, SourceOptions())


def test_what_is_no_data_set_is_refused():
    with pytest.raises(Refused, match="returned list"):
        SourceConformance().test_it_gives_sequences(lambda tf, options: [], SourceOptions())


def test_two_answers_to_one_question_are_refused():
    def moody(tf, options):
        return replace(GOOD, codes=np.random.default_rng().integers(0, 4, (3, 20), np.uint8), _digest=[])

    with pytest.raises(Refused, match="different rows"):
        SourceConformance().test_the_same_question_has_the_same_answer(moody, SourceOptions())


def test_a_connection_is_refused(monkeypatch):
    def connects(tf, options):
        socket.create_connection(("127.0.0.1", 9))
        return GOOD

    with pytest.raises(Refused, match="the network was used"):
        SourceConformance().test_offline_means_offline(connects, SourceOptions(), monkeypatch)


def test_an_error_without_a_hint_is_refused(monkeypatch):
    def refuses(tf, options):
        raise OfflineError("no network")

    with pytest.raises(Refused, match="names the ways on"):
        SourceConformance().test_offline_means_offline(refuses, SourceOptions(), monkeypatch)
    with pytest.raises(Refused, match="what to do next"):
        SourceConformance().test_an_unknown_factor_is_not_found(refuses, SourceOptions())


def test_a_broken_promise_and_an_accepted_config_are_refused():
    class Wrong(DeepBind):
        strand_symmetric = True

    expert = Wrong.from_config({"window": 31, "detectors": 3, "width": 5})
    with pytest.raises(PluginError, match="strand_symmetric"):
        ExpertConformance().test_promise(expert, "strands")
    kit = ExpertConformance()
    kit.bad_configs = ({"detectors": 4},)
    with pytest.raises(PluginError, match="was accepted"):
        kit.test_bad_configs_are_refused(expert)
    assert set(PROMISES) >= {"shapes", "strands", "weights"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package of one architecture that is wrong in every way the kit looks for."""
    (tmp_path / "careless").mkdir()
    (tmp_path / "careless" / "__init__.py").write_text("")
    (tmp_path / "careless" / "hooks.py").write_text(
        "import torch\nfrom tfbs_hub.hookspecs import hookimpl\n"
        "@hookimpl\ndef tfbs_architectures():\n    return {'careless': 'careless.hooks:torch'}\n"
    )
    info = tmp_path / "careless-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: careless\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfbs_hub]\ncareless = careless.hooks\n")
    monkeypatch.syspath_prepend(tmp_path)
    kit = PackageConformance()
    kit.distribution = "careless"
    yield kit
    for name in ("careless", "careless.hooks"):
        sys.modules.pop(name, None)


def test_a_careless_package_is_refused(package, monkeypatch):
    manager = PackageConformance.plugins.__wrapped__(package, monkeypatch)
    with pytest.raises(Refused, match=r"architecture careless: class: .* is not an Expert"):
        package.test_every_check_passes(manager, monkeypatch)
    found = PackageConformance.package.__wrapped__(package, manager)
    with pytest.raises(Refused, match=r"careless has no tfbs_hub\.toml"):
        package.test_the_api_version_is_said(found)
    with pytest.raises(Refused, match=r"importing careless\.hooks imports torch"):
        package.test_its_hooks_import_nothing_heavy(found)
    package.test_listing_its_experts_runs_none_of_its_code(found)
