"""tfbs-hub plugins, and tfbs-hub plugins check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tfbs_hub.cli.options import Session, json_option, with_hub
from tfbs_hub.cli.output import print_json, print_table, say
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.cli.text import plain
from tfbs_hub.errors import PluginError
from tfbs_hub.hookspecs import API_VERSION
from tfbs_hub.hub import Hub
from tfbs_hub.plugins import Package, survey

if TYPE_CHECKING:
    from tfbs_hub.workflows.check_package import Check

__all__ = ["command"]


@click.group("plugins", invoke_without_command=True)
@click.option("-v", "--traceback", is_flag=True, help="Print the traceback of every failure on stderr.")
@json_option
@click.option("--registry", metavar="FOLDER", help="The registry to use, before any other.")
@click.pass_context
def command(ctx: click.Context, traceback: bool, as_json: bool, registry: str | None) -> None:
    """List installed plug-in packages: what each brings, and what is wrong with it.

    A package that fails costs one warning and stops nothing. TFBS_HUB_PLUGINS=NAME,NAME limits what is loaded, and
    nothing is loaded where it is empty; with TFBS_HUB_STRICT_PLUGINS=1 the first failure stops the command.
    """
    if ctx.invoked_subcommand is None:
        session = ctx.find_object(Session) or Session()
        hub = (session if registry is None else replace(session, registry=registry)).hub()
        _list(survey(hub.plugins), traceback=traceback, as_json=as_json)


@command.command("check")
@click.argument("name")
@json_option
@with_hub
@click.pass_context
def check(ctx: click.Context, hub: Hub, name: str, as_json: bool) -> None:
    """Check everything about the installed package NAME: manifest, weights, predictions, hooks.

    Its code runs. Exit code 5 if there is a fault.
    """
    from tfbs_hub.workflows.check_package import check_package  # noqa: PLC0415 - imports torch

    with shown_progress() as report:
        result = check_package(hub.plugins, name, report=report)
    package, faults = result.package, result.faults
    if as_json or (ctx.parent is not None and ctx.parent.params["as_json"]):
        checks = [
            {"subject": row.subject, "check": row.what, "ok": not row.fault, "found": row.found, "fault": row.fault}
            for row in result.checks
        ]
        print_json({"plugin": _as_json(package), "ok": not faults, "checks": checks})
        ctx.exit(PluginError.exit_code if faults else 0)
    print_table("", ("of", "checked", "result"), _rows(result.checks))
    origin = f"{package.distribution} {package.version}".rstrip()
    if faults:
        raise PluginError(f"{len(faults)} faults", where=origin, hint="see the table above")
    brought = "; ".join(_brings(package)) or "nothing yet"
    click.echo(plain(f"{origin}: all is well ({len(result.checks)} checks); it brings: {brought}"))


def _rows(checks: Sequence[Check]) -> list[tuple[str, str, str]]:
    """One row for all that is well with a subject, and one for each fault."""
    rows = []
    for subject in dict.fromkeys(check.subject for check in checks):
        own = [check for check in checks if check.subject == subject]
        well = [f"{check.what} ({check.found})" if check.found else check.what for check in own if not check.fault]
        if well:
            rows.append((subject, ", ".join(well), "ok"))
        rows += [(subject, check.what, f"FAULT: {check.fault}") for check in own if check.fault]
    return rows


def _list(packages: Sequence[Package], *, traceback: bool, as_json: bool) -> None:
    if traceback:
        for package in packages:
            for failure in package.failures:
                say(f"{failure.line()}\n{failure.traceback}")
    if as_json:
        print_json({"api_version": API_VERSION, "plugins": [_as_json(package) for package in packages]})
        return
    if not packages:
        click.echo("No plug-in is installed (or TFBS_HUB_PLUGINS lets none in). Write one: tfbs-hub new-plugin NAME")
        return
    rows = [
        (package.distribution, package.version, "\n".join(_brings(package)), _state(package)) for package in packages
    ]
    print_table("", ("package", "version", "brings", "state"), rows)
    if not traceback and any(package.failures for package in packages):
        click.echo("tfbs-hub plugins --traceback says where it happened; TFBS_HUB_PLUGINS can leave a package out")


def _brings(package: Package) -> list[str]:
    """One line for each kind of thing."""
    experts = [spec.card.name for spec in package.experts]
    kinds: list[tuple[str, list[str]]] = [
        ("experts", experts),
        ("architectures", list(package.architectures)),
        ("sources", list(package.sources)),
        ("attribution methods", list(package.attribution_methods)),
        ("told of", [hook for hook in package.implements if hook in {"tfbs_expert_added", "tfbs_gate_promoted"}]),
    ]
    return [f"{kind} {', '.join(names)}" for kind, names in kinds if names]


def _state(package: Package) -> str:
    return "\n".join(f"failed ({failure.phase}): {failure.message}" for failure in package.failures) or "ok"


def _as_json(package: Package) -> dict[str, Any]:
    return {
        "distribution": package.distribution,
        "version": package.version,
        "state": "failed" if package.failures else "ok",
        "manifests": list(package.manifests),
        "hook_modules": list(package.hooks),
        "hooks": list(package.implements),
        "experts": [
            {"name": spec.card.name, "tf": spec.card.tf, "digest": spec.card.weights_sha256} for spec in package.experts
        ],
        "architectures": dict(package.architectures),
        "sources": dict(package.sources),
        "attribution_methods": dict(package.attribution_methods),
        "failures": [
            {"phase": failure.phase, "message": failure.message, "traceback": failure.traceback}
            for failure in package.failures
        ],
    }
