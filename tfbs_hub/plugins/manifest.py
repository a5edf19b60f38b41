"""Manifests: `tfbs_hub.toml` in a package, read without importing the package."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any, Final

import msgspec

from tfbs_hub.cards import parse_expert_card
from tfbs_hub.errors import PluginError
from tfbs_hub.hookspecs import API_VERSION, ExpertSpec
from tfbs_hub.limits import MAX_CARD_BYTES, MAX_MANIFEST_BYTES
from tfbs_hub.names import DIGEST, check_name
from tfbs_hub.plugins.references import check_reference

__all__ = [
    "FILE_NAME",
    "ExpertRow",
    "Manifest",
    "check_api_version",
    "expert_spec",
    "package_folder",
    "read_manifest",
    "said_api_version",
]

FILE_NAME: Final = "tfbs_hub.toml"
_UNSAID: Final = 1
"""The version that a hook package without a manifest was written for, for ever: the first one asked for none."""


class ExpertRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[expert]]` of a manifest; paths are relative to the package, `sha256` is that of the weights file."""

    name: str
    tf: str
    architecture: str
    weights: str
    sha256: str
    card: str
    gate_set: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A manifest as written; that the files exist and agree with it is checked by `expert_spec`."""

    api_version: int
    expert: tuple[ExpertRow, ...] = ()


def package_folder(package: str) -> Path:
    """The folder of a top-level package, found without importing it.

    Raises:
        PluginError: it is no top-level name, is not installed, is a single module or a namespace package,
            or does not lie in a folder (an archive, a frozen package).
    """
    # Looking for a dotted name would import its parent.
    if not package.isidentifier():
        raise PluginError(f"{package!r} is not the name of a top-level package")
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError) as error:
        raise PluginError(f"the package {package} cannot be found: {error}") from error
    if spec is None:
        raise PluginError(f"the package {package} is not installed")
    if spec.submodule_search_locations is None:
        raise PluginError(f"{package} is a single module; a manifest needs a package")
    if spec.origin is None:
        raise PluginError(f"{package} is a namespace package", hint="give it an __init__.py")
    folder = Path(spec.origin).parent
    # A frozen package has an origin that is no path, and would send us to the current folder.
    if not spec.has_location or not folder.is_dir():
        raise PluginError(f"the package {package} does not lie in a folder", hint="install it unpacked")
    return folder


def read_manifest(folder: Path) -> Manifest:
    """Read `folder/tfbs_hub.toml`.

    Raises:
        PluginError: missing, too large, not TOML, for another API version, a wrong type or an unknown key.
    """
    raw, where = _parsed(folder)
    try:
        return msgspec.convert(raw, Manifest)
    except msgspec.ValidationError as error:
        raise PluginError(str(error), where=where) from error


def said_api_version(module: str) -> int | None:
    """The version of the contract that the package of a hook module says it was written for; nothing is imported.

    It says so in the `tfbs_hub.toml` of its top-level package. None where it has no such file, or is no package in
    a folder (a single module, for instance).

    Raises:
        PluginError: the file is not TOML, says nothing of the version, or names another than this tfbs-hub reads.
    """
    try:
        folder = package_folder(module.partition(".")[0])
    except PluginError:
        return None  # if the module is not there at all, importing it will say so
    if not (folder / FILE_NAME).exists():
        return None
    version: int = _parsed(folder)[0]["api_version"]
    return version


def check_api_version(module: str) -> None:
    """Raise `PluginError` if a hook module must not be imported: it was written for another version of the contract.

    A package that does not say was written for version 1.
    """
    if said_api_version(module) is None:
        _check_version(_UNSAID, f"{module}: api_version")


def _parsed(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest in `folder` as TOML, its API version checked, and what to call it in errors."""
    where = f"{folder.name}/{FILE_NAME}"
    data = _read(_inside(folder, FILE_NAME, where), MAX_MANIFEST_BYTES, where)
    try:
        raw = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise PluginError(f"not valid TOML: {error}", where=where) from error
    _check_version(raw.get("api_version"), f"{where}: api_version")
    return raw, where


def expert_spec(folder: Path, row: ExpertRow, origin: str) -> ExpertSpec:
    """The expert that `row` of the manifest in `folder` describes; `origin` says who brings it.

    The card is read and compared with the row. The weights file must exist, but its digest is left to
    whoever loads it.

    Raises:
        PluginError, UsageError, IntegrityError: the row, a path in it, or its card is wrong.
    """
    where = f"{folder.name}/{FILE_NAME}: {row.name}"
    check_name(row.name)
    check_reference(row.architecture, f"{where}: architecture")
    if not DIGEST.fullmatch(row.sha256):
        raise PluginError(f"{row.sha256!r} is not a sha256 digest", where=f"{where}: sha256")
    weights = _inside(folder, row.weights, f"{where}: weights")
    card_file = _inside(folder, row.card, f"{where}: card")
    gate_set = None if row.gate_set is None else _inside(folder, row.gate_set, f"{where}: gate_set")
    card = parse_expert_card(_read(card_file, MAX_CARD_BYTES, f"{where}: card"), f"{folder.name}/{row.card}")
    said = {"name": row.name, "tf": row.tf, "architecture": row.architecture, "sha256": row.sha256}
    known = {"name": card.name, "tf": card.tf, "architecture": card.architecture, "sha256": card.weights_sha256}
    for key, value in said.items():
        if value != known[key]:
            raise PluginError(f"the manifest says {value!r}, the card {known[key]!r}", where=f"{where}: {key}")
    if gate_set is not None and card.gate_set.kind != "stored":
        raise PluginError(
            f"the card says that the gate set is {card.gate_set.kind!r}, so none may travel with the package",
            where=f"{where}: gate_set",
        )
    return ExpertSpec(card=card, weights=weights, gate_set=gate_set, origin=origin)


def _check_version(version: Any, where: str) -> None:
    if version is None:
        raise PluginError(f"missing; write api_version = {API_VERSION}", where=where)
    if type(version) is not int or version != API_VERSION:
        newer = type(version) is int and version > API_VERSION
        raise PluginError(
            f"{repr(version)[:40]} is not the version that this tfbs-hub reads, {API_VERSION}",
            where=where,
            hint="update tfbs-hub" if newer else "update the package",
        )


def _inside(folder: Path, relative: str, where: str) -> Path:
    """The existing regular file `relative` to `folder`, which neither the text nor a link may leave."""
    path = PurePosixPath(relative)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in relative or "\0" in relative:
        raise PluginError(f"{relative!r} is not a path inside the package", where=where)
    home = folder.resolve()
    missing = PluginError(f"there is no file {relative[:80]!r} in the package", where=where)
    try:
        target = (home / path).resolve()
        found = target.is_file()
    except (OSError, RuntimeError) as error:  # a name that no file can have, or links in a circle
        raise missing from error
    if not target.is_relative_to(home):
        raise PluginError(f"{relative!r} leads out of the package through a link", where=where)
    if not found:
        raise missing
    return target


def _read(path: Path, limit: int, where: str) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise PluginError(f"may have {limit} bytes, this has more", where=where)
    return data
