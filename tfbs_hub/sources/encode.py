"""The source `encode`: ENCODE ChIP-seq sequences as prepared for DeepBind, one file an experiment and part.

A file comes from the mirror that TFBS_HUB_ENCODE_MIRROR names, else from the user's cache, else from the Hugging Face
hub; its digest is checked wherever it comes from, and what cannot be had is an error, never something else instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tfbs_hub import settings
from tfbs_hub.cards import DataFile
from tfbs_hub.errors import NotFoundError, OfflineError
from tfbs_hub.progress import Event
from tfbs_hub.sequences.dataset import SequenceDataset
from tfbs_hub.sequences.readers import load
from tfbs_hub.sources import files
from tfbs_hub.sources.encode_hub import HuggingFace
from tfbs_hub.sources.encode_index import EncodeFile, choose, is_encode_name, near, parse_name, pinned
from tfbs_hub.sources.encode_places import Cache, FolderMirror, Place, UrlMirror
from tfbs_hub.sources.options import SourceOptions

__all__ = ["EncodeFile", "available", "experiment", "fetch", "fetch_test", "locate_file", "parse_name"]

_WAYS: Final = "connect to the network, or set TFBS_HUB_ENCODE_MIRROR to a folder or URL that holds the files"
_WAYS_TO_TRAIN: Final = f"{_WAYS}, or give sequences with --data FILE, or simulate some with --source jaspar"
_WAYS_TO_MIX: Final = f"{_WAYS}, or simulate the missing sets with --simulated-gate-sets"
_LICENCE: Final = "ENCODE data use policy: free to use, cite the consortium"
_CITATION: Final = (
    "ENCODE Project Consortium 2012, Nature 489:57; prepared by Alipanahi et al. 2015, Nature Biotechnology 33:831"
)
_DEFAULTS: Final = SourceOptions()


class _Places:
    """Where to look, put together once for each call."""

    def __init__(self, options: SourceOptions) -> None:
        mirror = settings.encode_mirror()
        self.cache = Cache(settings.cache_folder() / "encode")
        self.folder: FolderMirror | None = None
        self.server: UrlMirror | None = None
        if mirror is not None and mirror.lower().startswith(("http://", "https://")):
            self.server = None if options.offline else UrlMirror(mirror, self.cache, options.report)
        elif mirror is not None:
            self.folder = FolderMirror(Path(mirror).expanduser())
        self.hub = HuggingFace(self.cache, options.report, offline=options.offline)

    def listing(self) -> list[Place]:
        """Those that can list files, the first first."""
        return [place for place in (self.folder, self.server, self.hub) if place is not None]

    def bring(self, name: str, sha256: str) -> Path | None:
        """The file from the first place that has it."""
        # A cached copy has the digest that was asked for, so asking a server first would bring nothing else.
        for place in (self.folder, self.cache, self.server, self.hub):
            path = None if place is None else place.bring(name, sha256)
            if path is not None:
                return path
        return None


@dataclass(frozen=True)
class _Offer:
    """Training files of one factor, and what their place lists besides: every name with its digest."""

    places: _Places
    files: tuple[EncodeFile, ...]
    digests: Mapping[str, str]


def available(tf: str, options: SourceOptions = _DEFAULTS) -> list[EncodeFile]:
    """The training files (part AC) of a factor, named in upper or lower case, sorted by name.

    They are those of the mirror, if it has any for the factor, else those of the Hugging Face data set.

    Raises:
        NotFoundError: the set has no such factor; the hint holds names spelled alike.
        OfflineError: the mirror has none, and the hub cannot be asked.
    """
    return list(_offer(tf, options).files)


def experiment(tf: str, options: SourceOptions = _DEFAULTS) -> EncodeFile:
    """The training file that `fetch` would read: `options.cell` and `options.file` choose among several.

    Raises:
        UsageError: several are left; the hint lists the choices.
        NotFoundError: none is left, or as `available`.
    """
    return choose(_offer(tf, options).files, options.cell, options.file)


def fetch(tf: str, options: SourceOptions) -> SequenceDataset:
    """The training positives (part AC) of the experiment that `tf`, `options.cell` and `options.file` name.

    Raises:
        UsageError, NotFoundError, OfflineError: as `experiment`.
        IntegrityError: a file differs from its digest.
    """
    offer = _offer(tf, options)
    return _read(choose(offer.files, options.cell, options.file), offer, options)


def fetch_test(tf: str, options: SourceOptions) -> SequenceDataset | None:
    """`options.test` if it is given, else the test rows (part B) of the experiment that `fetch` reads.

    None if the place that has the training rows has no part B of that experiment.
    """
    if options.test is not None:
        return files.fetch_test(tf, options)
    offer = _offer(tf, options)
    other = choose(offer.files, options.cell, options.file).of_part("B")
    return _read(other, offer, options) if other.name in offer.digests else None


def locate_file(file: DataFile, options: SourceOptions = _DEFAULTS) -> Path:
    """The public file that a card refers to, by name and digest, from mirror, cache or hub.

    Raises:
        NotFoundError: nobody has such a file.
        OfflineError: it is not on this machine and the network cannot be used.
        IntegrityError: a place has other bytes under that name.
    """
    with _naming_ways_on(_WAYS_TO_MIX):
        path = _Places(options).bring(file.name, file.sha256) if is_encode_name(file.name) else None
        if path is None:
            raise NotFoundError(f"{file.name} (sha256 {file.sha256}) was not found", hint=_WAYS_TO_MIX)
    return path


def _offer(tf: str, options: SourceOptions) -> _Offer:
    seen: set[str] = set()
    with _naming_ways_on(_WAYS_TO_TRAIN, tf, seen):
        places = _Places(options)
        for place in places.listing():
            digests = place.listing(tf)
            listed = [parse_name(name) for name in sorted(digests)]
            fitting = tuple(each for each in listed if each.tf.lower() == tf.lower() and each.part == "AC")
            if fitting:
                return _Offer(places, fitting, digests)
            seen.update(each.tf for each in listed)
    hint = " ".join(filter(None, [near(tf, seen), "give sequences of your own with --data FILE"]))
    raise NotFoundError(f"the ENCODE set has no training sequences of {tf!r}", hint=hint)


def _read(file: EncodeFile, offer: _Offer, options: SourceOptions) -> SequenceDataset:
    with _naming_ways_on(_WAYS_TO_TRAIN):
        path = offer.places.bring(file.name, pinned().get(file.name) or offer.digests[file.name])
    if path is None:
        raise NotFoundError(f"{file.name} is listed but was not found", hint=_WAYS_TO_TRAIN)
    options.report(Event(f"reading {file.name}"))
    rows = load(path, window=options.window)
    return replace(
        rows,
        source="encode",
        note=f"ENCODE experiment {file.experiment}",
        cell=file.cell,
        licence=_LICENCE,
        citation=_CITATION,
        _digest=[],
    )


@contextmanager
def _naming_ways_on(ways: str, tf: str = "", seen: set[str] | None = None) -> Iterator[None]:
    """Let an error about the network say what else can be done, and which known factors are spelled like `tf`."""
    try:
        yield
    except OfflineError as error:
        hint = " ".join(filter(None, [near(tf, seen or ()), ways]))
        # A mirror that was read and lacks the factor comes first: the name may simply be misspelled.
        lacking = f"the mirror has no training sequences of {tf!r}, and " if seen else ""
        what = error.what if error.where is None else f"{error.where}: {error.what}"
        raise OfflineError(f"{lacking}{what}", hint=hint) from error
