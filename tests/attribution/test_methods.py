from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tfbs_hub.attribution.methods import BUILTIN, DEFAULT, Method, find_method
from tfbs_hub.builtin import Builtins
from tfbs_hub.errors import PluginError, UsageError
from tfbs_hub.plugins import PluginManager


@pytest.mark.parametrize("name", BUILTIN)
def test_every_method_gives_the_shape_of_its_input_and_takes_only_keyword_options(make_expert, sequences, name):
    x = sequences(2)
    method = find_method(name)
    found = method(make_expert(), x)
    assert found.shape == x.shape
    assert not found.requires_grad
    assert torch.isfinite(found).all()
    assert found.abs().max() > 0


def test_the_hook_offers_the_table():
    plugins = PluginManager(warn=pytest.fail)
    plugins.register_local(Builtins(), "tfbs-hub")
    assert plugins.attribution_methods() == BUILTIN
    assert DEFAULT in BUILTIN


def test_options_reach_the_function(make_expert, sequences):
    expert, x = make_expert(), sequences()
    method = find_method("shiftsmooth", shifts=3)
    assert method.options == {"shifts": 3}
    assert torch.equal(method(expert, x), find_method("shiftsmooth").with_options(shifts=3)(expert, x))
    assert not torch.equal(method(expert, x), method.with_options(shifts=4)(expert, x))
    assert method.options == {"shifts": 3}


def test_methods_say_which_options_they_take():
    assert find_method("shiftsmooth").takes("shifts")
    assert find_method("shiftsmooth-padded").takes("shifts")
    assert not find_method("gradient").takes("shifts")
    assert not find_method("gradient").takes("model")
    assert not Method("compiled", dict).takes("shifts")


def test_settings_are_the_options_in_force():
    assert find_method("shiftsmooth").settings == {"shifts": 10}
    assert find_method("shiftsmooth-padded", shifts=3).settings == {"shifts": 3, "triangular": False}
    assert find_method("gradient").settings == {}


def test_only_saliency_has_lost_the_sign():
    assert [name for name in BUILTIN if not find_method(name).signed] == ["saliency"]


def test_unknown_names_and_options():
    with pytest.raises(UsageError, match="no attribution method 'shiftsmoth'") as error:
        find_method("shiftsmoth")
    assert "did you mean shiftsmooth?" in error.value.hint
    assert all(name in error.value.hint for name in BUILTIN)
    with pytest.raises(UsageError, match="gradient has no option 'shifts'") as error:
        find_method("gradient", shifts=3)
    assert error.value.hint == "it has no options"
    with pytest.raises(UsageError, match="no option 'steps'") as error:
        find_method("smoothgrad", steps=3)
    assert error.value.hint == "its options are: samples, mutated, seed"


def test_a_method_that_cannot_be_imported():
    with pytest.raises(PluginError, match="cannot be loaded"):
        find_method("mine", {"mine": "nowhere_at_all:mine"})


def test_listing_methods_imports_no_torch():
    code = "import sys, tfbs_hub.attribution.methods; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
