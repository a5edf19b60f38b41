"""Which models are asked by which methods, and how that is changed."""

from __future__ import annotations

from typing import Any, Final

from textual import work

from tfbs_hub.attribution.methods import BUILTIN, DEFAULT
from tfbs_hub.tui.screens.base import HubScreen
from tfbs_hub.tui.widgets.dialogs import Choice, Pick
from tfbs_hub.workbench.messages import Layer, Survey, Surveyed

__all__ = ["METHODS", "MOST", "LayeredScreen"]

_REMARKS: Final = {
    "gradient": "signed, as it is",
    "integrated-gradients": "from a blank sequence",
    "mutagenesis": "every base replaced by every other",
    "saliency": "size of the gradient",
    "shiftsmooth": "gradient averaged over shifts",
    "shiftsmooth-padded": "shifts against padding",
    "smoothgrad": "gradient averaged over mutations",
}
METHODS: Final = tuple(Choice(name, name, _REMARKS.get(name, "")) for name in BUILTIN)
MOST: Final = 4
"""Layers that have room one above the other."""


class LayeredScreen(HubScreen):
    """A screen that shows layers, one above the other.

    Attributes:
        asked: the layers, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Layer] = []
        self._further: list[Choice] = []

    def explain(self) -> Any:
        """Ask anew: the layers are others now."""
        raise NotImplementedError

    def action_model(self) -> None:
        """Another model for the first layer."""
        chosen = self.asked[0].model if self.asked else None
        self.app.push_screen(Pick("model", self._models(), chosen), self._take_model)

    def _models(self) -> list[Choice]:
        desk = self.hub_app.desk
        remarks = {"moe": "the mixture", "mean": "the plain mean of its experts"}
        if desk is not None:
            remarks |= {spec.card.name: f"{spec.card.tf} {spec.card.cell}" for spec in desk.specs}
        return [Choice(name, name, remarks.get(name, "")) for name in (desk.models if desk else [])]

    def _take_model(self, name: str | None) -> None:
        if name is not None:
            first = self.asked[0].method if self.asked else DEFAULT
            self.asked[:1] = [Layer(name, first)]
            self.explain()

    @work(exclusive=True, group="method")
    async def action_method(self) -> None:
        """Another method for the first layer."""
        chosen = self.asked[0].method if self.asked else None
        name = await self.app.push_screen_wait(Pick("method", self._methods(), chosen))
        if name is not None and self.asked:
            self.asked[0] = Layer(self.asked[0].model, name)
            self.explain()

    @work(exclusive=True, group="method")
    async def action_layer(self) -> None:
        """One more, under the others."""
        if len(self.asked) >= MOST:
            self.app.notify(f"There is room for {MOST} layers: drop one with k.")
            return
        model = await self.app.push_screen_wait(Pick("add: model", self._models(), None))
        if model is None:
            return
        method = await self.app.push_screen_wait(Pick(f"add: {model} by", self._methods(), DEFAULT))
        if method is not None and Layer(model, method) not in self.asked:
            self.asked.append(Layer(model, method))
            self.explain()

    @work(exclusive=True, group="survey")
    async def survey(self) -> None:
        """Ask which methods plug-ins bring; nobody waits for that."""
        found = await self.hub_app.guarded(self.hub_app.ask(Survey(), Surveyed, patient=True))
        known = {choice.key for choice in METHODS}
        further = [name for name in (found.methods if found else ()) if name not in known]
        self._further = [Choice(name, name, "plug-in") for name in further]

    def _methods(self) -> list[Choice]:
        """Those that come with the hub, then those of plug-ins."""
        return [*METHODS, *self._further]

    def action_drop(self) -> None:
        """The last layer."""
        if len(self.asked) > 1:
            self.asked.pop()
            self.explain()
