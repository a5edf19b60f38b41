"""Experts: small networks that each know one transcription factor's sites."""

from typing import Final

__all__ = ["BUILTIN"]

BUILTIN: Final = {
    "deepbind": "tfbs_hub.experts.deepbind:DeepBind",
    "pwm": "tfbs_hub.experts.pwm:PWM",
    "residual": "tfbs_hub.experts.residual:Residual",
}
"""Architectures that come with the hub, by name, as `module:Class`."""
