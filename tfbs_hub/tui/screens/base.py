"""What all six screens have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.files import storage_error
from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.widgets.bars import NavBar, TopBar
from tfbs_hub.tui.widgets.dialogs import Confirm
from tfbs_hub.tui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["HubScreen"]


class HubScreen(Screen[None]):
    """A screen with the bars above, the keys below, and a body that follows the registry."""

    NAME: ClassVar[str] = ""

    @property
    def hub_app(self) -> HubApp:
        """The application, as what it is."""
        return cast("HubApp", self.app)

    def compose(self) -> ComposeResult:
        """The bars, the body, the keys."""
        yield TopBar()
        yield NavBar(self.NAME)
        with Container(id="body"):
            yield from self.body()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """What is special about this screen."""
        yield from ()

    def on_mount(self) -> None:
        """Show what is known, and follow it."""
        self.hub_app.desk_changed.subscribe(self, self._desk_changed)
        if self.hub_app.desk is not None:
            self.show_desk(self.hub_app.desk)

    def _desk_changed(self, desk: Desk) -> None:
        with self.telling():
            self.show_desk(desk)

    def show_desk(self, desk: Desk) -> None:
        """The registry has changed, or is known for the first time."""

    def confirm(self, question: Confirm, then: Callable[[], object]) -> None:
        """Ask, and do it after a yes."""

        def answered(sure: bool | None) -> None:
            if sure:
                then()

        self.app.push_screen(question, answered)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Show what goes wrong in the block as a message."""
        try:
            yield
        except TfbsHubError as error:
            self.hub_app.tell(error)
        except OSError as error:
            self.hub_app.tell(storage_error(error, error.filename or "file"))
