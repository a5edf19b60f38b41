from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.cards import (
    MAX_CARD_BYTES,
    SCHEMA_VERSION,
    CurvePoint,
    DataFile,
    ExpertCard,
    GateCard,
    GateMember,
    GateSetScore,
    GateSetSpec,
    Golden,
    Metric,
    Provenance,
    Training,
    canonical_json,
    parse_expert_card,
    parse_gate_card,
)
from tfbs_hub.errors import IntegrityError

words = st.text(st.characters(codec="utf-8"), max_size=12)
# JSON knows no other numbers; beyond 64 bits even those differ between readers.
integers = st.integers(-(2**63), 2**63 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | integers | numbers | words
trees = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
counts = st.integers(0, 10**6)
files = st.builds(DataFile, name=words, sha256=digests, rows=counts)
trainings = st.builds(
    Training,
    seed=counts,
    recipe=st.dictionaries(words, st.booleans() | counts | numbers | words, max_size=3),
    fitted=counts,
    held_out=counts,
    curve=st.lists(st.builds(CurvePoint, epoch=counts, loss=numbers, auroc=numbers), max_size=3).map(tuple),
    trials=counts,
)
goldens = st.lists(st.tuples(st.text("ACGTN", max_size=8), numbers), min_size=1, max_size=3).map(
    lambda pairs: Golden(sequences=tuple(text for text, _ in pairs), logits=tuple(value for _, value in pairs))
)
expert_cards = st.builds(
    ExpertCard,
    name=words,
    tf=words,
    architecture=words,
    config=st.dictionaries(words, trees, max_size=3),
    weights_sha256=digests,
    window=counts,
    embedding_dim=counts,
    family=words,
    cell=words,
    provenance=st.builds(
        Provenance,
        source=words,
        simulated=st.booleans(),
        files=st.lists(files, max_size=2).map(tuple),
        positives=counts,
        dropped=counts,
        negatives=words,
        note=words,
    ),
    training=st.none() | trainings,
    metrics=st.lists(
        st.builds(
            Metric, name=words, value=numbers, data=words, rows=counts, ci95=st.none() | st.tuples(numbers, numbers)
        ),
        max_size=2,
    ).map(tuple),
    golden=goldens,
    gate_set=st.builds(
        GateSetSpec,
        kind=st.sampled_from(["stored", "referenced", "none"]),
        digest=digests,
        simulated=st.booleans(),
        file=st.none() | files,
        positives=st.lists(counts, max_size=4).map(tuple),
        seed=counts,
    ),
    licence=words,
    citation=words,
    versions=st.dictionaries(words, words, max_size=2),
    extra=st.dictionaries(words, trees, max_size=3),
)
gate_cards = st.builds(
    GateCard,
    recipe_name=words,
    config=st.dictionaries(words, trees, max_size=2),
    members=st.lists(
        st.builds(GateMember, name=words, digest=digests, embedding_dim=counts, window=counts), max_size=3
    ).map(tuple),
    weights_sha256=digests,
    window=counts,
    temperature=st.floats(1e-9, 1e9),
    simulated=st.booleans(),
    training=trainings,
    gate_sets=st.lists(
        st.builds(
            GateSetScore,
            name=words,
            digest=digests,
            kind=words,
            rows=counts,
            auroc=numbers,
            alpha=st.dictionaries(words, numbers, max_size=2),
            contribution=st.dictionaries(words, numbers, max_size=2),
        ),
        max_size=2,
    ).map(tuple),
    golden=goldens,
    versions=st.dictionaries(words, words, max_size=2),
    extra=st.dictionaries(words, trees, max_size=2),
)


@pytest.fixture
def card():
    return ExpertCard(
        name="STAT3",
        tf="STAT3",
        architecture="a.b:C",
        config={"window": 101},
        weights_sha256="a" * 64,
        window=101,
        embedding_dim=32,
        provenance=Provenance(source="files", simulated=False, files=(DataFile(name="f", sha256="b" * 64, rows=3),)),
        training=Training(seed=1, curve=(CurvePoint(epoch=1, loss=0.5, auroc=0.75),)),
        metrics=(Metric(name="auroc", value=0.9, data="validation", rows=10, ci95=(0.8, 1.0)),),
        golden=Golden(sequences=("ACGT",), logits=(0.5,)),
        gate_set=GateSetSpec(kind="none"),
    )


@pytest.fixture
def gate():
    return GateCard(
        recipe_name="paper",
        config={},
        members=(GateMember(name="STAT3", digest="c" * 64, embedding_dim=32, window=101),),
        weights_sha256="d" * 64,
        window=101,
        temperature=1.5,
        simulated=False,
        training=Training(seed=0),
        golden=Golden(sequences=("ACGT",), logits=(0.5,)),
    )


@given(expert_cards)
def test_an_experts_card_survives(card):
    data = card.to_json()
    again = parse_expert_card(data, "x")
    assert again == card
    assert again.to_json() == data


@given(gate_cards)
def test_a_gates_card_survives(card):
    data = card.to_json()
    again = parse_gate_card(data, "x")
    assert again == card
    assert again.to_json() == data


@given(trees, st.randoms())
def test_canonical_json_is_one_sorted_line(tree, random):
    def shuffled(value):
        if isinstance(value, dict):
            items = list(value.items())
            random.shuffle(items)
            return {key: shuffled(each) for key, each in items}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    data = canonical_json(tree)
    assert canonical_json(shuffled(tree)) == data
    assert data.count(b"\n") == 1
    assert data.endswith(b"\n")
    assert json.loads(data) == tree
    assert (
        data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_never_written(card, value):
    with pytest.raises(ValueError, match="JSON compliant"):
        replace(card, extra={"x": [value]}).to_json()


def test_cards_are_immutable(card):
    with pytest.raises(FrozenInstanceError):
        card.name = "OTHER"


def changed(card, path, value):
    """The card's bytes with the value at a dotted path replaced (or added)."""
    raw = json.loads(card.to_json())
    place = raw
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in way:
        place = place[key]
    place[last] = value
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("names", "STAT3", "names"),
        ("provenance.origin", "x", r"provenance\.origin"),
        ("provenance.files.0.path", "/etc", r"provenance\.files\.0\.path"),
        ("metrics.0.p", 1, r"metrics\.0\.p"),
        ("training.curve.0.x", 1, r"training\.curve\.0\.x"),
        ("window", "101", "window"),
        ("window", True, "window"),
        ("window", 1.5, "window"),
        ("name", None, "name"),
        ("golden.logits.0", "0.5", "golden"),
        ("golden.logits", [], "golden"),
        ("golden.logits", [1, 2], "golden"),
        ("gate_set.kind", "borrowed", "kind"),
        ("gate_set.positives", [0.5], "positives"),
        ("metrics.0.ci95", [0.1], "ci95"),
        ("metrics.0.ci95", [0.1, 0.2, 0.3], "ci95"),
        ("training.recipe", {"x": []}, "recipe"),
        ("versions", {"torch": 2}, "versions"),
        ("config", [], "config"),
        ("weights_sha256", "A" * 64, "weights_sha256"),
        ("weights_sha256", "a" * 63, "weights_sha256"),
        ("weights_sha256", "a" * 64 + "\n", "weights_sha256"),
        ("schema_version", SCHEMA_VERSION + 1, "schema version"),
        ("schema_version", 10**30, "schema version"),
        ("schema_version", "1", "schema_version"),
    ],
)
def test_a_card_that_is_wrong_says_where(card, path, value, said):
    with pytest.raises(IntegrityError, match=said) as caught:
        parse_expert_card(changed(card, path, value), "experts/STAT3/card.json")
    assert caught.value.where.startswith("experts/STAT3/card.json")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("temperature", 0, "temperature"),
        ("temperature", -1.0, "temperature"),
        ("members.0.digest", "x", "STAT3"),
        ("members.0.weight", 1, r"members\.0\.weight"),
        ("weights_sha256", "", "weights_sha256"),
        ("golden.logits", [], "golden"),
        ("schema_version", 2, "update tfbs-hub"),
    ],
)
def test_a_gates_card_that_is_wrong_says_where(gate, path, value, said):
    with pytest.raises(IntegrityError, match=said):
        parse_gate_card(changed(gate, path, value), "card.json")


def test_a_newer_card_asks_for_a_newer_hub_even_if_it_has_new_keys(card):
    raw = json.loads(card.to_json()) | {"schema_version": 2, "invention": {}}
    with pytest.raises(IntegrityError, match="update tfbs-hub"):
        parse_expert_card(json.dumps(raw).encode(), "x")


def test_free_keys_may_stand_where_they_are_free(card):
    data = changed(card, "extra", {"anything": {"goes": [1, {"here": None}]}})
    assert parse_expert_card(data, "x").extra == {"anything": {"goes": [1, {"here": None}]}}


def test_what_is_left_out_has_its_default(card):
    raw = json.loads(card.to_json())
    for key in ("family", "cell", "training", "metrics", "licence", "citation", "versions", "extra", "schema_version"):
        del raw[key]
    parsed = parse_expert_card(json.dumps(raw).encode(), "x")
    assert parsed == replace(card, training=None, metrics=())
    del raw["tf"]
    with pytest.raises(IntegrityError, match="tf"):
        parse_expert_card(json.dumps(raw).encode(), "x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"name":"\xff"}',
        b'{"schema_version":1e999}',
        b'{"golden":NaN}',
        b" " * (MAX_CARD_BYTES + 1),
        b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
)
def test_what_is_no_card(data):
    for parse in (parse_expert_card, parse_gate_card):
        with pytest.raises(IntegrityError, match=r"card\.json"):
            parse(data, "card.json")


def test_every_depth_of_nesting_is_read_or_refused(card):
    honest = changed(card, "extra", {"deep": 0}).decode()
    refused = []
    for depth in [1, 100, *range(900, 1010)]:
        data = honest.replace('"deep": 0', f'"deep": {"[" * depth}{"]" * depth}').encode()
        try:
            parse_expert_card(data, "x")
        except IntegrityError:
            refused.append(depth)
    assert refused
    assert 100 not in refused


@given(st.binary(max_size=200))
def test_noise_is_refused(data):
    with pytest.raises(IntegrityError):
        parse_expert_card(data, "x")


def test_the_headline_metric_is_the_tests(card):
    validation, test, auprc = (
        Metric(name=name, value=0.9, data=data, rows=1)
        for name, data in [("auroc", "validation"), ("auroc", "B.seq.gz"), ("auprc", "validation")]
    )
    assert replace(card, metrics=(validation, auprc, test)).metric() == test
    assert replace(card, metrics=(validation, auprc, test)).metric("auprc") == auprc
    assert replace(card, metrics=(auprc, validation)).metric() == validation
    assert replace(card, metrics=()).metric() is None
