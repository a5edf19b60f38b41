from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import IntegrityError
from tfbs_hub.registry.generation import ExpertEntry, FileEntry, GateEntry, Generation, parse_generation
from tfbs_hub.registry.storage import sha256


def files(weights):
    return {"weights.safetensors": FileEntry(sha256=weights, size=3), "card.json": FileEntry(sha256="0" * 64, size=9)}


def expert(letter, **changes):
    entry = ExpertEntry(digest=letter * 64, version=letter * 12, enabled=True, files=files(letter * 64))
    return replace(entry, **changes)


def gate(letter, *members):
    return GateEntry(digest=letter * 64, members=tuple(m * 64 for m in members), files=files(letter * 64))


SOUND = Generation(
    number=3,
    parent=2,
    action="retrain-gate",
    experts={"STAT3": expert("a"), "REST": expert("b", enabled=False)},
    superseded={"STAT3": (expert("c"),)},
    gates=(gate("e", "a"), gate("f", "b", "c")),
    gate="f" * 64,
)


def test_a_generation_survives_the_round_trip():
    data = SOUND.to_json()
    assert parse_generation(data, "here") == SOUND
    document = json.loads(data)
    checksum = document.pop("checksum")
    assert checksum == sha256(canonical_json(document))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_changed_byte_is_noticed(data):
    good = SOUND.to_json()
    place = data.draw(st.integers(0, len(good) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    if kind == "flip":
        bad = good[:place] + bytes([good[place] ^ data.draw(st.integers(1, 255))]) + good[place + 1 :]
    elif kind == "cut":
        bad = good[:place]
    else:
        bad = good[:place] + data.draw(st.binary(min_size=1, max_size=4)) + good[place:]
    with pytest.raises(IntegrityError):
        parse_generation(bad, "here")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b'"\\ud800"', b"{}", b"null"]))
def test_no_bytes_make_it_raise_anything_else(data):
    with pytest.raises(IntegrityError):
        parse_generation(data, "here")


def test_line_ends_that_a_tool_changed_are_damage():
    with pytest.raises(IntegrityError, match="damaged") as caught:
        parse_generation(SOUND.to_json().replace(b"\n", b"\r\n"), "generations/00000003.json")
    assert caught.value.where == "generations/00000003.json"
    assert "tfbs-hub verify" in caught.value.hint


def test_a_newer_format_asks_for_an_update():
    document = json.loads(SOUND.to_json()) | {"format_version": 2}
    with pytest.raises(IntegrityError, match="format version 2") as caught:
        parse_generation(canonical_json(document), "here")
    assert caught.value.hint == "update tfbs-hub"


@pytest.mark.parametrize(
    "wrong",
    [
        replace(SOUND, number=0),
        replace(SOUND, gate="9" * 64),
        replace(SOUND, gates=(*SOUND.gates, gate("e"))),
        replace(SOUND, superseded={}),
        replace(SOUND, experts={**SOUND.experts, "stat3": expert("d")}),
        replace(SOUND, experts={**SOUND.experts, "../x": expert("d")}),
        replace(SOUND, experts={**SOUND.experts, "X": expert("d", version="../../" + "d" * 12)}),
        replace(SOUND, experts={**SOUND.experts, "X": expert("d", version="e" * 12)}),
        replace(SOUND, experts={**SOUND.experts, "X": expert("d", files=files("e" * 64))}),
        replace(SOUND, experts={**SOUND.experts, "X": expert("d", files={})}),
        replace(SOUND, experts={**SOUND.experts, "X": expert("d", files=files("d" * 64) | {"../x": files("d")})}),
    ],
)
def test_what_cannot_be_is_refused_though_its_checksum_fits(wrong):
    with pytest.raises(IntegrityError):
        parse_generation(wrong.to_json(), "here")


def test_superseded_versions_stay_only_while_the_gate_mixes_them():
    following = SOUND.next("retrain-gate", gates=(*SOUND.gates, gate("d", "a")), gate="d" * 64)
    assert following.superseded == {}
    assert (following.number, following.parent) == (4, 3)
    assert SOUND.next("enable REST").superseded == SOUND.superseded
