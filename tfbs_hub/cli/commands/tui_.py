"""tfbs-hub tui."""

from __future__ import annotations

import os
import sys

import click

from tfbs_hub.cli.options import Session
from tfbs_hub.errors import NotFoundError, UsageError

__all__ = ["command"]


@click.command("tui")
@click.option("--serve", is_flag=True, help="Show it in a browser on this machine instead (needs tfbs-hub[serve]).")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port for --serve  [default: a free one].")
@click.option("--registry", metavar="FOLDER", help="The registry to use, before any other.")
@click.pass_context
def command(ctx: click.Context, serve: bool, port: int, registry: str | None) -> None:
    """Open the terminal UI: experts, gate, evaluations and tracks; ctrl+q leaves it."""
    session = ctx.find_object(Session) or Session()
    registry = registry or session.registry
    if serve:
        _serve(registry, port)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()) and "TEXTUAL_DRIVER" not in os.environ:
        raise UsageError("the terminal UI needs a terminal", hint="run it where you type, or use --serve")

    from tfbs_hub.tui.app import HubApp  # noqa: PLC0415 - textual, for this command alone

    app = HubApp(registry)
    try:
        app.run()
    finally:
        app.shut()
    if app.return_code:
        sys.exit(app.return_code)


def _serve(registry: str | None, port: int) -> None:
    try:
        from tfbs_hub.tui.serve import serve  # noqa: PLC0415 - an extra that few install
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(("textual_serve", "aiohttp")):
            raise
        raise NotFoundError("textual-serve is not installed", hint="pip install 'tfbs-hub[serve]'") from error
    serve(registry, port)
