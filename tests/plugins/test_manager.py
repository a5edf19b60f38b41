from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from tfbs_hub.errors import IntegrityError, PluginError
from tfbs_hub.hookspecs import ExpertSpec, hookimpl
from tfbs_hub.plugins import PluginManager

GOOD = """
@hookimpl
def tfbs_architectures():
    return {"danq": "fake_arch.network:DanQ"}
"""


class Builtins:
    """Local plug-in: one architecture, one source, one method."""

    @hookimpl
    def tfbs_architectures(self):
        return {"deepbind": "tfbs_hub.experts.deepbind:DeepBind"}

    @hookimpl
    def tfbs_sources(self):
        return {"files": "tfbs_hub.sources.files:fetch"}

    @hookimpl
    def tfbs_attribution_methods(self):
        return {"saliency": "tfbs_hub.attribution.saliency:saliency"}


def test_builtins_and_packages_are_merged(site, manager, warnings):
    manager.register_local(Builtins(), "builtins")
    site.hooks("fake-good", GOOD)
    assert manager.architectures() == {
        "deepbind": "tfbs_hub.experts.deepbind:DeepBind",
        "danq": "fake_arch.network:DanQ",
    }
    assert manager.sources() == {"files": "tfbs_hub.sources.files:fetch"}
    assert manager.attribution_methods() == {"saliency": "tfbs_hub.attribution.saliency:saliency"}
    assert "fake_arch" not in sys.modules
    assert warnings == []


def test_builtins_work_when_no_plugin_may_be_loaded(site, manager, monkeypatch):
    monkeypatch.setenv("TFBS_HUB_PLUGINS", "")
    site.hooks("fake-good", GOOD)
    manager.register_local(Builtins(), "builtins")
    assert list(manager.architectures()) == ["deepbind"]
    assert "fake_good.hooks" not in sys.modules


BAD_MODULES = {
    "raising import": ("raise RuntimeError('bang')", "import", "RuntimeError: bang"),
    "exit at import": ("import sys\nsys.exit(3)", "import", "it tried to exit (status 3)"),
    "syntax error": ("def (", "import", "SyntaxError"),
    "missing import": ("import fake_module_that_is_not_there", "import", "ModuleNotFoundError"),
    "unknown argument": ("@hookimpl\ndef tfbs_expert_added(ref, kard):\n    pass\n" + GOOD, "register", "kard"),
    "unknown hook": ("@hookimpl\ndef tfbs_architecture():\n    pass\n" + GOOD, "register", "unknown hook tfbs_arch"),
    "no hooks": ("def tfbs_architectures():\n    return {}\n", "register", "it implements no hook"),
    "raising hook": ("@hookimpl\ndef tfbs_architectures():\n    raise RuntimeError('bang')\n", "call", "bang"),
    "exit in hook": ("@hookimpl\ndef tfbs_architectures():\n    raise SystemExit\n", "call", "tried to exit"),
    "none": ("@hookimpl\ndef tfbs_architectures():\n    pass\n", "call", "tfbs_architectures returned None"),
    "list": ("@hookimpl\ndef tfbs_architectures():\n    return ['danq']\n", "call", "a mapping, not list"),
    "class": ("@hookimpl\ndef tfbs_architectures():\n    return {'danq': object}\n", "call", "not a reference"),
    "path": ("@hookimpl\ndef tfbs_architectures():\n    return {'danq': 'a/b.py'}\n", "call", "not a reference"),
    "bad name": ("@hookimpl\ndef tfbs_architectures():\n    return {'a b': 'a:b'}\n", "call", "not a name"),
    "no name": ("@hookimpl\ndef tfbs_architectures():\n    return {3: 'a:b'}\n", "call", "not a name"),
    "override": (
        "@hookimpl\ndef tfbs_architectures():\n    return {'deepbind': 'evil:DeepBind'}\n",
        "call",
        "the name 'deepbind' is taken by tfbs_hub.experts.deepbind:DeepBind",
    ),
}


@pytest.mark.parametrize("case", BAD_MODULES)
def test_one_bad_plugin_is_one_failure_and_the_others_go_on(site, manager, warnings, case):
    source, phase, message = BAD_MODULES[case]
    manager.register_local(Builtins(), "builtins")
    # The order of names is the order of calls: a good one before and one after.
    site.hooks("fake-a", GOOD.replace("danq", "first"))
    site.hooks("fake-bad", source)
    site.hooks("fake-z", GOOD.replace("danq", "last"))
    assert list(manager.architectures()) == ["deepbind", "first", "last"]
    (failure,) = manager.failures
    assert (failure.distribution, failure.version, failure.phase) == ("fake-bad", "0.1", phase)
    assert message in failure.message
    assert "Traceback" in failure.traceback
    assert manager.architectures()["deepbind"] == "tfbs_hub.experts.deepbind:DeepBind"
    manager.notify_gate_promoted(None, "a" * 64)
    assert len(warnings) == 1


@pytest.mark.parametrize("case", BAD_MODULES)
def test_strict_raises_with_exit_code_5(site, manager, warnings, monkeypatch, case):
    monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
    source, _, message = BAD_MODULES[case]
    manager.register_local(Builtins(), "builtins")
    site.hooks("fake-bad", source)
    for _ in range(2):
        with pytest.raises(PluginError) as caught:
            manager.architectures()
        assert caught.value.exit_code == 5
        assert message in caught.value.what
        assert caught.value.__cause__ is not None
        assert len(manager.failures) == len(warnings) == 1


@pytest.mark.parametrize("case", ["unknown argument", "unknown hook"])
def test_a_plugin_that_fails_validation_is_not_half_registered(site, manager, case):
    site.hooks("fake-bad", BAD_MODULES[case][0])
    # Its tfbs_architectures is fine, and must not be called all the same.
    assert manager.architectures() == {}
    module = sys.modules["fake_bad.hooks"]
    assert not manager._hooks.is_registered(module)
    assert not any(
        implementation.plugin is module for implementation in manager._hooks.hook.tfbs_architectures.get_hookimpls()
    )


@pytest.mark.parametrize("value", ["fake_attr.hooks:plugin", "fake attr", "fake_attr..hooks"])
def test_an_entry_point_must_name_a_module(site, manager, value):
    site.distribution("fake-attr", {"tfbs_hub": f"x = {value}"}, files={"fake_attr/__init__.py": ""})
    assert manager.architectures() == {}
    assert [failure.phase for failure in manager.failures] == ["import"]


def test_ctrl_c_during_import_and_call_passes(site, manager):
    site.hooks("fake-ctrl", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        manager.architectures()


def test_the_first_of_two_packages_keeps_a_name(site, manager):
    site.hooks("fake-b", GOOD.replace("fake_arch", "from_b"))
    site.hooks("fake-a", GOOD.replace("fake_arch", "from_a"))
    assert manager.architectures() == {"danq": "from_a.network:DanQ"}
    assert [failure.distribution for failure in manager.failures] == ["fake-b"]


def test_hooks_under_another_function_name_are_called_once(site, manager, warnings):
    site.hooks("fake-a", '@hookimpl(specname="tfbs_architectures")\ndef mine():\n    return {"mine": "a:b"}\n')
    site.hooks("fake-b", GOOD)
    assert list(manager.architectures()) == ["mine", "danq"]
    assert warnings == []


def test_what_tfbs_hub_registers_itself_is_not_isolated(site, manager, warnings):
    class Damaged:
        @hookimpl
        def tfbs_experts(self):
            raise IntegrityError("damaged")

    manager.register_local(Damaged(), "registry")
    with pytest.raises(IntegrityError):
        manager.hooked_experts()
    assert (manager.failures, warnings) == ((), [])


def test_a_local_object_without_hooks_is_refused(manager):
    with pytest.raises(PluginError, match="implements no hook"):
        manager.register_local(object(), "nothing")


@pytest.fixture
def registry(card, tmp_path):
    """A local plug-in that offers one enabled expert, as the registry does."""

    class Registry:
        @hookimpl
        def tfbs_experts(self):
            return [ExpertSpec(card=card, weights=tmp_path / "w", enabled=True)]

    return Registry()


HOOKED = """
from pathlib import Path
from tfbs_hub.cards import *
from tfbs_hub.hookspecs import ExpertSpec

def spec(name):
    card = ExpertCard(
        name=name, tf="T", architecture="a:b", config={}, weights_sha256="a" * 64, window=5, embedding_dim=2,
        provenance=Provenance(source="x", simulated=True), golden=Golden(sequences=(), logits=()),
        gate_set=GateSetSpec(kind="none"),
    )
    return ExpertSpec(card=card, weights=Path("w"), origin="registry", enabled=True)

@hookimpl
def tfbs_experts():
    return %s
"""


def test_local_and_hooked_experts_come_through_one_hook(site, manager, warnings, registry):
    manager.register_local(registry, "registry")
    site.hooks("fake-hooked", HOOKED % "(spec('GATA3'), spec('STAT3'))")
    experts = manager.hooked_experts()
    assert [(spec.card.name, spec.origin, spec.enabled) for spec in experts] == [
        ("STAT3", "registry", True),
        ("GATA3", "fake-hooked 0.1", False),
        ("STAT3", "fake-hooked 0.1", False),
    ]
    assert warnings == []


def test_local_experts_alone_import_no_package(site, manager, registry):
    manager.register_local(registry, "registry")
    site.hooks("fake-hooked", HOOKED % "[spec('GATA3')]")
    assert [spec.card.name for spec in manager.hooked_experts(local_only=True)] == ["STAT3"]
    assert "fake_hooked.hooks" not in sys.modules
    manager.architectures()
    assert [spec.card.name for spec in manager.hooked_experts(local_only=True)] == ["STAT3"]


@pytest.mark.parametrize(
    ("answer", "kept", "message"),
    [
        ("5", [], "must return a list, not int"),
        ("'STAT3'", [], "must return a list, not str"),
        ("None", [], "tfbs_experts returned None"),
        ("[spec('A1'), 'A2', spec('A3')]", ["A1", "A3"], "ExpertSpec objects, not str"),
        ("[spec('../a'), spec('A3')]", ["A3"], "cannot be the name of an expert"),
        ("[spec('A1'), spec('a1')]", ["A1"], "already brought by fake-hooked 0.1"),
        ("[ExpertSpec(card=None, weights=Path('w'))]", [], "ExpertSpec objects"),
        ("[ExpertSpec(card=spec('A1').card, weights='w')]", [], "given as paths"),
        ("[ExpertSpec(card=spec('A1').card, weights=Path('w'), gate_set='g')]", [], "given as paths"),
    ],
)
def test_malformed_specs_are_left_out(site, manager, answer, kept, message):
    site.hooks("fake-hooked", HOOKED % answer)
    assert [spec.card.name for spec in manager.hooked_experts()] == kept
    (failure,) = manager.failures
    assert failure.phase == "call"
    assert message in failure.message


def test_manifests_are_read_without_importing_hooks_of_the_same_distribution(site, manager):
    folder = site.experts("fake-both", "STAT3").parent
    info = folder / "fake_both-0.1.dist-info/entry_points.txt"
    info.write_text(info.read_text() + "[tfbs_hub]\nfake-both = fake_both.hooks\n")
    (folder / "fake_both/hooks.py").write_text("raise RuntimeError('imported')")
    assert [spec.card.name for spec in manager.experts()] == ["STAT3"]
    assert manager.failures == ()
    assert manager.architectures() == {}
    assert [failure.phase for failure in manager.failures] == ["import"]
    assert [spec.card.name for spec in manager.experts()] == ["STAT3"]


def test_every_plugin_is_told_even_if_one_raises(site, manager, warnings, card):
    source = """
        heard = []

        @hookimpl
        def tfbs_expert_added(ref, card):
            heard.append((ref, card.name))

        @hookimpl
        def tfbs_gate_promoted(new):
            heard.append(new)
    """
    site.hooks("fake-a", source)
    site.hooks("fake-b", "@hookimpl\ndef tfbs_expert_added(ref):\n    raise RuntimeError('bang')\n")
    site.hooks("fake-c", source)
    manager.notify_expert_added("STAT3@aaaaaaaaaaaa", replace(card, name="STAT3"))
    manager.notify_gate_promoted(None, "b" * 64)
    for name in ("fake_a", "fake_c"):
        assert sys.modules[f"{name}.hooks"].heard == [("STAT3@aaaaaaaaaaaa", "STAT3"), "b" * 64]
    assert warnings == ["plug-in fake-b 0.1 failed (call): RuntimeError: bang"]


def test_warnings_carry_no_escape_sequences_or_markup(site, manager, warnings):
    site.hooks("fake-evil", r"raise RuntimeError('\x1b[2J[@click=app.quit]x[/]\nsecond')")
    manager.architectures()
    assert warnings == ["plug-in fake-evil 0.1 failed (import): RuntimeError: (2J(@click=app.quit)x(/) second"]


def test_a_strict_run_can_be_repaired_and_goes_on_where_it_stopped(site, manager, monkeypatch):
    site.hooks("fake-a", GOOD)
    site.hooks("fake-b", "raise RuntimeError('bang')")
    monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError):
        manager.architectures()
    monkeypatch.delenv("TFBS_HUB_STRICT_PLUGINS")
    assert list(manager.architectures()) == ["danq"]
    assert len(manager.failures) == 1


def test_importing_plugins_stays_light():
    heavy = ("torch", "numpy", "h5py", "scipy")
    code = f"import sys, tfbs_hub.plugins; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_managers_do_not_share_state(site):
    site.hooks("fake-good", GOOD)
    first, second = PluginManager(print), PluginManager(print)
    assert list(first.architectures()) == list(second.architectures()) == ["danq"]
