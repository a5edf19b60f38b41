"""What a user can ask for when adding an expert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

__all__ = ["Request"]

_PATH: Final = "Path | None"
_PATHS: Final = "tuple[Path, ...]"


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of `Hub.add_expert` and of `tfbs-hub add-expert`; paths may be given as strings.

    Attributes:
        tf: the transcription factor.
        name: the expert's name; the factor's by default, `TF_cell` if that is taken.
        replace: let the new version take the place of the expert of that name.
        source: "encode" (default without data), "jaspar", "files", or a plug-in's.
        data: files of the user's own sequences.
        peaks, genome, window: peaks to cut from a genome, and the length of the windows (default 101 bp).
        cell, file: which experiment, where a source has several; with the user's own data, the cell they are of.
        test: labelled file to score the finished expert on.
        exclude: files whose sequences must not be trained on (nor any that shares a 32-mer with one of them).
        others: files of other TFs' peaks, for the negatives "other-tfs" and "mixed".
        negatives: "dinucleotide", "genomic", "other-tfs", "mixed" (half shuffles, half other TFs' peaks) or "given";
            by default those that came with the data, else "dinucleotide".
        architecture: "residual" (default), "deepbind", "pwm", or a plug-in's.
        motif: matrix in MEME or JASPAR form, for "pwm".
        config, recipe: changes to the architecture's configuration and recipe.
        trials: size of a hyperparameter search.
        device: "auto", "cpu" or "cuda".
        seed: from which every random choice follows.
        gate_data: False leaves the gate set out.
    """

    tf: str
    name: str | None = None
    replace: bool = False
    source: str | None = None
    data: tuple[Path, ...] = ()
    peaks: Path | None = None
    genome: Path | None = None
    window: int | None = None
    cell: str | None = None
    file: str | None = None
    test: Path | None = None
    exclude: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    negatives: str | None = None
    architecture: str | None = None
    motif: Path | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 0
    device: str = "auto"
    seed: int = 0
    gate_data: bool = True

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type == _PATH and value is not None:
                object.__setattr__(self, each.name, Path(value))
            elif each.type == _PATHS:
                many = (value,) if isinstance(value, str | Path) else value
                object.__setattr__(self, each.name, tuple(map(Path, many)))
