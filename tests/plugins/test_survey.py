from __future__ import annotations

import pytest

from tfbs_hub.errors import NotFoundError, PluginError
from tfbs_hub.hookspecs import hookimpl
from tfbs_hub.plugins import find_package, survey


class Builtins:
    @hookimpl
    def tfbs_architectures(self):
        return {"deepbind": "tfbs_hub.experts.deepbind:DeepBind"}


def test_every_package_is_listed_with_what_it_brings(site, manager):
    manager.register_local(Builtins(), "builtins")
    site.experts("fake-weights", "STAT3", "GATA3")
    site.hooks(
        "fake-All",
        """
        @hookimpl
        def tfbs_architectures():
            return {"danq": "a:b"}

        @hookimpl
        def tfbs_sources():
            return {"portal": "c:d"}

        @hookimpl
        def tfbs_attribution_methods():
            return {"mine": "e:f"}

        @hookimpl
        def tfbs_gate_promoted(old, new):
            pass
        """,
    )
    first, second = [package for package in survey(manager) if package.distribution.startswith("fake")]
    assert (first.distribution, first.version, first.hooks) == ("fake-All", "0.1", ["fake_All.hooks"])
    assert (first.architectures, first.sources) == ({"danq": "a:b"}, {"portal": "c:d"})
    assert first.attribution_methods == {"mine": "e:f"}
    assert "tfbs_gate_promoted" in first.implements
    assert [spec.card.name for spec in second.experts] == ["STAT3", "GATA3"]
    assert (second.manifests, second.hooks, second.failures) == (["fake_weights"], [], [])


def test_failures_stand_with_their_package(site, manager):
    site.hooks("fake-bad", "raise RuntimeError('bang')")
    site.experts("fake-good", "STAT3")
    site.distribution("fake-unreadable", {"tfbs_hub": "no equals sign"})
    states = {package.distribution: [failure.phase for failure in package.failures] for package in survey(manager)}
    assert states["fake-bad"] == ["import"]
    assert states["fake-good"] == []
    assert states["fake-unreadable"] == ["manifest"]


def test_a_name_that_another_package_has_is_not_brought_twice(site, manager):
    site.experts("fake-a", "STAT3")
    site.experts("fake-b", "STAT3")
    first, second = survey(manager)
    assert ([spec.card.name for spec in first.experts], first.failures) == (["STAT3"], [])
    assert second.experts == []
    assert "already brought by fake-a 0.1" in second.failures[0].message


def test_a_package_is_found_however_its_name_is_spelt(site, manager):
    site.experts("Fake_Weights", "STAT3")
    packages = survey(manager)
    assert find_package(packages, "fake.weights").distribution == "Fake_Weights"
    with pytest.raises(NotFoundError, match="did you mean fake-weights") as caught:
        find_package(packages, "fake-weight")
    assert "TFBS_HUB_PLUGINS" not in str(caught.value)


def test_what_may_not_be_loaded_is_not_found_and_the_hint_says_why(site, manager, monkeypatch):
    site.experts("fake-weights", "STAT3")
    monkeypatch.setenv("TFBS_HUB_PLUGINS", "")
    with pytest.raises(NotFoundError, match="TFBS_HUB_PLUGINS limits"):
        find_package(survey(manager), "fake-weights")


def test_strict_stops_the_survey(site, manager, monkeypatch):
    site.hooks("fake-bad", "raise RuntimeError('bang')")
    monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="bang"):
        survey(manager)
