from __future__ import annotations

import ctypes
import errno
import importlib

import click
import pytest

from tfbs_hub import __version__, errors
from tfbs_hub.cli.app import COMMANDS, app
from tfbs_hub.hub import Hub

CODES = {
    errors.TfbsHubError: 1,
    errors.UsageError: 2,
    errors.InputError: 2,
    errors.NotFoundError: 3,
    errors.OfflineError: 3,
    errors.IntegrityError: 4,
    errors.PluginError: 5,
    errors.BusyError: 6,
    errors.ReadOnlyError: 1,
    errors.StorageError: 1,
    errors.TrainingError: 1,
    errors.InterruptedRunError: 130,
}


@pytest.fixture
def failing(monkeypatch, registry):
    """Make `tfbs-hub experts` raise something."""

    def arrange(error: BaseException) -> None:
        def fail(self: Hub) -> None:
            raise error

        monkeypatch.setattr(Hub, "listing", fail)

    return arrange


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code_and_says_what_where_and_what_next(cli, failing, kind):
    failing(kind("it broke", where="here:3", hint="mend it"))
    text = cli("experts")
    assert (text.code, text.out) == (CODES[kind], "")
    assert text.err == "error: here:3: it broke\n  try: mend it\n"
    reported = cli("experts", "--json")
    assert (reported.code, reported.err) == (CODES[kind], "")
    told = {"type": kind.__name__, "exit_code": CODES[kind], "what": "it broke", "where": "here:3", "hint": "mend it"}
    assert reported.json["error"] == told


def test_every_error_of_the_tree_is_tried_here():
    assert set(CODES) == {getattr(errors, name) for name in errors.__all__}


def test_ctrl_c_is_130_and_says_how_to_go_on(cli, failing):
    failing(KeyboardInterrupt())
    done = cli("experts")
    assert done.code == 130
    assert "error: interrupted" in done.err and "run the command again" in done.err
    assert cli("experts", "--json").json["error"]["exit_code"] == 130


def test_what_the_file_system_refuses_is_no_traceback(cli, failing):
    failing(OSError(errno.ENOSPC, "No space left on device", "/somewhere"))
    done = cli("experts")
    assert (done.code, done.err.splitlines()[0]) == (1, "error: /somewhere: no space is left on the device")


def test_errors_show_no_control_characters(cli, failing):
    failing(errors.NotFoundError("\x1b[2Jgone [red]", where="a\x9bb", hint="\u202etry"))
    done = cli("experts")
    assert done.err == "error: a\ufffdb: \ufffd[2Jgone [red]\n  try: \ufffdtry\n"


def test_help_lists_every_command_in_one_voice(cli):
    done = cli("--help")
    assert (done.code, done.err) == (0, "")
    for name in COMMANDS:
        assert f"  {name} " in done.out
    assert "Usage: tfbs-hub " in done.out
    assert "130 interrupted" in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_json_and_registry(cli, name):
    done = cli(name, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: tfbs-hub {name} ")
    # The terminal UI reports nothing.
    assert ("--json" in done.out) == (name != "tui")
    # A new package belongs to no registry.
    assert ("--registry" in done.out) == (name != "new-plugin")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_reaches_its_command(name):
    found = app.get_command(click.Context(app), name)
    assert found is not None and found.name == name
    module = importlib.import_module(f"tfbs_hub.cli.commands.{name.replace('-', '_')}_")
    assert module.command is found
    assert all(option.help for option in found.params if isinstance(option, click.Option))
    assert found.help


def test_version(cli):
    assert cli("--version").out == f"tfbs-hub, version {__version__}\n"


def test_no_command_shows_the_help(cli):
    done = cli()
    assert done.code == 2
    assert "Commands:" in done.err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["experts", "--frobnicate"], "No such option '--frobnicate'"),
        (["show"], "Missing argument 'NAME'"),
        (["predict", "x.fa", "--tile", "0"], "0 is not in the range"),
        (["predict", "x.fa", "--device", "tpu"], "'tpu' is not one of"),
        (["evaluate"], "Missing argument"),
        (["rollback", "soon"], "'soon' is not a valid integer"),
        (["add-expert", "X", "--negatives", "none"], "'none' is not one of"),
        (["add-expert", "X", "--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_usage_errors_are_2_as_text_and_as_json(cli, registry, arguments, what):
    text = cli(*arguments)
    assert (text.code, text.out) == (2, "")
    assert what in text.err
    reported = cli(*arguments, "--json")
    assert (reported.code, reported.err) == (2, "")
    assert what in reported.json["error"]["what"]


def test_a_registry_is_named_before_or_after_the_command_and_the_later_wins(cli, registry, tmp_path):
    assert cli("--registry", registry, "experts", "--json").json["experts"]
    assert cli("experts", "--registry", registry, "--json").json["experts"]
    elsewhere = tmp_path / "elsewhere"
    assert cli("--registry", elsewhere, "experts", "--registry", registry, "--json").code == 0
    lost = cli("--registry", registry, "experts", "--registry", elsewhere, "--json")
    assert (lost.code, lost.json["error"]["where"]) == (3, str(elsewhere))


def test_looking_at_a_registry_that_is_not_there_makes_none(cli, tmp_path):
    folder = tmp_path / "none"
    for arguments in (["experts"], ["show", "X"], ["predict", "x.fa"], ["retrain-gate"], ["gc"], ["verify"]):
        done = cli("--registry", folder, *arguments)
        assert (done.code, done.out) == (3, "")
        assert "--registry" in done.err
    assert not folder.exists()


def test_a_plugin_that_fails_is_one_warning_and_not_the_end(cli, registry, tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "broken-1.dist-info").mkdir(parents=True)
    (site / "broken-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (site / "broken-1.dist-info" / "entry_points.txt").write_text("[tfbs_hub.manifest]\nbroken = no_such_package\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("TFBS_HUB_PLUGINS")
    done = cli("experts", "--json")
    assert (done.code, len(done.json["experts"])) == (0, 2)
    assert done.err.startswith("warning: ") and "broken" in done.err and done.err.count("\n") == 1
    monkeypatch.setenv("TFBS_HUB_STRICT_PLUGINS", "1")
    strict = cli("experts", "--json")
    assert (strict.code, strict.json["error"]["type"]) == (5, "PluginError")


def test_an_interrupt_that_gets_lost_ends_a_command_all_the_same(cli, registry, monkeypatch):
    """Numba compiles through functions that C calls, which a `KeyboardInterrupt` cannot leave."""

    def interrupted():
        raise KeyboardInterrupt

    def listing(self):
        ctypes.CFUNCTYPE(None)(interrupted)()
        raise RuntimeError("no compiled object yet")

    monkeypatch.setattr("tfbs_hub.hub.Hub.listing", listing)
    done = cli("experts")
    assert (done.code, done.err.splitlines()[0]) == (130, "error: interrupted")
