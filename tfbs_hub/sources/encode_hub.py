"""The Hugging Face hub as a place of ENCODE files: the public data set `Lab-Rasool/ENCODE-TFBS`.

The list of its files is kept in the user's cache with the revision it is of, so that the same names are offered
whether or not there is a network. `HF_ENDPOINT`, `HF_HUB_OFFLINE` and the like count as they do for `huggingface_hub`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tfbs_hub import settings
from tfbs_hub.errors import IntegrityError, NotFoundError, OfflineError
from tfbs_hub.files import storage_error, write_whole
from tfbs_hub.limits import LISTING_SECONDS
from tfbs_hub.names import DIGEST
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.sources.download import one_at_a_time, sha256_of
from tfbs_hub.sources.encode_index import is_encode_name
from tfbs_hub.sources.encode_places import Cache

__all__ = ["REPOSITORY", "HuggingFace"]

REPOSITORY = "Lab-Rasool/ENCODE-TFBS"
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})


class _Index(msgspec.Struct, frozen=True):
    """The data set's files at one revision: path in the repository to sha256 ("" where the hub gives none)."""

    revision: str
    files: dict[str, str]


class HuggingFace:
    """The data set on the hub; files go into the user's cache."""

    def __init__(self, cache: Cache, report: Report = silent, *, offline: bool = False) -> None:
        self.cache = cache
        self.report = report
        self.offline = offline
        self._index: _Index | None = None

    @property
    def title(self) -> str:
        """What to call the place in messages."""
        return f"the Hugging Face data set {REPOSITORY}"

    @property
    def _list(self) -> Path:
        return self.cache.folder / "index.json"

    def listing(self, tf: str) -> Mapping[str, str]:
        """All files of the set, from the cached list if `tf` is in it, else from the hub."""
        wanted = f"{tf.lower()}_"
        index = self._load(lambda name: name.lower().startswith(wanted))
        return {_name(path): digest for path, digest in index.files.items()}

    def bring(self, name: str, sha256: str) -> Path | None:
        """The file, downloaded into the cache; raises `IntegrityError` if the hub has other bytes under its name."""
        index = self._load(lambda known: known == name)
        path = next((path for path in index.files if _name(path) == name), None)
        if path is None:
            return None
        promised = sha256 or index.files[path]
        if not promised:
            raise IntegrityError("the hub gives no digest for this file, so it cannot be checked", where=name)
        self._refuse_if_offline()
        target = self.cache.path(name, promised)
        with one_at_a_time(target):
            if self.cache.bring(name, promised) is None:
                self._download(path, index.revision, promised, target)
        return target

    def _download(self, path: str, revision: str, sha256: str, target: Path) -> None:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - only a download needs it

        task = f"downloading {target.name}"
        self.report(Event(task, message=f"from {self.title}"))
        stale = f"if the data set was made anew, remove the list of its files: {self._list}"
        with _plain_errors(f"{self.title}: {path}", stale):
            staged = Path(
                hf_hub_download(
                    REPOSITORY, path, repo_type="dataset", revision=revision, local_dir=self.cache.folder / "hub"
                )
            )
        found = sha256_of(staged)
        if found != sha256:
            staged.unlink()
            raise IntegrityError(
                f"the hub sent other bytes than promised (sha256 {found}, expected {sha256})",
                where=path,
                hint="nothing was kept; if this happens again, the data set has changed",
            )
        size = staged.stat().st_size
        try:
            staged.replace(target)
        except OSError as error:
            raise storage_error(error, target) from error
        self.report(Event(task, size, size))

    def _load(self, has: Callable[[str], bool]) -> _Index:
        """The newest index known, asked from the hub if no file in the cached one is wanted."""
        kept = self._index or self._cached()
        if kept is None or (self._index is None and not any(has(_name(path)) for path in kept.files)):
            kept = self._asked()
        self._index = kept
        return kept

    def _cached(self) -> _Index | None:
        try:
            return msgspec.json.decode(self._list.read_bytes(), type=_Index)
        except (FileNotFoundError, msgspec.MsgspecError):
            # A damaged copy is as good as none: it is asked for again.
            return None

    def _asked(self) -> _Index:
        self._refuse_if_offline()
        from huggingface_hub import HfApi  # noqa: PLC0415 - only a look at the hub needs it

        self.report(Event("listing the ENCODE set", message=f"asking {self.title}"))
        with _plain_errors(self.title):
            found = HfApi().dataset_info(REPOSITORY, files_metadata=True, timeout=LISTING_SECONDS)
        files = {each.rfilename: each.lfs.sha256 if each.lfs else "" for each in found.siblings or []}
        index = _Index(
            revision=found.sha or "main",
            files={
                path: digest if DIGEST.fullmatch(digest) else ""
                for path, digest in sorted(files.items())
                if is_encode_name(_name(path)) and not path.startswith("/") and ".." not in path.split("/")
            },
        )
        write_whole(self._list, msgspec.json.encode(index))
        return index

    def _refuse_if_offline(self) -> None:
        if self.offline or settings.offline():
            raise OfflineError(f"{self.title} lies behind a network that may not be used")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


@contextmanager
def _plain_errors(where: str, hint: str | None = None) -> Iterator[None]:
    """Say what huggingface_hub's errors mean in terms of `tfbs_hub.errors`."""
    import httpx2  # noqa: PLC0415 - as huggingface_hub
    from huggingface_hub import errors  # noqa: PLC0415

    try:
        yield
    except (errors.EntryNotFoundError, errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        if isinstance(error, errors.LocalEntryNotFoundError):
            raise OfflineError("the Hugging Face hub cannot be reached", where=where) from error
        raise NotFoundError("the Hugging Face hub does not have it", where=where, hint=hint) from error
    except errors.OfflineModeIsEnabled as error:
        raise OfflineError("the network may not be used: HF_HUB_OFFLINE is set", where=where) from error
    except (OSError, httpx2.HTTPError) as error:
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            raise storage_error(error, where) from error
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise OfflineError(f"the Hugging Face hub cannot be reached: {reason}", where=where) from error
    except (ValueError, KeyError, TypeError) as error:
        raise OfflineError("the answer does not come from a Hugging Face hub", where=where) from error
