"""plugins, plugins check, new-plugin: as text and as JSON."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder on the path with one architecture's package, as new-plugin writes it."""
    from tfbs_hub.scaffold import write_plugin

    project = write_plugin("tfbs-arch-tiny", "architecture", tmp_path)
    monkeypatch.syspath_prepend(project / "src")
    info = project / "src" / "tfbs_arch_tiny-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tfbs-arch-tiny\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[tfbs_hub]\ntfbs-arch-tiny = tfbs_arch_tiny.hooks\n")
    monkeypatch.setenv("TFBS_HUB_PLUGINS", "tfbs-arch-tiny")
    yield project / "src" / "tfbs_arch_tiny"
    for name in [name for name in sys.modules if name.partition(".")[0] == "tfbs_arch_tiny"]:
        del sys.modules[name]


def test_with_nothing_installed_it_says_how_to_begin(cli, registry):
    done = cli("plugins")
    assert (done.code, done.err) == (0, "")
    assert "new-plugin" in done.out
    assert cli("plugins", "--json").json == {"schema_version": 1, "api_version": 1, "plugins": []}


def test_a_package_is_listed_with_what_it_brings(cli, registry, installed):
    done = cli("plugins")
    assert (done.code, done.err) == (0, "")
    assert "tfbs-arch-tiny" in done.out and "architectures tiny" in done.out
    (row,) = cli("--registry", registry, "plugins", "--json").json["plugins"]
    assert (row["state"], row["version"], row["failures"]) == ("ok", "0.1.0", [])
    assert row["architectures"] == {"tiny": "tfbs_arch_tiny.network:Tiny"}
    assert row["hook_modules"] == ["tfbs_arch_tiny.hooks"]


def test_check_names_every_check_and_ends_well(cli, registry, installed):
    done = cli("plugins", "check", "tfbs_arch.tiny")
    assert done.code == 0, done.out
    assert "all is well" in done.out
    for report in (
        cli("plugins", "check", "tfbs-arch-tiny", "--json"),
        cli("plugins", "--json", "check", "tfbs-arch-tiny"),
    ):
        assert report.json["ok"] is True
        assert {row["check"] for row in report.json["checks"]} >= {"API version", "class", "shapes", "strands"}


@pytest.mark.parametrize(
    ("old", "new", "check", "said"),
    [
        (".max(dim=2).values", ".max(dim=2)", "shapes", "TypeError"),
        ("return self.output(self.dropout(embedding)).squeeze(1)", "return self.output(embedding)", "shapes", "shape"),
        ("(Expert):", "(nn.Module):", "class", "is not an Expert"),
        ("class Tiny", "class Small", "class", "cannot be loaded"),
        ("import torch\n", "import nowhere\n", "class", "ModuleNotFoundError"),
        ("full = checked(", "raise ValueError(", "default network", "ValueError"),
        ("        return dict(self._config)", "        return {'filters': 8}", "config", "different network"),
    ],
)
def test_check_finds_what_is_wrong_with_a_network(cli, registry, installed, old, new, check, said):
    network = installed / "network.py"
    text = network.read_text()
    assert old in text
    network.write_text(text.replace(old, new))
    done = cli("plugins", "check", "tfbs-arch-tiny", "--json")
    assert done.code == 5
    assert "Traceback" not in done.out + done.err
    faults = {row["check"]: row["fault"] for row in done.json["checks"] if row["fault"]}
    assert said in faults[check]


@pytest.mark.parametrize(
    ("hook", "module", "check", "said"),
    [
        ("tfbs_sources", "def made(tf): ...", "function", "it must take (tf, options)"),
        ("tfbs_sources", "made = 3", "function", "int cannot be called"),
        ("tfbs_sources", "def made(tf, options): ...\ndef fetch_test(tf): ...", "fetch_test", "it must take"),
        ("tfbs_attribution_methods", "def made(model, x): return 3", "result", "must return a tensor"),
        ("tfbs_attribution_methods", "def made(model, x): return x / 0", "result", "not finite"),
        ("tfbs_attribution_methods", "def made(model, x): raise SystemExit", "result", "tried to exit"),
        ("tfbs_attribution_methods", "def made(model, x): return x * 2", "result", ""),
    ],
)
def test_check_finds_what_is_wrong_with_sources_and_methods(cli, registry, installed, hook, module, check, said):
    (installed / "made.py").write_text(module + "\n")
    hooks = installed / "hooks.py"
    hooks.write_text(
        f"{hooks.read_text()}\n\n@hookimpl\ndef {hook}():\n    return {{'made': 'tfbs_arch_tiny.made:made'}}\n"
    )
    done = cli("plugins", "check", "tfbs-arch-tiny", "--json")
    assert done.code == (5 if said else 0)
    (row,) = [row for row in done.json["checks"] if row["check"] == check and row["subject"].endswith(" made")]
    assert said in row["fault"] and bool(said) == bool(row["fault"])


def test_what_is_not_installed_is_not_found(cli, registry, installed):
    done = cli("plugins", "check", "tfbs-arch-tinny")
    assert done.code == 3
    assert "did you mean tfbs-arch-tiny" in done.err


def test_new_plugin_writes_a_folder_and_says_what_next(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("new-plugin", "my-experts")
    assert (done.code, done.err) == (0, "")
    assert "pack.py" in done.out and "plugins check my-experts" in done.out
    report = cli("new-plugin", "my-net", "--kind", "architecture", "--json").json
    assert (report["written"], report["kind"]) == ("my-net", "architecture")
    assert "src/my_net/network.py" in report["files"]
    again = cli("new-plugin", "my-net", "--json")
    assert (again.code, again.json["error"]["type"]) == (2, "UsageError")


def test_listing_and_writing_import_nothing_heavy(environment, tmp_path):
    probe = (
        "import sys\nfrom tfbs_hub.cli import main\n"
        "try:\n    main()\nfinally:\n    sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    for arguments in (["plugins"], ["new-plugin", "my-experts"]):
        done = subprocess.run(
            [sys.executable, "-c", probe, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert not set(done.stderr.split()) & {"torch", "h5py", "scipy", "sklearn", "optuna", "matplotlib", "pytest"}
