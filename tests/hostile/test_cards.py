"""Cards from elsewhere that lie, do not fit, or are no cards."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest


def to(**changes):
    """Other values under keys of the card; `a__b` stands for `b` in `a`."""

    def edit(card):
        for key, value in changes.items():
            *path, last = key.split("__")
            inner = card
            for step in path:
                inner = inner[step]
            inner[last] = value
        return card

    return edit


def without(key):
    return lambda card: {name: value for name, value in card.items() if name != key}


LONG = "A" * 10_000
# id: what becomes of the card, error, exit code, words
VALUES = {
    "no name": (without("name"), "IntegrityError", 4, "missing required field `name`"),
    "no golden predictions": (without("golden"), "IntegrityError", 4, "missing required field `golden`"),
    "a key of its own": (to(hook="os:system"), "IntegrityError", 4, "card.json: hook: not a valid card: unknown key"),
    "a key of its own inside": (to(golden__hook=1), "IntegrityError", 4, "card.json: golden.hook: not a valid card"),
    "a later version": (to(schema_version=2), "IntegrityError", 4, "this card has schema version 2"),
    "a version of words": (to(schema_version="one"), "IntegrityError", 4, "not a valid card"),
    "a version of 10^30": (to(schema_version=10**30), "IntegrityError", 4, "update tfbs-hub"),
    "a number for a name": (to(name=7), "IntegrityError", 4, "Expected `str`, got `int` - at `$.name`"),
    "nothing for a name": (to(name=None), "IntegrityError", 4, "Expected `str`, got `null`"),
    "a window of words": (to(window="61"), "IntegrityError", 4, "not a valid card"),
    "another window": (to(window=101), "IntegrityError", 4, "the card and the weights describe different networks"),
    "a window of -1": (to(window=-1), "IntegrityError", 4, "the card and the weights describe different networks"),
    "another width": (to(embedding_dim=1 << 40), "IntegrityError", 4, "describe different networks"),
    "another configuration": (to(config={}), "IntegrityError", 4, "describe different networks"),
    "another architecture": (to(architecture="os:system"), "IntegrityError", 4, "describe different networks"),
    "golden logits too few": (to(golden__logits=[0.5]), "IntegrityError", 4, "as many logits as sequences"),
    "golden logits of words": (to(golden__logits=["x"]), "IntegrityError", 4, "not a valid card"),
    "golden logits of others": (to(golden__logits=[9.0] * 4), "IntegrityError", 4, "golden prediction 0 is"),
    "golden sequences of no DNA": (to(golden__sequences=["ACGX"] * 4), "IntegrityError", 4, "a golden sequence"),
    "golden sequences of nothing": (to(golden__sequences=[""] * 4), "IntegrityError", 4, "golden"),
    "golden sequences too long": (to(golden__sequences=["A" * 99_999] * 4), "IntegrityError", 4, "golden"),
    "no golden sequence": (to(golden={"sequences": [], "logits": []}), "IntegrityError", 4, "at least one sequence"),
    "a gate set of another kind": (to(gate_set__kind="pickle"), "IntegrityError", 4, "not a valid card"),
    "a stored gate set that is not there": (None, "IntegrityError", 4, "which does not fit the files"),
    "a gate set that is there and not stored": (
        to(gate_set__kind="none"),
        "IntegrityError",
        4,
        "which does not fit the files",
    ),
    "a gate set of another digest": (to(gate_set__digest="0" * 64), "IntegrityError", 4, "the card says 000000000000"),
    "the name of another": (to(name="ETS"), "UsageError", 2, "the registry already has another ETS"),
    "the name of another in small letters": (to(name="ets"), "UsageError", 2, "differs only in case"),
}  # fmt: skip
NAMES = {
    "a path": "../../etc/passwd",
    "an absolute path": "/etc/passwd",
    "a path of Windows": "..\\..\\evil",
    "a dot": ".",
    "two dots": "..",
    "an option": "-rf",
    "a device of Windows": "CON",
    "a device with an ending": "nul.txt",
    "nothing": "",
    "a space": "EB OX",
    "a line feed": "EBOX\nEVIL",
    "a NUL": "EBOX\0",
    "an escape": "\x1b[2JEBOX",
    "another direction": "\u202eXOBE",
    "a look-alike": "\u0415BOX",
    "a letter that cannot be seen": "EB\u200bOX",
    "10,000 letters": LONG,
    "the gate's own": "moe",
    "the mean's own": "MEAN",
    "a dot at its end": "EBOX.",
    "a hidden file": ".EBOX",
}


@pytest.fixture
def imports(here, parts, refused):
    """Import a bundle with this card, in which every digest fits; it must be refused."""

    def check(card, error, code, says, files=None):
        forged = replace(parts, card=card, files=parts.files if files is None else files)
        (here / "evil.tfbs").write_bytes(forged.bundle())
        refused("import evil.tfbs", error, code, says)

    return check


@pytest.mark.parametrize("row", VALUES)
def test_a_card_that_does_not_fit_is_refused(parts, imports, row):
    edit, *expected = VALUES[row]
    files = dict(parts.files)
    if edit is None:
        del files["gate-set.h5"]
    card = json.loads(json.dumps(parts.card))
    imports(card if edit is None else edit(card), *expected, files=files)


@pytest.mark.parametrize("row", NAMES)
def test_an_expert_of_that_name_is_refused(parts, imports, row):
    what = "is taken by a model of the hub" if NAMES[row].lower() in {"moe", "mean"} else "cannot be the name"
    imports({**parts.card, "name": NAMES[row]}, "UsageError", 2, what)


# id: the card's bytes, words; each is an IntegrityError, exit code 4
BYTES = {
    "empty": (b"", "not a valid card"),
    "a list": (b"[]", "not a valid card"),
    "nothing": (b"null", "not a valid card"),
    "half": (b'{"name":"NEW","tf":', "not a valid card"),
    "brackets": (b"[" * 200_000, "not a valid card"),
    "braces": (b'{"a":' * 200_000, "not a valid card"),
    "no UTF-8": (b'{"name":"\xff\xfe"}', "not a valid card"),
    "UTF-16": ('{"name": "NEW"}'.encode("utf-16"), "not a valid card"),
    "a half of a surrogate": (b'{"name":"\\ud800"}', "not a valid card"),
    "NaN": (b'{"window":NaN}', "not a valid card"),
    "infinity": (b'{"window":1e999}', "not a valid card"),
    "a million digits": (b'{"window":' + b"9" * 1_000_000 + b"}", "not a valid card"),
    "two documents": (b"{}{}", "not a valid card"),
    "a pickle": (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os\x94.", "not a valid card"),
    "5 MB of spaces": (b" " * (5 << 20), "too large"),
}


@pytest.mark.parametrize("row", BYTES)
def test_what_is_no_card_is_refused(here, parts, forge_bundle, refused, row):
    data, says = BYTES[row]
    (here / "evil.tfbs").write_bytes(forge_bundle({**parts.files, "card.json": data}))
    refused("import evil.tfbs", "IntegrityError", 4, says)
