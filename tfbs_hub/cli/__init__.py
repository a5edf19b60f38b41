"""The command line: options in, one call of the hub, text or JSON out."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of `tfbs-hub`."""
    from tfbs_hub.cli.app import run  # noqa: PLC0415 - completion and --version need no more than click

    run()
