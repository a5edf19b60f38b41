"""Plug-ins: what is installed, what each brings, and what went wrong."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from tfbs_hub.errors import TfbsHubError
from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.screens.base import HubScreen
from tfbs_hub.tui.text import block, line, plain, told
from tfbs_hub.tui.widgets.table import Table
from tfbs_hub.workbench.messages import PackageView, Survey, Surveyed

__all__ = ["PluginsScreen"]


class PluginsScreen(HubScreen):
    """Look at packages; hook modules are loaded in another process."""

    NAME = "plugins"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "survey", "Ask again", id="plugins.survey")]

    def __init__(self) -> None:
        super().__init__()
        self._packages: list[PackageView] = []

    def body(self) -> ComposeResult:
        """Packages beside what one brings."""
        with Horizontal(classes="split"):
            with Vertical(classes="pane list") as pane:
                pane.border_title = "packages"
                yield Table(("", "package", "version", "brings"), id="packages")
            with VerticalScroll(classes="pane detail", id="package-pane"):
                yield Static(id="package")

    def on_mount(self) -> None:
        """Ask at once."""
        super().on_mount()
        self.set_focus(self.query_one("#packages"))

    def show_desk(self, desk: Desk) -> None:
        """The registry is open: there is somebody to ask."""
        if not self._packages:
            self.action_survey()

    @work(exclusive=True, group="survey")
    async def action_survey(self) -> None:
        """Ask every package what it brings."""
        place = self.query_one("#package", Static)
        place.update(Text("asking…", "dim"))
        try:
            found = await self.hub_app.ask(Survey(), Surveyed, patient=True)
        except TfbsHubError as error:
            place.update(told(error))
            return
        self._packages = found.packages
        theme = self.hub_app.colours
        self.query_one("#packages", Table).fill(
            [(f"{number}", _row(package, theme)) for number, package in enumerate(self._packages)]
        )
        if not self._packages:
            place.update(_empty(found))
        else:
            self._show()

    @on(Table.RowHighlighted, "#packages")
    def _show(self) -> None:
        chosen = self.query_one("#packages", Table).chosen
        if chosen is None or int(chosen) >= len(self._packages):
            return
        package = self._packages[int(chosen)]
        self.query_one("#package-pane").border_title = line(package.distribution)
        self.query_one("#package", Static).update(_detail(package, self.hub_app.colours))


def _row(package: PackageView, theme: dict[str, str]) -> list[Text | str]:
    brings = [
        f"{len(names)} {what}{'' if len(names) == 1 else 's'}"
        for what, names in (
            ("expert", package.experts),
            ("architecture", package.architectures),
            ("source", package.sources),
            ("method", package.methods),
        )
        if names
    ]
    sign = Text("✗", theme["error"]) if package.failures else Text("✓", theme["success"])
    return [sign, package.distribution, package.version, ", ".join(brings) or "nothing"]


def _detail(package: PackageView, theme: dict[str, str]) -> Text:
    text = Text()
    text.append_text(line(f"{package.distribution} {package.version}", "bold"))
    for what, names in (
        ("experts", package.experts),
        ("architectures", package.architectures),
        ("sources", package.sources),
        ("attribution methods", package.methods),
        ("hooks", package.hooks),
    ):
        if names:
            text.append(f"\n\n{what}\n", "dim").append_text(block("\n".join(names)))
    for failure in package.failures:
        text.append(f"\n\nfailed ({plain(failure.phase)})\n", theme["error"])
        text.append_text(block(failure.message, "bold"))
        text.append("\n\n").append_text(block(failure.traceback.rstrip(), "dim"))
    return text


def _empty(found: Surveyed) -> Text:
    return Text.assemble(
        ("No plug-in package is installed.\n\n", "bold"),
        "Packages bring experts, architectures, sources of sequences and attribution methods:\n",
        ("pip install", "bold"),
        " one, or write one with ",
        ("tfbs-hub new-plugin NAME", "bold"),
        "\n\nbuilt in\n",
        (f"  architectures  {', '.join(found.architectures)}\n", "dim"),
        (f"  sources        {', '.join(found.sources)}\n", "dim"),
        (f"  methods        {', '.join(found.methods)}", "dim"),
    )
