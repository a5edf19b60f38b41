"""Finds plug-in packages, keeps their failures apart, and calls their hooks.

A package tells tfbs-hub about itself in two entry-point groups; it may use either or both:

    [project.entry-points."tfbs_hub.manifest"]
    my-experts = "my_experts"                 # a top-level package that holds the file tfbs_hub.toml

    [project.entry-points.tfbs_hub]
    my-experts = "my_experts.hooks"           # a module of hook implementations (tfbs_hub.hookspecs)

The manifest is read without importing the package, so a package that only ships experts needs no code:

    api_version = 1

    [[expert]]
    name = "STAT3_K562"
    tf = "STAT3"
    architecture = "tfbs_hub.experts.residual:Residual"
    weights = "experts/STAT3_K562/weights.safetensors"      # paths are relative to the package
    sha256 = "9f86d08188…"                                  # of the weights file, 64 digits
    card = "experts/STAT3_K562/card.json"
    gate_set = "experts/STAT3_K562/gate-set.h5"             # optional; only where the card says "stored"

Name, TF, architecture and digest must say what the card says. Hook modules are imported only when a hook is called,
and only if the `api_version` in the `tfbs_hub.toml` of their top-level package is the one that this tfbs-hub reads; a
package of hooks alone needs no more than that line, and one without the file was written for version 1.
Whatever a package does wrong is kept as a `PluginFailure` and costs one warning line; the others go on.
"""

from __future__ import annotations

from tfbs_hub.plugins.discovery import PluginEntry
from tfbs_hub.plugins.failures import PluginFailure
from tfbs_hub.plugins.manager import Offer, PluginManager
from tfbs_hub.plugins.references import resolve
from tfbs_hub.plugins.survey import Package, find_package, survey

__all__ = [
    "Offer",
    "Package",
    "PluginEntry",
    "PluginFailure",
    "PluginManager",
    "find_package",
    "resolve",
    "survey",
]
