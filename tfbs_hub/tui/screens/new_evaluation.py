"""The form of a new evaluation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Input, OptionList, Select, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.text import line
from tfbs_hub.tui.widgets.dialogs import Dialog, Trouble
from tfbs_hub.tui.widgets.paths import PathInput, matching
from tfbs_hub.tui.widgets.ticks import Ticks

__all__ = ["NewEvaluationScreen"]


class NewEvaluationScreen(Dialog[dict[str, object]]):
    """Gives the options of an evaluate job, or None.

    Args:
        desk: which models there are.
        files: what was evaluated last.
        models: which ones are ticked; None ticks the mixture and all that it mixes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="new-evaluation.start"),
        Binding("delete,backspace", "forget", "Leave a file out", show=False, id="new-evaluation.forget"),
    ]

    def __init__(self, desk: Desk, files: Sequence[str], models: Sequence[str] | None) -> None:
        super().__init__()
        self._desk, self._files = desk, [file for file in files if Path(file).exists()]
        mixed = [] if desk.gate is None else [member.name for member in desk.gate.card.members]
        self._ticked = list(models) if models is not None else ["moe", "mean", *mixed] if mixed else desk.models

    def compose(self) -> ComposeResult:
        """Files, models, settings."""
        with VerticalScroll(classes="box medium") as box:
            box.border_title = "new evaluation"
            box.border_subtitle = "ctrl+s start · esc close"
            yield Static("files with bound and unbound sequences; enter adds one, * stands for many", classes="dim")
            yield PathInput("data/*_B.seq.gz", id="file")
            yield OptionList(id="files", compact=True, markup=False)
            yield Static("models", classes="dim gap")
            yield Ticks[str](
                *(Selection(line(name), name, name in self._ticked) for name in self._desk.models),
                id="models",
                compact=True,
            )
            with Horizontal(classes="row gap"):
                yield Static("resamples", classes="label dim")
                yield Input("30", type="integer", id="resamples", compact=True)
                yield Static("negatives", classes="label dim")
                yield Select(
                    [("given by the files", "given"), ("other files' peaks", "other-tfs")],
                    value="given",
                    allow_blank=False,
                    id="negatives",
                    compact=True,
                )
            yield Trouble()
            with Horizontal(classes="buttons"):
                yield Button("Start", id="start", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Ready for a file."""
        self._list()
        self.set_focus(self.query_one("#file"))

    def _list(self) -> None:
        options = self.query_one("#files", OptionList)
        options.clear_options()
        options.add_options(Option(line(file)) for file in self._files)
        options.display = bool(self._files)

    @on(Input.Submitted, "#file")
    @work(exclusive=True)
    async def _add(self) -> None:
        field = self.query_one("#file", PathInput)
        if not field.path:
            self.action_start()
            return
        found = await asyncio.to_thread(matching, field.path)
        trouble = self.query_one(Trouble)
        if not found:
            trouble.update(f"there is no file {line(field.path).plain}")
            return
        trouble.update("")
        self._files += [file for file in found if file not in self._files]
        field.value = ""
        self._list()

    def action_forget(self) -> None:
        """Leave out the file under the cursor."""
        options = self.query_one("#files", OptionList)
        if options.has_focus and options.highlighted is not None and self._files:
            del self._files[options.highlighted]
            self._list()

    @on(Button.Pressed, "#start")
    @on(Input.Submitted, "#resamples")
    def action_start(self) -> None:
        """Begin, if all is there."""
        trouble = self.query_one(Trouble)
        pending = self.query_one("#file", PathInput).path
        files = self._files + ([] if not pending else matching(pending))
        models = self.query_one("#models", SelectionList).selected
        resamples = self.query_one("#resamples", Input).value
        if not files:
            trouble.update("name at least one file")
        elif not models:
            trouble.update("tick at least one model")
        elif not resamples.isdecimal() or not 2 <= int(resamples) <= 100_000:
            trouble.update("2 to 100,000 resamples")
        else:
            ordered = [name for name in self._desk.models if name in models]
            self.dismiss(
                {
                    "files": files,
                    "models": ordered,
                    "bootstrap": int(resamples),
                    "negatives": str(self.query_one("#negatives", Select).value),
                }
            )
