"""Attribution methods by name, with the options they take; torch-free, so that they can be listed fast.

A method is any function `method(model, x, **options)` that returns a tensor of the shape of x. There x is one-hot
(batch, 4, length), the model takes it to logits (batch,), and the result is the *hypothetical* attribution: what each
of the four bases means, or would mean, at each position. Packages offer their own through the hook
`tfbs_attribution_methods`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from tfbs_hub.errors import UsageError
from tfbs_hub.plugins import resolve

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["BUILTIN", "DEFAULT", "RECOMMENDED", "Method", "find_method"]

BUILTIN: Final = {
    "gradient": "tfbs_hub.attribution.gradients:gradient",
    "integrated-gradients": "tfbs_hub.attribution.integrated:integrated_gradients",
    "mutagenesis": "tfbs_hub.attribution.mutagenesis:mutagenesis",
    "saliency": "tfbs_hub.attribution.gradients:saliency",
    "shiftsmooth": "tfbs_hub.attribution.shiftsmooth:shiftsmooth",
    "shiftsmooth-padded": "tfbs_hub.attribution.shiftsmooth:shiftsmooth_padded",
    "smoothgrad": "tfbs_hub.attribution.smoothgrad:smoothgrad",
}
"""Methods that come with the hub, by name, as `module:function`."""

DEFAULT: Final = "shiftsmooth"
"""The paper's."""
RECOMMENDED: Final = "integrated-gradients"
"""The best by what was measured (docs/attribution.md)."""

_UNSIGNED: Final = frozenset({BUILTIN["saliency"]})


@dataclass(frozen=True, eq=False)
class Method:
    """An attribution method with its options settled: `method(model, x)`.

    Attributes:
        name: what it is called in messages and files.
        function: `(model, x, **options)` to a tensor of the shape of x.
        options: keyword options that are passed on.
        signed: False if the sign was thrown away, so that no gradient correction can follow.
    """

    name: str
    function: Callable[..., Tensor]
    options: Mapping[str, Any] = field(default_factory=dict)
    signed: bool = True

    def __call__(self, model: nn.Module, x: Tensor) -> Tensor:
        """Hypothetical attribution, of the shape of one-hot x (batch, 4, length)."""
        return self.function(model, x, **self.options)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every option with the value in force, defaults included, as far as they are plain values."""
        values = {**{each.name: each.default for each in self._parameters()}, **self.options}
        return {name: value for name, value in values.items() if isinstance(value, bool | int | float | str)}

    def takes(self, option: str) -> bool:
        """True if the method has a keyword option of this name, such as "shifts"."""
        return option in self._known_options()

    def with_options(self, **options: Any) -> Method:
        """The method with further options; raises `UsageError` for one that it does not take."""
        for option in options:
            if not self.takes(option):
                known = ", ".join(self._known_options())
                raise UsageError(
                    f"the method {self.name} has no option {option!r}",
                    hint=f"its options are: {known}" if known else "it has no options",
                )
        return replace(self, options={**self.options, **options})

    def _known_options(self) -> list[str]:
        return [each.name for each in self._parameters()]

    def _parameters(self) -> list[inspect.Parameter]:
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except ValueError:
            # Some compiled functions do not tell.
            return []
        return [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]


def find_method(name: str, known: Mapping[str, str] = BUILTIN, **options: Any) -> Method:
    """The method called `name`, imported.

    Args:
        name: a key of `known`.
        known: methods by name as `module:function`, for instance `PluginManager.attribution_methods()`.
        options: keyword options of the method.

    Raises:
        UsageError: no method has this name, or it does not take one of the options.
        PluginError: it cannot be imported.
    """
    reference = known.get(name)
    if reference is None:
        near = get_close_matches(name, known, n=1)
        hint = f"the methods are: {', '.join(sorted(known))}"
        raise UsageError(
            f"there is no attribution method {name!r}", hint=f"did you mean {near[0]}? {hint}" if near else hint
        )
    return Method(name, resolve(reference), signed=reference not in _UNSIGNED).with_options(**options)
