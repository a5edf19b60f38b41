"""What the mixture says of a sequence, and what each expert has to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Size
from textual.widget import Widget

from tfbs_hub.tui.charts import bar, signed_bar
from tfbs_hub.tui.text import cut
from tfbs_hub.workbench.messages import Weighed

if TYPE_CHECKING:
    from tfbs_hub.tui.app import HubApp

__all__ = ["GatePanel"]


class GatePanel(Widget):
    """Probability, logit, and for each expert its weight and its part of the logit; beside it, what was before."""

    def __init__(self, classes: str) -> None:
        super().__init__(id="gate-panel", classes=classes)
        self.border_title = "prediction"
        self._now: Weighed | None = None
        self._before: Weighed | None = None
        self._asked = False

    def show(self, now: Weighed | None, before: Weighed | None, *, asked: bool) -> None:
        """The prediction, and that of the sequence before it was changed; None where there is no gate to ask."""
        self._now, self._before, self._asked = now, before, asked
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Room for every expert, where the height is ours to choose."""
        return 6 + (len(self._now.experts) if self._now is not None else 0)

    def render(self) -> RenderResult:
        """As wide as the panel."""
        now = self._now
        if now is None:
            return Text("no gate yet: train one on screen 2" if self._asked else "", style="dim")
        width, height = max(self.content_size.width, 20), self.content_size.height
        text = self._head(now)
        if height > 3:
            text.append("\n")
            text.append(bar(now.probability, width), self._accent)
        if height > 5 + len(now.experts):
            text.append("\n\n")
            text.append(f"{'':<{_name_width(now)}} {'weight':<{_part(width, now)}}  of the logit\n", "dim")
        else:
            text.append("\n")
        return text.append_text(self._experts(now, width))

    @property
    def _accent(self) -> str:
        return cast("HubApp", self.app).colours["accent"]

    def _head(self, now: Weighed) -> Text:
        text = Text(no_wrap=True)
        text.append(f"{now.probability:.3f}", "bold")
        text.append(" bound  ", "dim")
        text.append(f"{now.logit:+.2f}", "bold")
        text.append(" logit", "dim")
        if self._before is not None:
            change = now.logit - self._before.logit
            sign = "▲" if change > 0 else "▼" if change < 0 else "="
            text.append(f"  {sign}{abs(change):.2f}", f"bold {self._accent}")
            text.append(f" ← {self._before.probability:.3f}", "dim")
        return text

    def _experts(self, now: Weighed, width: int) -> Text:
        name, part = _name_width(now), _part(width, now)
        scale = max((abs(value) for value in now.contribution), default=0.0) or 1.0
        text = Text(no_wrap=True)
        order = sorted(range(len(now.experts)), key=lambda place: -now.alpha[place])
        for place in order:
            left, right = signed_bar(now.contribution[place], scale, max(part // 2, 2))
            text.append(f"{cut(now.experts[place], name):<{name}} ")
            text.append(bar(now.alpha[place], part), "dim")
            text.append(f"{now.alpha[place]:5.2f} ")
            text.append(f"{left}│{right}", "dim" if now.contribution[place] < 0 else "")
            text.append(f"{now.contribution[place]:+.2f}\n")
        text.append(f"{'bias':<{name}} {'':<{part}}{'':5} {'':<{max(part // 2, 2) * 2 + 1}}{now.bias:+.2f}", "dim")
        return text


def _name_width(now: Weighed) -> int:
    return min(max((len(name) for name in now.experts), default=4), 12)


def _part(width: int, now: Weighed) -> int:
    """Columns of the bar of weights; that of contributions takes as many."""
    return max((width - _name_width(now) - 14) // 2, 3)
