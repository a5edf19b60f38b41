"""The wizard that adds an expert: which factor, from which data, by which network."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, ContentSwitcher, Input, RadioSet, Select, Static

from tfbs_hub.errors import UsageError
from tfbs_hub.tui.text import block, line, plain
from tfbs_hub.tui.widgets.dialogs import Dialog, Trouble
from tfbs_hub.tui.widgets.paths import PathInput, matching
from tfbs_hub.tui.widgets.ticks import Dot
from tfbs_hub.workbench.messages import Survey, Surveyed

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["AddExpertScreen", "command_line"]

_STEPS: Final = ("factor", "data", "network")
_SOURCES: Final = {
    "encode": ("ENCODE's ChIP-seq experiments", ()),
    "data": ("my sequences (FASTA, .seq.gz, plain)", ("data",)),
    "peaks": ("my peaks, cut from a genome", ("peaks", "genome")),
    "jaspar": ("sequences simulated from JASPAR", ()),
    "motif": ("a matrix, without training", ("motif",)),
}
_FIELDS: Final = {
    "data": "path of your sequences",
    "peaks": "path of a BED or narrowPeak file",
    "genome": "path of the genome's FASTA file",
    "motif": "path of a MEME or JASPAR file; empty takes JASPAR's own matrix",
    "test": "labelled file to score it on (optional)",
    "others": "peaks of other factors; * stands for many files",
}
_USUAL: Final = "usual"
_NEGATIVES: Final = {
    _USUAL: "the usual ones",
    "dinucleotide": "shuffles",
    "genomic": "other windows of the genome",
    "other-tfs": "peaks of other factors",
    "mixed": "half shuffles, half other factors",
    "given": "those in the data",
}
_OF_OTHERS: Final = ("other-tfs", "mixed")
_FLAGS: Final = tuple(
    "source data peaks genome motif cell name architecture negatives others test".split()  # noqa: SIM905 - one line
)


class AddExpertScreen(Dialog[dict[str, object]]):
    """Gives the options of an add-expert job, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "next", "Next", id="add.next"),
        Binding("ctrl+b", "back", "Back", show=False, id="add.back"),
    ]

    def compose(self) -> ComposeResult:
        """Three steps, one at a time."""
        with Vertical(classes="box medium") as box:
            box.border_title = "add an expert"
            box.border_subtitle = "ctrl+s next · ctrl+b back · esc close"
            yield Static(id="steps")
            with ContentSwitcher(initial="factor", id="switcher"):
                with Vertical(id="factor", classes="step"):
                    yield Static("transcription factor, as ENCODE or JASPAR writes it", classes="dim")
                    yield Input(placeholder="GATA3", id="tf", compact=True)
                    yield Static("cell line (where there are several experiments)", classes="dim gap")
                    yield Input(placeholder="any", id="cell", compact=True)
                    yield Static("name of the expert (its factor, unless you say otherwise)", classes="dim gap")
                    yield Input(placeholder="", id="name", compact=True)
                with VerticalScroll(id="data", classes="step"):
                    with RadioSet(id="source", compact=True):
                        for key, (title, _) in _SOURCES.items():
                            yield Dot(title, value=key == "encode", name=key, compact=True)
                    for key, hint in _FIELDS.items():
                        if key != "others":
                            yield PathInput(hint, id=f"field-{key}", classes="gap")
                    with Horizontal(classes="row gap", id="negatives-row"):
                        yield Static("told apart from", classes="label dim")
                        yield Select(
                            [(title, name) for name, title in _NEGATIVES.items()],
                            value=_USUAL,
                            allow_blank=False,
                            id="negatives",
                            compact=True,
                        )
                    yield PathInput(_FIELDS["others"], id="field-others", classes="gap")
                with Vertical(id="network", classes="step"):
                    with Horizontal(classes="row"):
                        yield Static("network", classes="label dim")
                        yield Select(
                            [("residual", "residual")],
                            value="residual",
                            allow_blank=False,
                            id="architecture",
                            compact=True,
                        )
                        yield Static("search", classes="label dim")
                        yield Input("0", type="integer", id="trials", compact=True)
                        yield Static("seed", classes="label dim")
                        yield Input("0", type="integer", id="seed", compact=True)
                    yield Static("as a command", classes="dim gap")
                    yield Static(id="command")
            yield Trouble()
            with Horizontal(classes="buttons"):
                yield Button("Back", id="back", compact=True)
                yield Button("Next", id="next", variant="primary", compact=True)

    def on_mount(self) -> None:
        """At the first step."""
        self._go(0)
        self._fields()
        self._architectures()

    # -- steps --------------------------------------------------------------------------------------

    @property
    def _step(self) -> int:
        return _STEPS.index(str(self.query_one("#switcher", ContentSwitcher).current))

    def _go(self, step: int) -> None:
        self.query_one("#switcher", ContentSwitcher).current = _STEPS[step]
        text = Text()
        for number, name in enumerate(_STEPS):
            text.append(f" {number + 1} {name} ", "bold reverse" if number == step else "dim")
            text.append("─" if number + 1 < len(_STEPS) else "", "dim")
        self.query_one("#steps", Static).update(text)
        self.query_one("#back").display = step > 0
        self.query_one("#next", Button).label = "Train" if step == len(_STEPS) - 1 else "Next"
        first = ("#tf", "#source", "#architecture")[step]
        self.set_focus(self.query_one(first))
        if step == len(_STEPS) - 1:
            self._say_command()

    @on(Button.Pressed, "#next")
    @on(Input.Submitted)
    def action_next(self) -> None:
        """On, or begin."""
        trouble = self.query_one(Trouble)
        try:
            options = self._options()
            if self._step > 0:
                _check(options, self._missing())
        except UsageError as error:
            trouble.update(line(error.what))
            return
        trouble.update("")
        if self._step + 1 < len(_STEPS):
            self._go(self._step + 1)
        else:
            self.dismiss(options)

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        """A step back."""
        self._go(max(self._step - 1, 0))

    # -- fields -------------------------------------------------------------------------------------

    @property
    def _source(self) -> str:
        pressed = self.query_one("#source", RadioSet).pressed_button
        return "encode" if pressed is None or pressed.name is None else pressed.name

    @property
    def _fields_wanted(self) -> list[str]:
        """The fields that belong to the source and the negatives."""
        trained = self._source != "motif"
        others = trained and self._negatives in _OF_OTHERS
        return [*_SOURCES[self._source][1], *(["test"] if trained else []), *(["others"] if others else [])]

    @property
    def _negatives(self) -> str:
        return str(self.query_one("#negatives", Select).value)

    @on(RadioSet.Changed, "#source")
    @on(Select.Changed, "#negatives")
    def _fields(self) -> None:
        """Only those that are wanted."""
        wanted = self._fields_wanted
        for key in _FIELDS:
            self.query_one(f"#field-{key}").display = key in wanted
        self.query_one("#negatives-row").display = self._source != "motif"

    @on(Select.Changed)
    @on(Input.Changed)
    def _say_command(self) -> None:
        if self._step == len(_STEPS) - 1:
            try:
                self.query_one("#command", Static).update(block(command_line(self._options()), "bold"))
            except UsageError as error:
                self.query_one("#command", Static).update(line(error.what))

    @work
    async def _architectures(self) -> None:
        """Those of plug-ins too."""
        app = cast("HubApp", self.app)
        found = await app.guarded(app.ask(Survey(), Surveyed, patient=True))
        if found is not None:
            select = self.query_one("#architecture", Select)
            select.set_options([(line(name), name) for name in found.architectures if name != "pwm"])
            select.value = "residual"

    def _options(self) -> dict[str, object]:
        """What was filled in; raises `UsageError` for what cannot be."""
        text = {
            name: self.query_one(f"#{name}", Input).value.strip() for name in ("tf", "cell", "name", "trials", "seed")
        }
        if not text["tf"]:
            raise UsageError("say which transcription factor")
        if not text["trials"].isdecimal() or not text["seed"].isdecimal():
            raise UsageError("search and seed are whole numbers from 0")
        source = self._source
        options: dict[str, object] = {"tf": text["tf"], "trials": int(text["trials"]), "seed": int(text["seed"])}
        options |= {name: text[name] for name in ("cell", "name") if text[name]}
        if source in {"encode", "jaspar"}:
            options["source"] = source
        for key in self._fields_wanted:
            path = self.query_one(f"#field-{key}", PathInput).path
            if path:
                options[key] = _files(key, path)
        if self._negatives != _USUAL and source != "motif":
            options["negatives"] = self._negatives
        options["architecture"] = "pwm" if source == "motif" else str(self.query_one("#architecture", Select).value)
        return options

    def _missing(self) -> str:
        """What the source cannot do without; empty if all is there."""
        needed = [key for key in self._fields_wanted if key not in {"motif", "test"}]
        empty = [key for key in needed if not self.query_one(f"#field-{key}", PathInput).path]
        named = {"others": "other factors' peaks"}
        return f"say where the {' and the '.join(named.get(key, key) for key in empty)} are" if empty else ""


def _check(options: dict[str, object], missing: str) -> None:
    """Raise `UsageError` for files that nobody named or that are not there."""
    if missing:
        raise UsageError(missing)
    for key in _FIELDS:
        value = options.get(key)
        for path in value if isinstance(value, list) else [value] if value else []:
            if not Path(str(path)).is_file():
                raise UsageError(f"there is no file {plain(str(path))}")


def _files(key: str, path: str) -> str | list[str]:
    """What the job takes: one file, or a list of them."""
    if key == "others":
        return matching(path) or [path]
    return [path] if key == "data" else path


def command_line(options: dict[str, object]) -> str:
    """The command that does the same."""
    words = ["tfbs-hub", "add-expert", str(options["tf"])]
    for name in _FLAGS:
        value = options.get(name)
        for each in value if isinstance(value, list) else [value] if value else []:
            words += [f"--{name}", str(each)]
    for name in ("trials", "seed"):
        if options.get(name):
            words += [f"--{name}", str(options[name])]
    return shlex.join(words)
