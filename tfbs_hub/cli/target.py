"""Where a command's data goes: stdout, or a file that appears only when it is whole."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from tfbs_hub.errors import NotFoundError, UsageError
from tfbs_hub.files import storage_error

__all__ = ["checked_target", "staged"]

_IN_MEMORY: Final = 1 << 20
"""Characters held back in memory; more go to a temporary file."""


@contextmanager
def staged(output: str | None, *, whole: bool = False) -> Iterator[IO[str]]:
    """A text file to write to: stdout for None, else one that replaces `output` when the context ends well.

    What `output` names already and is no regular file, such as /dev/stdout or a named pipe, is written to as it is.

    Args:
        whole: let nothing reach stdout before the context ends well; half a JSON document is none.
    """
    if output is None:
        if not whole:
            yield sys.stdout
            return
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8") as spool:
            yield spool
            spool.seek(0)
            shutil.copyfileobj(spool, sys.stdout)
        return
    target = Path(output)
    with _refusals(target):
        as_it_is = target.exists() and not target.is_file()
    if as_it_is:
        with _refusals(target), target.open("w", encoding="utf-8") as file:
            yield file
        return
    target = target.resolve()
    if not target.parent.is_dir():
        raise NotFoundError("the folder does not exist", where=str(target.parent), hint="make it first")
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        with _refusals(target):
            with part.open("x", encoding="utf-8") as file:
                yield file
            part.replace(target)
    finally:
        with suppress(OSError):  # it was moved, or was never made
            part.unlink()


def checked_target(output: str) -> Path:
    """Where a regular file can be put, said before hours of work: the folder is there, and nothing else is in the way.

    Raises:
        NotFoundError: the folder does not exist.
        UsageError: `output` names something that is no regular file.
        StorageError: the folder cannot be written.
    """
    target = Path(output)
    with _refusals(target):
        if target.exists() and not target.is_file():
            raise UsageError("this is not a regular file", where=output, hint="name a file to write")
        target = target.resolve()
        if not target.parent.is_dir():
            raise NotFoundError("the folder does not exist", where=str(target.parent), hint="make it first")
        with tempfile.TemporaryFile(dir=target.parent):
            return target


@contextmanager
def _refusals(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, target) from error
