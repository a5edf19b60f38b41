"""Dialogues: a question, a choice from a list, a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.visual import VisualType
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from tfbs_hub.tui.text import block, line

__all__ = ["Choice", "Confirm", "Dialog", "Pick", "Trouble"]

R = TypeVar("R")


class Dialog(ModalScreen[R | None], Generic[R]):
    """A box in the middle; escape leaves it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", id="dialog.close")]

    def action_leave(self) -> None:
        """No answer."""
        self.dismiss(None)


class Trouble(Static):
    """What is wrong with a form; takes no room while nothing is."""

    def __init__(self) -> None:
        super().__init__("", classes="trouble", markup=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Say it; nothing takes it away."""
        self.set_class(bool(content), "-there")
        super().update(content, layout=layout)


class Confirm(Dialog[bool]):
    """A question that is answered with yes or no; no is where the focus begins.

    Args:
        question: what is asked.
        detail: what would happen.
        yes, no: what the buttons say.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False, id="dialog.yes"),
        Binding("n", "answer(False)", "No", show=False, id="dialog.no"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, detail: str = "", *, yes: str = "Yes", no: str = "No") -> None:
        super().__init__()
        self._question, self._detail = question, detail
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """The question, what it means, two buttons."""
        with Vertical(classes="box small"):
            yield Static(block(self._question, "bold"))
            if self._detail:
                yield Static(block(self._detail), classes="gap")
            with Horizontal(classes="buttons"):
                yield Button(Text(f"{self._no} (n)"), id="no", compact=True)
                yield Button(Text(f"{self._yes} (y)"), id="yes", variant="warning", compact=True)

    def on_mount(self) -> None:
        """Nothing happens by a thoughtless Enter."""
        self.set_focus(self.query_one("#no"))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """By key."""
        self.dismiss(answer)


class Choice:
    """Something to pick: a key, a title, and a remark."""

    def __init__(self, key: str, title: str, remark: str = "") -> None:
        self.key, self.title, self.remark = key, title, remark


class Pick(Dialog[str]):
    """A list to pick from; typing narrows it down.

    Args:
        title: what is picked.
        choices: in order.
        chosen: key of what is picked now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", show=False),
        Binding("up", "step(-1)", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], chosen: str | None = None) -> None:
        super().__init__()
        self._title, self._choices, self._chosen = title, list(choices), chosen

    def compose(self) -> ComposeResult:
        """A filter and the list."""
        with Vertical(classes="box small") as box:
            box.border_title = line(self._title)
            yield Input(placeholder="type to narrow down", compact=True)
            yield OptionList(compact=True, markup=False)

    def on_mount(self) -> None:
        """All, the present one marked."""
        self._show("")

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, text: str) -> None:
        wanted = text.lower().split()
        searched = [(each, f"{each.title} {each.remark}".lower()) for each in self._choices]
        found = [each for each, words in searched if all(part in words for part in wanted)]
        # What is called so comes before what is only described so.
        found.sort(key=lambda each: _rank(each.title.lower(), wanted))
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(self._row(each)) for each in found)
        self._found = found
        keys = [each.key for each in found]
        if found:
            options.highlighted = keys.index(self._chosen) if self._chosen in keys and not wanted else 0

    def _row(self, choice: Choice) -> Text:
        row = line(choice.title)
        if choice.key == self._chosen:
            row.stylize("bold")
        if choice.remark:
            row.append("  ")
            row.append_text(line(choice.remark, "dim"))
        return row

    def action_step(self, step: int) -> None:
        """Up or down while the filter keeps the focus."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    @on(Input.Submitted)
    def _take(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is not None and place < len(self._found):
            self.dismiss(self._found[place].key)

    @on(OptionList.OptionSelected)
    def _taken(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index].key)


def _rank(title: str, wanted: Sequence[str]) -> int:
    if not wanted or title.startswith(wanted[0]):
        return 0
    return 1 if wanted[0] in title else 2
