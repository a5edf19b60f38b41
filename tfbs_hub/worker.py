"""`python -m tfbs_hub.worker JOB.json`: one long job in a process of its own; `tfbs_hub.jobs` says how they talk.

Whatever is done can be stopped at any moment: a signal, or the end of stdin, raises `KeyboardInterrupt` once, and
nothing half-written stays, as after a Ctrl-C in the command line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import msgspec

from tfbs_hub.errors import InputError, InterruptedRunError, NotFoundError, TfbsHubError, UsageError
from tfbs_hub.files import storage_error, write_whole
from tfbs_hub.hub import Hub
from tfbs_hub.jobs import FORMAT, FORMAT_VERSION, JobFile
from tfbs_hub.limits import MAX_JOB_BYTES
from tfbs_hub.progress import Event, Report

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["main"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

Options = Mapping[str, Any]
T = TypeVar("T")


class _Evaluate(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    files: list[str]
    output: str | None = None
    models: list[str] | None = None
    bootstrap: int = 30
    seed: int = 0
    negatives: str = "given"
    tukey: bool = False
    genome: str | None = None
    device: str = "auto"


class _RetrainGate(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    experts: list[str] | None = None
    gate: str = "balanced"
    data: list[str] = []
    simulated_gate_sets: bool = False
    trials: int = 0
    seed: int = 0
    device: str = "auto"


def main(arguments: list[str]) -> int:
    """Do the job of a file, and return the code to exit with."""
    emit = _Emitter(_own_stdout())
    try:
        _listen()
        ending, code = _ending(arguments, emit)
        _deafen()
    except KeyboardInterrupt:
        stop = InterruptedRunError("interrupted", hint="what was finished before is kept; run it again to go on")
        ending, code = _failure(stop)
    emit(ending)
    return code


def _ending(arguments: list[str], emit: _Emitter) -> tuple[Options, int]:
    """The last event of a job, and the exit code that goes with it."""
    try:
        if len(arguments) != 1:
            raise UsageError("a worker takes one job file", hint="python -m tfbs_hub.worker JOB.json")
        job = _read(Path(arguments[0]))
        with suppress(OSError):  # it would be nicer, but the work can be done all the same
            os.nice(job.nice)
        hub = Hub.open(job.registry, create=job.command == "add-expert", read_only=job.read_only, warn=emit.warn)
        return {"event": "result", "result": _COMMANDS[job.command](hub, job.options, emit.report)}, 0
    except TfbsHubError as error:
        return _failure(error)
    except MemoryError:
        return _failure(TfbsHubError("the memory ran out", hint="close other programs, or ask for less"))
    except OSError as problem:
        return _failure(storage_error(problem, problem.filename or "output"))


def _failure(error: TfbsHubError) -> tuple[Options, int]:
    told = {
        "type": type(error).__name__,
        "exit_code": error.exit_code,
        "what": error.what,
        "where": error.where,
        "hint": error.hint,
    }
    return {"event": "error", "error": told, "exit_code": error.exit_code}, error.exit_code


def _read(path: Path) -> JobFile:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_JOB_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError("there is no such job file", where=str(path)) from error
    try:
        return msgspec.json.decode(data, type=JobFile)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(
            f"not a job file: {error}", where=str(path), hint=f"its format is {FORMAT}, version {FORMAT_VERSION}"
        ) from error


def _checked(options: Options, kind: type[T]) -> T:
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"the job's options cannot be: {error}") from error


def _evaluate(hub: Hub, options: Options, report: Report) -> Options:
    asked = _checked(options, _Evaluate)
    chosen = msgspec.structs.asdict(asked)
    output = chosen.pop("output")
    run = hub.evaluate(report=report, **chosen)
    if output is not None:
        from tfbs_hub.evaluation.store import to_bytes  # noqa: PLC0415 - h5py

        write_whole(Path(output), to_bytes(run))
    return {"run": run.run, "output": output, "kept": not hub.registry.read_only}


def _add_expert(hub: Hub, options: Options, report: Report) -> Options:
    from tfbs_hub.workflows.request import Request  # noqa: PLC0415

    known = {field.name for field in fields(Request)}
    stray = sorted(set(options) - known)
    if stray or not isinstance(options.get("tf"), str):
        raise UsageError(f"the job's options cannot be: {stray[0] if stray else 'tf is missing'}")
    added = hub.add_expert(report=report, **options)
    card = added.spec.card
    return {"name": card.name, "digest": card.weights_sha256, "untouched": dict(added.untouched)}


def _retrain_gate(hub: Hub, options: Options, report: Report) -> Options:
    made = hub.retrain_gate(report=report, **msgspec.structs.asdict(_checked(options, _RetrainGate)))
    return {
        "digest": made.card.weights_sha256,
        "previous": made.previous,
        "before": dict(made.before),
        "computed": made.computed,
        "reused": made.reused,
        "embedding_seconds": made.embedding_seconds,
        "untouched": dict(made.untouched),
    }


_COMMANDS: Final[Mapping[str, Callable[[Hub, Options, Report], Options]]] = {
    "evaluate": _evaluate,
    "add-expert": _add_expert,
    "retrain-gate": _retrain_gate,
}


class _Emitter:
    """Writes events, each on a line of its own."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, event: Options) -> None:
        # Whoever listened may be gone: then stdin has ended too, and that cancels the job.
        with suppress(BrokenPipeError):
            self._stream.write(json.dumps(event) + "\n")
            self._stream.flush()

    def report(self, event: Event) -> None:
        self({"event": "progress", **msgspec.to_builtins(event)})

    def warn(self, message: str) -> None:
        self({"event": "warning", "message": message})


def _own_stdout() -> IO[str]:
    """The real stdout, for events alone: what a library prints there goes to stderr from now on."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


def _listen() -> None:
    """Let a signal, or the end of stdin, raise `KeyboardInterrupt` in the main thread, once."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    threading.Thread(target=_watch_stdin, daemon=True).start()


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _deafen()
    raise KeyboardInterrupt


def _deafen() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _watch_stdin() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
