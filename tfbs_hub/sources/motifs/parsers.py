"""Motif files: MEME's text format and JASPAR's matrices of counts.

MEME, version 4 and above (minimal or full; other sections are passed over):

    MEME version 4
    ALPHABET= ACGT
    MOTIF MA0037.3 GATA3
    letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
    0.10 0.20 0.30 0.40          one row a position, columns A, C, G, T
    ...

JASPAR, where the header line, the letters and the brackets may each be missing:

    >MA0037.3 GATA3
    A [ 10  0 ]                  one row a base; rows without letters are A, C, G, T
    ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfbs_hub.errors import InputError, NotFoundError
from tfbs_hub.limits import MAX_MOTIF_FILE_BYTES
from tfbs_hub.registry.storage import read_capped
from tfbs_hub.sources.motifs.motif import Motif

__all__ = ["read_motifs"]

_ROUNDING = 0.05
"""How far the sum of a row of printed probabilities may be from 1."""

_Lines = Iterator[tuple[int, str]]
_SETTING = re.compile(r"(\w+)\s*=\s*(\S+)")
_JASPAR_LETTER = re.compile(r"([ACGTacgt])(?=[\s:|\[])\s*[:|]?\s*")


def read_motifs(path: Path) -> list[Motif]:
    """All motifs of a file in MEME or JASPAR format, which is told by the content.

    Raises:
        NotFoundError: there is no such file.
        InputError: the file is neither, holds no motif, or a matrix is wrong; says the line.
    """
    text = _text(path)
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    filled = ((number, line) for number, line in lines if line and not line.startswith("#"))
    meme = re.match(r"\s*(#.*\n\s*)*MEME version", text) is not None
    motifs = _read_meme(filled, path) if meme else _read_jaspar(filled, path)
    if not motifs:
        raise InputError("the file holds no motif", where=str(path))
    return motifs


def _text(path: Path) -> str:
    if path.is_dir():
        raise InputError("this is a folder", where=str(path), hint="name a file in it")
    try:
        text = read_capped(path, MAX_MOTIF_FILE_BYTES).decode()
    except UnicodeDecodeError as error:
        raise _not_motifs(f"{path}: byte {error.start}") from error
    except FileNotFoundError as error:
        raise NotFoundError("there is no such motif file", where=str(path)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_motifs(where: str) -> InputError:
    return InputError("not a motif file", where=where, hint="give matrices in MEME (version 4) or JASPAR format")


def _read_meme(lines: _Lines, path: Path) -> list[Motif]:
    motifs: list[Motif] = []
    title: list[str] = []
    for number, line in lines:
        if line.startswith("ALPHABET") and not re.fullmatch(r'ALPHABET(\s*=\s*ACGT|\s+"?DNA.*)', line, re.IGNORECASE):
            raise InputError("only motifs of DNA (ALPHABET= ACGT) can be used", where=f"{path}:{number}")
        if line.startswith("MOTIF"):
            title = line.split(maxsplit=2)[1:]
            if not title:
                raise InputError("a motif needs a name", where=f"{path}:{number}")
        elif line.startswith("letter-probability matrix"):
            if not title:
                raise InputError("a matrix without a MOTIF line before it", where=f"{path}:{number}")
            motifs.append(_meme_matrix(lines, title, dict(_SETTING.findall(line)), f"{path}:{number}", path))
            title = []
    return motifs


def _meme_matrix(lines: _Lines, title: list[str], settings: dict[str, str], where: str, path: Path) -> Motif:
    if settings.get("alength", "4") != "4":
        raise InputError(f"a motif of DNA has 4 letters, not {settings['alength']}", where=where)
    try:
        width, sites = int(settings["w"]), float(settings.get("nsites", "0"))
    except (KeyError, ValueError) as error:
        raise InputError("the matrix needs its width as 'w= NUMBER'", where=where) from error
    rows: list[list[float]] = []
    while len(rows) < width:
        number, line = next(lines, (0, ""))
        if not number:
            raise InputError(f"the matrix has {len(rows)} rows, {width} were announced", where=where)
        row = _numbers(line, f"{path}:{number}")
        if len(row) != 4 or min(row) < 0 or abs(sum(row) - 1) > _ROUNDING:
            raise InputError("a row needs the 4 probabilities of A, C, G, T, with sum 1", where=f"{path}:{number}")
        rows.append(row)
    if not rows:
        raise InputError("the matrix has no rows", where=where)
    matrix = np.array(rows).T
    name = title[-1].strip()
    return Motif(title[0], name, matrix / matrix.sum(axis=0), source=path.name, sites=sites)


def _numbers(text: str, where: str) -> list[float]:
    try:
        values = [float(word) for word in text.split()]
    except ValueError as error:
        raise InputError(f"{text[:40]!r} are not numbers", where=where) from error
    if not np.isfinite(values).all():
        raise InputError("a matrix cannot hold infinite numbers", where=where)
    return values


def _read_jaspar(lines: _Lines, path: Path) -> list[Motif]:
    motifs: list[Motif] = []
    title, start = [path.stem], 0
    rows: dict[str, list[float]] = {}
    for number, line in lines:
        if line.startswith(">"):
            if start:
                motifs.append(_jaspar_matrix(title, rows, f"{path}:{start}", path))
            title, start, rows = line[1:].split(maxsplit=1), number, {}
            if not title:
                raise InputError("a motif needs a name", where=f"{path}:{number}")
            continue
        start = start or number
        base, values = _jaspar_row(line, len(rows), f"{path}:{number}")
        if base in rows:
            raise InputError(f"the motif has a second row for {base}", where=f"{path}:{number}")
        rows[base] = values
    if start:
        motifs.append(_jaspar_matrix(title, rows, f"{path}:{start}", path))
    return motifs


def _jaspar_row(line: str, place: int, where: str) -> tuple[str, list[float]]:
    letter = _JASPAR_LETTER.match(line)
    numbers = (line[letter.end() :] if letter else line).removeprefix("[").removesuffix("]")
    if not numbers.strip() or re.search("[^-+.0-9eE\\s]", numbers):
        raise _not_motifs(where)
    if letter is None and place > 3:
        raise InputError("a matrix of counts has 4 rows, one a base; this is the fifth", where=where)
    return letter[1].upper() if letter else "ACGT"[place], _numbers(numbers, where)


def _jaspar_matrix(title: list[str], rows: dict[str, list[float]], where: str, path: Path) -> Motif:
    missing = [base for base in "ACGT" if base not in rows]
    if missing:
        raise InputError(f"the motif has no row for {', '.join(missing)}", where=where)
    if len({len(row) for row in rows.values()}) > 1:
        raise InputError("the rows of the motif differ in length", where=where)
    try:
        return Motif.from_counts(title[0], title[-1].strip(), [rows[base] for base in "ACGT"], source=path.name)
    except InputError as error:
        raise InputError(error.what, where=where, hint=error.hint) from error
