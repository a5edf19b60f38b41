"""The group of commands, imported one by one as they are used, and what happens when one fails."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from tfbs_hub import settings
from tfbs_hub.about import __version__
from tfbs_hub.cli.options import Session
from tfbs_hub.errors import InterruptedRunError, PluginError, TfbsHubError
from tfbs_hub.files import storage_error
from tfbs_hub.interrupts import lost_interrupts_kept

__all__ = ["COMMANDS", "app", "run"]

COMMANDS: Final = {
    "experts": "List the experts and what they are worth.",
    "show": "Show everything about one expert.",
    "add-expert": "Train an expert for a transcription factor, or wrap a matrix as one.",
    "retrain-gate": "Train the gate that mixes the enabled experts.",
    "predict": "Score sequences: logit, probability, and what each expert said.",
    "explain": "Show which bases made a model say what it said.",
    "evaluate": "Measure models on labelled sequences, and test their differences.",
    "evaluations": "List past evaluations.",
    "enable": "Let the next gate mix an expert.",
    "disable": "Keep the next gate from mixing an expert.",
    "remove": "Take an expert out of the registry.",
    "gates": "List the gates and the registry's history.",
    "rollback": "Go back to an earlier state of the registry.",
    "export": "Write an expert as one file.",
    "import": "Add an expert from such a file.",
    "verify": "Check every file, and what every expert computes.",
    "gc": "Throw away what no state of the registry needs any more.",
    "tui": "Open the terminal UI, or show it in a browser with --serve.",
    "plugins": "List installed plug-in packages, or check one.",
    "new-plugin": "Write a plug-in package of your own, ready to be filled.",
}
"""Every command with its one-line help, so that `--help` imports none of them."""


class _ReaderLeftError(Exception):
    """Whoever reads our output wants no more of it."""


class _LazyGroup(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click would leave with code 1; `predict … | head` is no failure.
            raise _ReaderLeftError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tfbs_hub.cli.commands.{cmd_name.replace('-', '_')}_")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    name="tfbs-hub",
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Docs and examples: see README.md. Exit codes: 0 ok, 1 failed, 2 usage or bad input, 3 not found, "
    "4 integrity, 5 plug-in, 6 busy, 130 interrupted.",
)
@click.version_option(__version__, prog_name="tfbs-hub")
@click.option("--registry", metavar="FOLDER", help="The registry to use, before any other.")
@click.pass_context
def app(ctx: click.Context, registry: str | None) -> None:
    """Does this transcription factor bind here, which model says so, and on which bases?

    A registry of small expert networks, one for each transcription factor, mixed by a gate that is
    retrained in seconds.
    """
    ctx.obj = Session(registry=registry)


def _tame_threads() -> None:
    """Settings of OpenMP for networks as small as ours, unless the user has made their own; before torch is loaded.

    Beyond four threads they gain nothing. On a shared node GNU OpenMP's threads spin while they wait for one that
    has lost its core: a training step then took 139 ms instead of 18, with a shorter spin 54; alone it costs nothing.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(min(4, cores)))
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def _ready_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us (`>&-`)
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end
        elif isinstance(stream, TextIOWrapper):
            # A terminal without some letter is no reason to stop.
            stream.reconfigure(errors="backslashreplace")


def run() -> NoReturn:
    """Run the command line and leave the process with the code that the design gives to what happened."""
    code = 0
    _tame_threads()
    _ready_streams()
    try:
        with lost_interrupts_kept():
            # Without standalone mode click returns the code that a command exits with.
            code = app(prog_name="tfbs-hub", standalone_mode=False) or 0
        sys.stdout.flush()
    except click.ClickException as error:
        if not _wants_json():
            _show(error)
            sys.exit(error.exit_code)
        _fail(type(error).__name__, error.exit_code, error.format_message(), None, None)
    except TfbsHubError as error:
        _trace(error)
        _fail(type(error).__name__, error.exit_code, error.what, error.where, error.hint)
    except (KeyboardInterrupt, click.Abort):
        stop = InterruptedRunError(
            "interrupted",
            hint="nothing is half-written; run the command again: training and evaluation go on where they were",
        )
        _fail(type(stop).__name__, stop.exit_code, stop.what, None, stop.hint)
    except (_ReaderLeftError, BrokenPipeError):
        _forget_stdout()
    except MemoryError:
        _fail("TfbsHubError", 1, "the memory ran out", None, "close other programs, or ask for less at a time")
    except OSError as problem:
        refusal = storage_error(problem, problem.filename or "output")
        _fail(type(refusal).__name__, refusal.exit_code, refusal.what, refusal.where, refusal.hint)
    sys.exit(code)


def _forget_stdout() -> None:
    """Nobody can be given what is still buffered: keep Python from complaining about it when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _trace(error: TfbsHubError) -> None:
    """With `TFBS_HUB_STRICT_PLUGINS=1`, where in a plug-in it happened: its author asked to see."""
    if isinstance(error, PluginError) and error.__cause__ is not None and settings.strict_plugins():
        import traceback  # noqa: PLC0415 - nothing fails in most runs

        from tfbs_hub.cli.text import plain  # noqa: PLC0415

        sys.stderr.write(plain("".join(traceback.format_exception(error.__cause__))))


def _show(error: click.ClickException) -> None:
    """What click says of a usage that cannot be, made safe to be shown."""
    from tfbs_hub.cli.text import brief  # noqa: PLC0415

    said = StringIO()
    error.show(said)
    sys.stderr.write(brief(said.getvalue()))


def _wants_json() -> bool:
    return "--json" in sys.argv[1:]


def _fail(kind: str, code: int, what: str, where: str | None, hint: str | None) -> NoReturn:
    from tfbs_hub.cli.text import brief  # noqa: PLC0415 - nothing fails in most runs

    error = {"type": kind, "exit_code": code, "what": what, "where": where, "hint": hint}
    if not (_wants_json() and _printed({"schema_version": 1, "error": error})):
        place = "" if where is None else f"{brief(where)}: "
        sys.stderr.write(f"error: {place}{brief(what)}\n")
        if hint:
            sys.stderr.write(f"  try: {brief(hint)}\n")
    sys.exit(code)


def _printed(report: Mapping[str, Any]) -> bool:
    """Print JSON on stdout; False if stdout takes nothing, as on a full disk."""
    try:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        sys.stdout.flush()
    except OSError:
        _forget_stdout()
        return False
    return True
