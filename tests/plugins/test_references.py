from __future__ import annotations

import collections
import os.path

import pytest

from tfbs_hub.errors import PluginError
from tfbs_hub.plugins import resolve
from tfbs_hub.plugins.references import check_reference


def test_resolve_imports_modules_and_follows_attributes():
    assert resolve("collections:OrderedDict") is collections.OrderedDict
    assert resolve("os.path:join") is os.path.join
    assert resolve("collections:OrderedDict.fromkeys") == collections.OrderedDict.fromkeys


@pytest.mark.parametrize(
    "reference",
    ["", ":", "os", "os:", ":path", "os:path:join", "os path:join", "os:1x", ".os:path", None, 3, b"os:path"],
)
def test_malformed_references_are_told_apart_from_missing_ones(reference):
    with pytest.raises(PluginError, match="not a reference of the form"):
        check_reference(reference)
    with pytest.raises(PluginError, match="not a reference of the form"):
        resolve(reference)


@pytest.mark.parametrize("reference", ["fake_missing_module:x", "os:fake_missing", "os.path.fake:x"])
def test_what_cannot_be_found_is_a_plugin_error(reference):
    with pytest.raises(PluginError, match="cannot be loaded") as caught:
        resolve(reference)
    assert caught.value.where == reference
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("body", ["raise RuntimeError('bang')", "import sys; sys.exit(3)", "def ("])
def test_a_module_that_fails_at_import_is_a_plugin_error(site, body):
    site.distribution("fake-failing", files={"fake_failing.py": body})
    with pytest.raises(PluginError, match="cannot be loaded"):
        resolve("fake_failing:x")


def test_ctrl_c_passes(site):
    site.distribution("fake-ctrl", files={"fake_ctrl.py": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        resolve("fake_ctrl:x")
