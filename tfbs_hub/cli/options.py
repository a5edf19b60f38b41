"""Options that several commands share, and what they give a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from tfbs_hub.hub import Hub

__all__ = [
    "Session",
    "complete_expert",
    "complete_model",
    "device_option",
    "json_option",
    "seed_option",
    "with_hub",
    "with_new_hub",
]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Session:
    """What was said before the command's own options."""

    registry: str | None = None

    def hub(self, *, create: bool = False) -> Hub:
        """The hub on the chosen registry; `create` makes a named one that is missing."""
        from tfbs_hub.hub import Hub  # noqa: PLC0415 - not needed for --help

        return Hub.open(self.registry, create=create)


def with_hub(function: F) -> F:
    """Give a command the opened hub as its first argument, and the option `--registry`."""
    return _opening(function, create=False)


def with_new_hub(function: F) -> F:
    """As `with_hub`, for commands that add something: a registry that is named and missing is made."""
    return _opening(function, create=True)


def _opening(function: F, *, create: bool) -> F:
    def opened(*args: Any, registry: str | None = None, **kwargs: Any) -> Any:
        session = click.get_current_context().find_object(Session) or Session()
        if registry is not None:
            session = replace(session, registry=registry)
        return function(session.hub(create=create), *args, **kwargs)

    opened.__name__ = function.__name__
    opened.__doc__ = function.__doc__
    opened.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    option = click.option("--registry", metavar="FOLDER", help="The registry to use, before any other.")
    return option(opened)  # type: ignore[return-value]


def json_option(function: F) -> F:
    """The option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Report as JSON on stdout.")(function)


def device_option(function: F) -> F:
    """The option `--device`."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="Where to compute; auto takes a GPU if there is one.",
    )(function)


def seed_option(function: F) -> F:
    """The option `--seed`."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**62),
        default=0,
        show_default=True,
        help="Seed of every random choice; same seed and data, same bytes.",
    )(function)


def complete_expert(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of experts, for the shell's completion; in a list with commas, the last of them."""
    del param
    from click.shell_completion import CompletionItem  # noqa: PLC0415

    from tfbs_hub.errors import TfbsHubError  # noqa: PLC0415

    # While a shell completes, no callback runs: what stands before the command is in the parent's parameters.
    named = (each.params.get("registry") for each in (ctx, ctx.parent) if each is not None)
    session = Session(next(filter(None, named), None))
    try:
        cards = [spec.card for spec in session.hub().listing()]
    except TfbsHubError:
        return []  # a shell that completes nothing is better than one that prints an error
    head, comma, begun = incomplete.rpartition(",")
    return [CompletionItem(f"{head}{comma}{card.name}", help=card.tf) for card in cards if card.name.startswith(begun)]


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of models: the mixture and the experts."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415

    head, comma, begun = incomplete.rpartition(",")
    mixture = [CompletionItem(f"{head}{comma}moe", help="the mixture")] if "moe".startswith(begun) else []
    return mixture + complete_expert(ctx, param, incomplete)
