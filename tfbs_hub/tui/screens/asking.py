"""Which sequence is looked at, and what the models are asked about it: the track, and then its motifs."""

from __future__ import annotations

import asyncio
from typing import Final

from rich.text import Text
from textual import work

from tfbs_hub.attribution.methods import DEFAULT
from tfbs_hub.errors import TfbsHubError
from tfbs_hub.progress import Event
from tfbs_hub.tui.desk import Desk
from tfbs_hub.tui.screens.layered import MOST, LayeredScreen
from tfbs_hub.tui.session import Explaining
from tfbs_hub.tui.text import line, told
from tfbs_hub.tui.track.subject import Edit, Subject
from tfbs_hub.workbench.messages import Explain, Explained, Layer, Mark, Marks, Seqlets, Weighed

__all__ = ["AskingScreen"]

_PAUSE: Final = 0.35
"""Seconds without a change before motifs are looked for."""
_LETTERS: Final = frozenset("ACGTN")
_LONG: Final = 2000
"""Base pairs from which on motifs are asked of the process that has the track already."""


class AskingScreen(LayeredScreen):
    """A screen about one sequence at a time; what is shown of the answers is its subclass's business.

    Attributes:
        subject: the sequences, and the one in view with its changes.
        both_strands: both are explained, and averaged.
        explained: the newest answer; None while there is none.
        before: what the mixture said of the sequence as it was.
        marks: motifs of each layer, as far as they were found.
        fresh: the sequence in view was not drawn yet.
        left: where the last session stopped, until it is drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.subject = Subject()
        self.both_strands = False
        self.explained: Explained | None = None
        self.before: Weighed | None = None
        self.marks: dict[Layer, list[Mark]] = {}
        self.fresh = True
        self.left: Explaining | None = None
        self._restored = False

    # -- for the subclass ---------------------------------------------------------------------------

    def draw(self) -> None:
        """Show all that is known."""
        raise NotImplementedError

    def say(self, text: Text) -> None:
        """Show a text in place of the track."""
        raise NotImplementedError

    def whisper(self, text: str) -> None:
        """Show how far something is that nobody waits for."""
        raise NotImplementedError

    # -- where we are -------------------------------------------------------------------------------

    def show_desk(self, desk: Desk) -> None:
        """Models may have come or gone."""
        if not self._restored:
            self._restored = True
            self._restore(self.hub_app.session.explaining.get(str(desk.path)))
            self.survey()
        known = desk.models
        self.asked = [layer for layer in self.asked if layer.model in known]
        if not self.asked and known:
            self.asked = [Layer(known[0], DEFAULT)]
        self.draw()
        if self.subject and self.asked:
            self.explain()

    def _restore(self, state: Explaining | None) -> None:
        if state is None or not state.letters or len(state.names) != len(state.letters):
            return
        if not all(set(letters) <= _LETTERS for letters in state.letters):
            return  # somebody else has written there
        self.subject.take(state.names, state.letters, state.chosen)
        if state.flipped:
            self.subject.flip()
        length = len(self.subject.original)
        self.subject.edits += [Edit(*edit) for edit in state.edits if 0 <= edit[0] < length and edit[2] in _LETTERS]
        self.asked = [Layer(*layer) for layer in state.layers][:MOST]
        self.both_strands = state.both_strands
        self.left = state

    def remember(self, cursor: int, level: int | None) -> None:
        """For the next session."""
        desk = self.hub_app.desk
        if desk is not None and self.subject:
            self.hub_app.session.explaining[str(desk.path)] = Explaining(
                names=self.subject.names,
                letters=self.subject.letters,
                chosen=self.subject.chosen,
                layers=[(layer.model, layer.method) for layer in self.asked],
                cursor=cursor,
                level=level,
                both_strands=self.both_strands,
                flipped=self.subject.flipped,
                edits=[(edit.place, edit.old, edit.new) for edit in self.subject.edits],
            )

    def look_at(self, names: list[str], letters: list[str], chosen: int = 0) -> None:
        """Other sequences."""
        self.subject.take(names, letters, chosen)
        self.anew()

    def anew(self) -> None:
        """Another sequence is in view."""
        self.fresh, self.before, self.explained, self.left = True, None, None, None
        self.marks.clear()
        self.explain()

    # -- asking -------------------------------------------------------------------------------------

    @work(exclusive=True, group="explain")
    async def explain(self) -> None:
        """Ask for the layers of what is in view; a newer question takes the place of an older one."""
        if not self.subject or not self.asked:
            self.draw()
            return
        ask = Explain(
            name=self.subject.name or "sequence",
            letters=self.subject.present,
            layers=list(self.asked),
            both_strands=self.both_strands,
        )
        if self.explained is None:
            self.say(line("asking the models… (the first time takes some seconds)", "dim"))
        try:
            self.explained = await self.hub_app.ask(ask, Explained, report=self._progress)
        except TfbsHubError as error:
            self.explained = None
            self.whisper("")
            self.say(told(error))
            return
        self.whisper("")
        if not self.subject.edits:
            self.before = self.explained.mixture
        self.draw()
        self._find()

    def _progress(self, event: Event) -> None:
        text = _told(event)
        if self.explained is None:
            self.say(line(text, "dim"))
        else:
            self.whisper(text)

    @work(exclusive=True, group="motifs")
    async def _find(self) -> None:
        """Look for motifs, once nothing has changed for a moment."""
        await asyncio.sleep(_PAUSE)
        letters = self.subject.present
        for layer in list(self.asked):
            ask = Seqlets(letters=letters, layer=layer, both_strands=self.both_strands)
            try:
                found = await self.hub_app.ask(
                    ask, Marks, patient=len(letters) < _LONG, report=lambda event: self.whisper(_told(event))
                )
            except TfbsHubError as error:
                # A method of a plug-in may have no motifs to offer; the track stands without.
                self.whisper(error.what)
                continue
            self.marks[layer] = found.marks
            self.whisper("")
            self.draw()


def _told(event: Event) -> str:
    return f"{event.task} {event.done / event.total:.0%}" if event.total else event.task
