"""A fault at one system call after another: the real commands, the real kernel."""

from __future__ import annotations

from collections.abc import Sequence

from harness.commands import Bench, Command
from harness.figures import Figures
from harness.systemcalls import Call, calls, traced

__all__ = ["FAULTS", "fault_at_calls", "met_by", "touching"]

FAULTS = ("KILL", "ENOSPC", "EIO")


def touching(bench: Bench, command: Command) -> list[Call]:
    """Every call of an undisturbed command that touches the registry."""
    bench.anew()
    log = bench.folder / "calls"
    pid = bench.start(*bench.typed(command), hold=True)
    with traced(pid, log):
        pass
    ended = bench.wait(pid)
    wrong = bench.wrong(command, ended)
    if ended.code or wrong:
        raise RuntimeError(f"{command.name} fails without a fault: {ended} {wrong}")
    return calls(log, bench.registry)


def met_by(fault: str, all_calls: Sequence[Call]) -> list[Call]:
    """The calls that a fault is for: a full disk and a kill, those that change something; a broken disk, all."""
    return [call for call in all_calls if call.changes or fault == "EIO"]


def fault_at_calls(bench: Bench, command: Command, fault: str, at_calls: Sequence[Call]) -> Figures:
    """Let a command meet a fault at one call after another, each time on a registry made anew."""
    found = Figures(f"{fault} at a system call: {command.name}")
    missed = 0
    for at in at_calls:
        bench.anew()
        log = bench.folder / "calls"
        pid = bench.start(*bench.typed(command), hold=True)
        with traced(pid, log, fault=fault, at=at):
            pass
        ended = bench.wait(pid)
        met = ended.code == -9 if fault == "KILL" else any(call.hit for call in calls(log, bench.registry))
        missed += not met
        wrong = bench.wrong(command, None if ended.code == -9 else ended)
        found.count(f"{at.name} {at.turn} of {at.path}", wrong)
    found.note = f"{missed} came another way and met none" if missed else ""
    return found
