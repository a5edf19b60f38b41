"""Cards: what is known about an expert or a gate when it is made, as immutable JSON.

A card is a frozen dataclass and a canonical JSON document (sorted keys, no spaces, one final newline), so
that equal cards have equal bytes. Cards hold no times and no paths. What is found out later (motifs,
similarities) is a derived file elsewhere, keyed by digest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import msgspec

from tfbs_hub.errors import IntegrityError
from tfbs_hub.limits import MAX_CARD_BYTES
from tfbs_hub.names import DIGEST

__all__ = [
    "SCHEMA_VERSION",
    "CurvePoint",
    "DataFile",
    "ExpertCard",
    "GateCard",
    "GateMember",
    "GateSetScore",
    "GateSetSpec",
    "Golden",
    "Metric",
    "Provenance",
    "Training",
    "canonical_json",
    "parse_expert_card",
    "parse_gate_card",
]

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file that sequences came from: its name (never a path), sha256, and rows that were read."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where training sequences came from.

    Attributes:
        source: name of the source ("files", "encode", "jaspar", or a plug-in's).
        simulated: True if no experiment stands behind the sequences.
        files: the files, with digests.
        positives: bound sequences that were left after dropping.
        dropped: bound sequences left out because they share a 32-mer on either strand with a test file.
        negatives: kind of negatives ("dinucleotide", "genomic", "other-tfs", "mixed", "given", "none").
        note: one sentence, such as the JASPAR matrix sampled from.
    """

    source: str
    simulated: bool
    files: tuple[DataFile, ...] = ()
    positives: int = 0
    dropped: int = 0
    negatives: str = "none"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One epoch: mean training loss and validation AUROC."""

    epoch: int
    loss: float
    auroc: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the weights came about.

    Attributes:
        seed: the one seed from which every random choice follows.
        recipe: optimiser settings as used, flat names to plain values.
        fitted: sequences that gradients were taken on: of an expert its positives, of a gate all.
        held_out: sequences that only chose the epoch (and a gate's temperature), counted alike.
        curve: one point an epoch; the weights are those of the best `auroc`.
        trials: size of the hyperparameter search; 0 where there was none.
    """

    seed: int
    recipe: dict[str, bool | int | float | str] = field(default_factory=dict)
    fitted: int = 0
    held_out: int = 0
    curve: tuple[CurvePoint, ...] = ()
    trials: int = 0


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One measured number: `name` ("auroc", "auprc") on `data` ("validation" or a file's name).

    `ci95` is DeLong's interval for an AUROC; `rows` the number of sequences it stands on.
    """

    name: str
    value: float
    data: str
    rows: int
    ci95: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Golden:
    """Predictions that prove weights still mean what they meant.

    Attributes:
        sequences: sequences that the project made itself.
        logits: expected `forward` of each, forward strand, CPU, float32 (absolute tolerance 1e-4).
    """

    sequences: tuple[str, ...]
    logits: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class GateSetSpec:
    """How to get the sequences that a gate learns from.

    Attributes:
        kind: "stored" (gate-set.h5 beside the weights), "referenced" (rows of a public file, rebuilt on
            demand) or "none".
        digest: sha256 of the rebuilt set's rows, labels and split; checked after every rebuild.
        simulated: True if no experiment stands behind the sequences.
        file: referenced only: the public file.
        positives: referenced only: its rows (0-based, among the bound rows in file order).
        seed: referenced only: seed of the dinucleotide shuffles and of the split.
    """

    kind: Literal["stored", "referenced", "none"]
    digest: str = ""
    simulated: bool = False
    file: DataFile | None = None
    positives: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class ExpertCard:
    """All that is known about an expert when it is made.

    Attributes:
        name: unique in a registry.
        tf: the transcription factor, as its field writes it.
        architecture: `module:Class` of the network.
        config: arguments of `Class.from_config`.
        weights_sha256: digest of the weights file; its first 12 digits name the version.
        window, embedding_dim: as the network declares them.
    """

    schema_version: int = SCHEMA_VERSION
    name: str
    tf: str
    architecture: str
    config: dict[str, Any]
    weights_sha256: str
    window: int
    embedding_dim: int
    family: str = ""
    cell: str = ""
    provenance: Provenance
    training: Training | None = None
    metrics: tuple[Metric, ...] = ()
    golden: Golden
    gate_set: GateSetSpec
    licence: str = ""
    citation: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def metric(self, name: str = "auroc") -> Metric | None:
        """The headline value of a metric: on a test file if there is one, else on validation."""
        values = [metric for metric in self.metrics if metric.name == name]
        tests = [metric for metric in values if metric.data != "validation"]
        return next(iter(tests or values), None)

    def to_json(self) -> bytes:
        """The card's canonical bytes."""
        return canonical_json(self)


@dataclass(frozen=True, kw_only=True)
class GateMember:
    """An expert version that a gate mixes, in the order of its weights."""

    name: str
    digest: str
    embedding_dim: int
    window: int


@dataclass(frozen=True, kw_only=True)
class GateSetScore:
    """What training the gate did on one gate set.

    Attributes:
        name: the set's name (its expert's, or the stem of a `--data` file).
        digest: the set's digest.
        kind: "stored", "referenced", "simulated" or "given".
        rows: sequences in it.
        auroc: AUROC of the gate on its validation part, both strands averaged.
        alpha, contribution: mean over its validation positives, by expert.
    """

    name: str
    digest: str
    kind: str
    rows: int
    auroc: float
    alpha: dict[str, float] = field(default_factory=dict)
    contribution: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GateCard:
    """All that is known about a gate when it is made.

    Attributes:
        recipe_name: "paper", or the name of another recipe (`retrain-gate --gate`).
        config: arguments that rebuild the gate's network.
        members: the experts, by digest: a gate serves exactly these.
        temperature: the raw logit is divided by it; fitted on validation.
        simulated: True if any gate set was simulated.
    """

    schema_version: int = SCHEMA_VERSION
    recipe_name: str
    config: dict[str, Any]
    members: tuple[GateMember, ...]
    weights_sha256: str
    window: int
    temperature: float
    simulated: bool
    training: Training
    gate_sets: tuple[GateSetScore, ...] = ()
    golden: Golden
    versions: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The card's canonical bytes."""
        return canonical_json(self)


def canonical_json(value: Any) -> bytes:
    """`value` (dataclasses, mappings, lists, plain values) as canonical JSON with a final newline."""
    plain = msgspec.to_builtins(value, str_keys=True)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def parse_expert_card(data: bytes, where: str) -> ExpertCard:
    """Read an expert's card; raises `IntegrityError` naming `where` and the key that is wrong."""
    card = _parse(data, ExpertCard, where)
    _check_digest(card.weights_sha256, f"{where}: weights_sha256")
    _check_golden(card.golden, where)
    return card


def parse_gate_card(data: bytes, where: str) -> GateCard:
    """Read a gate's card; raises `IntegrityError` naming `where` and the key that is wrong."""
    card = _parse(data, GateCard, where)
    _check_digest(card.weights_sha256, f"{where}: weights_sha256")
    for member in card.members:
        _check_digest(member.digest, f"{where}: members: {member.name}")
    if not card.temperature > 0:
        raise IntegrityError("a temperature must be above 0", where=f"{where}: temperature")
    _check_golden(card.golden, where)
    return card


C = TypeVar("C", ExpertCard, GateCard)


def _parse(data: bytes, kind: type[C], where: str) -> C:
    if len(data) > MAX_CARD_BYTES:
        raise IntegrityError(f"a card may have {MAX_CARD_BYTES} bytes, this has {len(data)}", where=where)
    try:
        raw = msgspec.json.decode(data)
        version = raw.get("schema_version") if isinstance(raw, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise IntegrityError(
                f"this card has schema version {version}; this tfbs-hub reads up to {SCHEMA_VERSION}",
                where=where,
                hint="update tfbs-hub",
            )
        card = msgspec.convert(raw, kind)
        stray = _stray_key(raw, msgspec.to_builtins(card, str_keys=True))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"not a valid card: {error}", where=where) from error
    if stray:
        raise IntegrityError("not a valid card: unknown key", where=f"{where}: {stray}")
    return card


def _stray_key(raw: Any, known: Any) -> str | None:
    """The first key of `raw` that decoding dropped, as a dotted path."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            if key not in known:
                return str(key)
            deeper = _stray_key(value, known[key])
            if deeper:
                return f"{key}.{deeper}"
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for place, (left, right) in enumerate(zip(raw, known, strict=True)):
            # Lists of thousands of numbers are common on cards, and a call for each would take most of the reading.
            deeper = _stray_key(left, right) if isinstance(left, dict | list) else None
            if deeper:
                return f"{place}.{deeper}"
    return None


def _check_golden(golden: Golden, where: str) -> None:
    if len(golden.sequences) != len(golden.logits) or not golden.sequences:
        raise IntegrityError(
            "golden predictions need at least one sequence, and as many logits as sequences", where=f"{where}: golden"
        )


def _check_digest(digest: str, where: str) -> None:
    if not DIGEST.fullmatch(digest):
        raise IntegrityError(f"{digest!r} is not a sha256 digest", where=where)
