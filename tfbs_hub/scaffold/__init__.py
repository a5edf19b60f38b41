"""The skeleton of a plug-in package, written for an author: templates are the `*.template` files beside this one."""

from __future__ import annotations

import keyword
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

from tfbs_hub.errors import UsageError
from tfbs_hub.files import storage_error
from tfbs_hub.hookspecs import API_VERSION

__all__ = ["KINDS", "write_plugin"]

KINDS: Final = ("weights", "architecture", "source")
"""What a package can be begun as; one may bring all of them in the end."""

_ENTRY_POINTS: Final = {
    "weights": '[project.entry-points."tfbs_hub.manifest"]\n$name = "$module"',
    "architecture": '[project.entry-points.tfbs_hub]\n$name = "$module.hooks"',
    "source": '[project.entry-points.tfbs_hub]\n$name = "$module.hooks"',
}
_SUMMARIES: Final = {
    "weights": "Transcription-factor-binding experts for tfbs-hub.",
    "architecture": "An architecture of transcription-factor-binding experts for tfbs-hub.",
    "source": "A source of training sequences for tfbs-hub.",
}
_NORMAL: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SUFFIX: Final = ".template"


def write_plugin(name: str, kind: str, parent: Path) -> Path:
    """Write the folder `parent/name`: all of it, or nothing.

    Args:
        name: the distribution's name in its normal form (PEP 503): lower case, digits, single hyphens.
        kind: one of `KINDS`.

    Returns:
        The new folder.

    Raises:
        UsageError: the name cannot be one, or something is called so already.
        StorageError: the file system refuses.
    """
    module = _module_name(name)
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}", hint=f"use one of {', '.join(KINDS)}")
    target = parent / name
    if target.exists() or target.is_symlink():
        raise UsageError("something of this name is there already", where=str(target), hint="choose another name")
    values = _values(name, module, kind)
    stage = parent / f".{name}.{secrets.token_hex(8)}.part"
    try:
        stage.mkdir()
        for relative, text in _rendered(kind, values):
            path = stage / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        stage.rename(target)
    except OSError as error:
        raise storage_error(error, target) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return target


def _module_name(name: str) -> str:
    """The top-level package of a distribution; raises `UsageError` for a name that cannot be one."""
    normal = re.sub(r"[-_.]+", "-", name).strip("-").lower()
    if not _NORMAL.fullmatch(name) or len(name) > 64:
        hint = f"write {normal}" if _NORMAL.fullmatch(normal) and len(normal) <= 64 else None
        raise UsageError(
            f"{name!r} is not a name of at most 64 lower-case letters, digits and single hyphens",
            hint=hint or "for instance my-experts",
        )
    module = name.replace("-", "_")
    taken = module in sys.stdlib_module_names or module in {"tfbs_hub", "torch", "numpy"}
    if not module.isidentifier() or keyword.iskeyword(module) or taken:
        raise UsageError(
            f"{module!r} cannot be the name of a Python package of yours", hint=f"for instance tfbs-{name}"
        )
    return module


def _values(name: str, module: str, kind: str) -> dict[str, str]:
    short = name.removeprefix("tfbs-").removeprefix("arch-").removeprefix("source-") or name
    words = "".join(part.capitalize() for part in short.split("-"))
    values = {
        "name": name,
        "module": module,
        "short": short,
        "class_name": words if words.isidentifier() else f"Net{words}",
        "variable": f"{module.upper()}_FOLDER",
        "summary": _SUMMARIES[kind],
        "api_version": str(API_VERSION),
    }
    values["entry_points"] = Template(_ENTRY_POINTS[kind]).substitute(values)
    values["publishing"] = _templates().joinpath(f"publishing.md{_SUFFIX}").read_text(encoding="utf-8").rstrip()
    return values


def _templates() -> Traversable:
    return files("tfbs_hub.scaffold") / "templates"


def _rendered(kind: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Path and text of every file."""
    for folder in ("common", kind):
        for relative, template in _walk(_templates() / folder, ""):
            text = Template(template.read_text(encoding="utf-8")).substitute(values)
            yield relative.replace("__module__", values["module"]).removesuffix(_SUFFIX), text


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if each.is_dir():
            yield from _walk(each, f"{prefix}{each.name}/")
        elif each.name.endswith(_SUFFIX):
            yield f"{prefix}{each.name}", each
